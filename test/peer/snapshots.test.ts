/** When a peer takes a snapshot of its own: never ahead of what its log has on disk. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeEpoch, makeZxid, type Zxid } from '../../lib/base/zxid.ts'
import { Snapshots } from '../../lib/peer/core-snapshots.ts'
import type { Tree } from '../../lib/tree/tree.ts'
import type { SnapshotHead } from '../../lib/zab/types.ts'
import type { Zab } from '../../lib/zab/zab.ts'

const COMMITTED = makeZxid(makeEpoch(1), 5)
const LOG_BYTES_MAX = 100

/** A peer that has applied everything committed, with its log on disk up to `durableZxid`. */
function peerWith(durableZxid: Zxid): { readonly tree: Tree; readonly zab: Zab } {
  const head: SnapshotHead = { point: { zxid: COMMITTED, chain: 1 }, digest: 7, epochEnds: [] }
  const history = { committed: COMMITTED, committedHead: () => head }
  const beginImage = () => ({ kind: 'full', zxid: COMMITTED, digest: 7 })
  const tree = { zxid: COMMITTED, needsFullImage: true, beginImage }
  return { tree: tree as unknown as Tree, zab: { durableZxid, history } as unknown as Zab }
}

test('a snapshot waits until all that it holds is in the log on disk', () => {
  const snapshots = new Snapshots(LOG_BYTES_MAX, true)
  snapshots.logged(LOG_BYTES_MAX)
  const behind = peerWith((COMMITTED - 1) as Zxid)
  snapshots.advance(behind.tree, behind.zab)
  assert.deepEqual(snapshots.takeTasks(), [])
  const { tree, zab } = peerWith(COMMITTED)
  snapshots.advance(tree, zab)
  assert.deepEqual(
    snapshots.takeTasks().map(({ kind }) => kind),
    ['snapshotBegin'],
  )
})

test('a snapshot waits until enough was logged since the last one', () => {
  const snapshots = new Snapshots(LOG_BYTES_MAX, true)
  const { tree, zab } = peerWith(COMMITTED)
  snapshots.logged(LOG_BYTES_MAX - 1)
  snapshots.advance(tree, zab)
  assert.deepEqual(snapshots.takeTasks(), [])
  snapshots.logged(1)
  snapshots.advance(tree, zab)
  assert.equal(snapshots.takeTasks().length, 1)
})
