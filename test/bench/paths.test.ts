/** The nodes of a load: every path has its parent, and an order without a pattern leaves none out. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parentsOf, pathsOf, shuffled } from '../../bench/load/paths.ts'

test('the parents of all paths are made', () => {
  const parents = new Set(parentsOf('/top', 2500))
  assert.equal(parents.size, 4)
  const paths = pathsOf('/top', 2500)
  assert.equal(new Set(paths).size, 2500)
  for (const path of paths) assert.ok(parents.has(path.slice(0, path.lastIndexOf('/'))), path)
})

test('shuffling keeps all, always in the same order, and not the one before', () => {
  const items = Array.from({ length: 1000 }, (_, at) => at)
  const order = shuffled(items)
  assert.deepEqual(order, shuffled(items))
  assert.deepEqual(
    [...order].sort((a, b) => a - b),
    items,
  )
  const kept = order.filter((item, at) => at > 0 && item === order[at - 1]! + 1).length
  assert.ok(kept < 20, `${kept} pairs are as they were`)
})
