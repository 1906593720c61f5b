/** When a peer takes a snapshot of its own: it is never shown ahead of what the log has on disk. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeEpoch, makeSid, makeZxid, type Zxid } from '../../lib/base/zxid.ts'
import { Snapshots } from '../../lib/peer/core-snapshots.ts'
import type { ChainSize } from '../../lib/storage/store.ts'
import type { Tree } from '../../lib/tree/tree.ts'
import type { SnapshotHead } from '../../lib/zab/types.ts'
import type { Zab } from '../../lib/zab/zab.ts'

const COMMITTED = makeZxid(makeEpoch(1), 5)
const LOG_BYTES_MAX = 800
const OPTIONS = { sid: makeSid(1), snapshotLogBytes: LOG_BYTES_MAX }

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
  const snapshots = new Snapshots(OPTIONS, undefined)
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

/** Bytes of log at which a peer begins its first snapshots; each is done before more is logged. */
function dueBytes(sid: number, count: number): number[] {
  const snapshots = new Snapshots({ ...OPTIONS, sid: makeSid(sid) }, undefined)
  const { tree, zab } = peerWith(COMMITTED)
  const turn = (): string[] => {
    snapshots.advance(tree, zab)
    return snapshots.takeTasks().map(({ kind }) => kind)
  }
  const due: number[] = []
  for (let logged = 1; due.length < count; logged++) {
    snapshots.logged(1)
    if (!turn().includes('snapshotBegin')) continue
    due.push(logged)
    do snapshots.onStep()
    while (!turn().includes('snapshotCommit'))
    snapshots.onDone(undefined)
  }
  return due
}

test('a snapshot waits until enough was logged since the last one', () => {
  const [first = 0, second = 0, third = 0] = dueBytes(1, 3)
  assert.equal(first, LOG_BYTES_MAX / 2, 'the first one comes earlier')
  assert.deepEqual([second - first, third - second], [LOG_BYTES_MAX, LOG_BYTES_MAX])
})

test('peers that log the same take their snapshots at different times', () => {
  const due = [1, 2, 3, 4, 5, 6, 7].map(sid => dueBytes(sid, 2)).sort(([a = 0], [b = 0]) => a - b)
  for (const [first = 0, second = 0] of due) assert.equal(second - first, LOG_BYTES_MAX)
  const firsts = due.map(([first]) => first)
  assert.deepEqual(
    firsts,
    [1, 2, 3, 4, 5, 6, 7].map(eighth => (eighth * LOG_BYTES_MAX) / 8),
  )
})

/** Kind of the snapshot that is taken upon such a chain, of a tree of such a size. */
function kindUpon(chain: ChainSize | undefined, imageBytes: number): string {
  const snapshots = new Snapshots(OPTIONS, chain)
  const { tree, zab } = peerWith(COMMITTED)
  snapshots.logged(LOG_BYTES_MAX)
  snapshots.advance({ ...tree, needsFullImage: false, imageBytes } as unknown as Tree, zab)
  const [begin] = snapshots.takeTasks()
  assert.equal(begin?.kind, 'snapshotBegin')
  return begin.full ? 'full' : 'delta'
}

test('a delta is taken while no more than half of what is kept is out of date', () => {
  assert.equal(kindUpon(undefined, 100), 'full', 'there is nothing to add to')
  assert.equal(kindUpon({ imageBytes: 100, deltaBytes: 100 }, 100), 'delta')
  assert.equal(kindUpon({ imageBytes: 100, deltaBytes: 101 }, 100), 'full')
})

test('a tree that grows is not written again, nor one that was larger at every turn', () => {
  assert.equal(kindUpon({ imageBytes: 10, deltaBytes: 190 }, 100), 'delta', 'it grew by them')
  assert.equal(kindUpon({ imageBytes: 10, deltaBytes: 191 }, 100), 'full')
  assert.equal(kindUpon({ imageBytes: 1000, deltaBytes: 900 }, 1), 'delta')
  assert.equal(kindUpon({ imageBytes: 1000, deltaBytes: 1001 }, 1), 'full')
})
