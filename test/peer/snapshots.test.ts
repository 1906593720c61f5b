/** When a peer takes a snapshot of its own: it is never shown ahead of what the log has on disk. */

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
  const chunks = [new Uint8Array(1)]
  const nextImageChunk = () => chunks.shift()
  const tree = { zxid: COMMITTED, needsFullImage: true, beginImage, nextImageChunk }
  return { tree: tree as unknown as Tree, zab: { durableZxid, history } as unknown as Zab }
}

test('a snapshot is shown when all that it holds is in the log on disk, and not before', () => {
  const snapshots = new Snapshots(LOG_BYTES_MAX, true)
  snapshots.logged(LOG_BYTES_MAX)
  const { tree, zab: behind } = peerWith((COMMITTED - 1) as Zxid)
  const { zab: durable } = peerWith(COMMITTED)
  const asked = (zab: Zab): string[] => {
    snapshots.advance(tree, zab)
    return snapshots.takeTasks().map(({ kind }) => kind)
  }
  assert.deepEqual(
    asked(behind),
    ['snapshotBegin'],
    'a disk that lags under load does not put it off',
  )
  snapshots.onStep()
  assert.deepEqual(asked(behind), ['snapshotChunk'])
  snapshots.onStep()
  assert.deepEqual(asked(behind), [])
  assert.deepEqual(asked(behind), [])
  assert.deepEqual(asked(durable), ['snapshotCommit'])
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
