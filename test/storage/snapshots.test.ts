/** The catalog of snapshots by itself: what a delta may stand on. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StoredSnapshot } from '../../lib/storage/records.ts'
import { SnapshotCatalog } from '../../lib/storage/snapshots.ts'
import { headAt, pointAfter } from './support.ts'

function snapshot(id: number, base: number): StoredSnapshot {
  return { id, base, chunks: 1, bytes: 100 - id, head: headAt(pointAfter(id)) }
}

test('the newest snapshot stays, restorable or not: the next delta follows it', () => {
  const catalog = new SnapshotCatalog()
  for (const [id, base] of [
    [1, 0],
    [2, 1],
    [3, 2],
  ] as const)
    catalog.add(snapshot(id, base))
  catalog.markUnreadable(3)
  catalog.add(snapshot(4, 3))
  catalog.purge(2)
  assert.equal(catalog.newestId, 4)
  assert.equal(catalog.newestSize(), undefined)
  catalog.add(snapshot(5, 0))
  catalog.purge(2)
  assert.deepEqual(catalog.newestSize(), { imageBytes: snapshot(5, 0).bytes, deltaBytes: 0 })
  assert.deepEqual(
    catalog.snapshots.map(({ id }) => id),
    [1, 2, 5],
  )
})

test('deltas that hold next to nothing do not go on for ever', () => {
  const catalog = new SnapshotCatalog()
  catalog.add({ ...snapshot(1, 0), bytes: 1e9 })
  let id = 1
  while (catalog.newestSize() !== undefined) {
    assert.ok(id < 500, `${id - 1} deltas upon one image`)
    id++
    catalog.add({ ...snapshot(2, id - 1), id, bytes: 0 })
  }
  assert.ok(id > 20, 'an image is dear, a delta is not')
})
