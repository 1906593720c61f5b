import assert from 'node:assert/strict'
import { it } from 'node:test'
import { OPEN_ACL } from '../../lib/base/acl.ts'
import type { ZPath } from '../../lib/base/path.ts'
import { Nodes } from '../../lib/tree/nodes.ts'
import { PackedPath } from '../../lib/tree/packed-path.ts'
import { RecentZnodes } from '../../lib/tree/recent-znodes.ts'
import { MutableZnode } from '../../lib/tree/znode.ts'

const ENOUGH_TO_BE_VAIN = 200

/** Asks as `Nodes` does, and tells whether the view was there. */
function asker(): (path: string) => boolean {
  const nodes = new Nodes()
  const slot = nodes.add(new PackedPath().set('/any' as ZPath), new Uint8Array(0), OPEN_ACL)
  const recent = new RecentZnodes()
  return path => {
    if (recent.at(path as ZPath) !== undefined) return true
    recent.found(new MutableZnode(nodes, slot, path as ZPath))
    return false
  }
}

it('a path that is asked for in turn with others is found, whoever is looked for first', () => {
  for (let others = 1; others <= 3; others++) {
    for (let before = 0; before < 40; before++) {
      const ask = asker()
      for (let at = 0; at < ENOUGH_TO_BE_VAIN + before; at++) ask(`/cold/node-${at}`)
      let found = false
      for (let turn = 0; turn < 200; turn++) {
        found = ask('/hot/member')
        for (let other = 0; other < others; other++) ask(`/cold/other-${turn}-${other}`)
      }
      assert.ok(found, `${others} others, ${before} before`)
    }
  }
})

it('short paths, which are never kept, do not make others be left out', () => {
  const ask = asker()
  for (let at = 0; at < ENOUGH_TO_BE_VAIN; at++) ask('/lock')
  assert.deepEqual(
    [1, 2, 3].map(() => ask('/hot/member')),
    [false, false, true],
  )
})
