/** Snapshots of a peer's own and the store they go to: one at a time, also after one was given up. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeEpoch, makeSid, makeZxid } from '../../lib/base/zxid.ts'
import { Snapshots } from '../../lib/peer/core-snapshots.ts'
import type { Replica } from '../../lib/replica/replica.ts'
import type { Tree } from '../../lib/tree/tree.ts'
import type { SnapshotHead } from '../../lib/zab/types.ts'
import type { Zab } from '../../lib/zab/zab.ts'

const ZXID = makeZxid(makeEpoch(1), 5)
const HEAD: SnapshotHead = { point: { zxid: ZXID, chain: 1 }, digest: 7, epochEnds: [] }
const LOG_BYTES_MAX = 100

/** A peer with a tree whose images have no chunk. */
class Peer {
  readonly snapshots = new Snapshots(
    { sid: makeSid(1), snapshotLogBytes: LOG_BYTES_MAX },
    undefined,
  )
  readonly #tree = {
    zxid: ZXID,
    needsFullImage: true,
    beginImage: () => ({ kind: 'full', zxid: ZXID, digest: 7 }),
    nextImageChunk: () => undefined,
    abandonImage: () => {},
  } as unknown as Tree
  readonly #zab = {
    durableZxid: ZXID,
    history: { committed: ZXID, committedHead: () => HEAD },
  } as unknown as Zab

  /** What a turn hands to the store. */
  turn(): string[] {
    this.snapshots.advance(this.#tree, this.#zab)
    return this.snapshots.takeTasks().map(({ kind }) => kind)
  }

  /** Begins a snapshot and hands over all of it. */
  commitOne(): void {
    this.snapshots.logged(LOG_BYTES_MAX)
    assert.deepEqual(this.turn(), ['snapshotBegin'])
    this.snapshots.onStep()
    assert.deepEqual(this.turn(), ['snapshotCommit'])
  }

  /** A leader begins to send a snapshot and does not get to its end. */
  hearOfAnother(): void {
    const replica = { tree: this.#tree } as unknown as Replica
    this.snapshots.stage([{ kind: 'begin', head: HEAD }, { kind: 'abort' }], replica)
    this.snapshots.takeTasks()
  }
}

test('the end of a snapshot given up is not taken for that of the next one', () => {
  const peer = new Peer()
  peer.commitOne()
  peer.hearOfAnother()
  peer.commitOne()
  peer.snapshots.logged(LOG_BYTES_MAX)
  peer.snapshots.onDone(undefined)
  assert.deepEqual(peer.turn(), [], 'the store has not finished the second one')
  peer.snapshots.onDone(undefined)
  assert.deepEqual(peer.turn(), ['snapshotBegin'])
})

test('a snapshot given up before its end has no end to wait for', () => {
  const peer = new Peer()
  peer.snapshots.logged(LOG_BYTES_MAX)
  assert.deepEqual(peer.turn(), ['snapshotBegin'])
  peer.hearOfAnother()
  peer.commitOne()
  peer.snapshots.logged(LOG_BYTES_MAX)
  peer.snapshots.onDone(undefined)
  assert.deepEqual(peer.turn(), ['snapshotBegin'])
})
