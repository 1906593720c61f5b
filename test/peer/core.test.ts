/** Peers with agreement and replica together: what becomes of the clients of one that cannot serve. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32 } from '../../lib/base/crc32.ts'
import { LOG_START } from '../../lib/base/group.ts'
import { EPOCH_ZERO, makeSid, type Sid, ZXID_ZERO } from '../../lib/base/zxid.ts'
import { PeerCore, type PeerInput } from '../../lib/peer/core.ts'
import { Tree } from '../../lib/tree/tree.ts'
import { Majority } from '../../lib/zab/quorum.ts'
import { decodeFrame, encodeMessages, PASSWORD } from '../replica/support.ts'

const SIDS = [makeSid(1), makeSid(2)]
const SYNC_LIMIT_TICKS = 10
const CONNECTION = 7
const TURNS_MAX = 1000

class Peer {
  readonly sid: Sid
  readonly core: PeerCore
  readonly inbox: PeerInput[] = []
  /** What its client was told: the kind, and the code of a goodbye. */
  readonly told: string[] = []
  readonly closed: number[] = []

  constructor(sid: Sid) {
    this.sid = sid
    this.core = new PeerCore(
      {
        sid,
        peers: SIDS,
        quorum: new Majority(SIDS),
        initLimitTicks: 50,
        syncLimitTicks: SYNC_LIMIT_TICKS,
        crc32,
        dataBytesMax: 1000,
        tickMs: 50,
        snapshotLogBytes: Number.MAX_SAFE_INTEGER,
      },
      {
        epochs: { acceptedEpoch: EPOCH_ZERO, currentEpoch: EPOCH_ZERO },
        history: { logStart: LOG_START, base: LOG_START, groups: [], epochEnds: [] },
        committed: ZXID_ZERO,
        trusted: true,
      },
      new Tree(),
      false,
    )
  }

  get serving(): boolean {
    return this.core.zab.view.serving
  }
}

/** Two peers that need one another; whatever they write is durable at once. */
class Pair {
  readonly peers = SIDS.map(sid => new Peer(sid))
  #linked = false

  setLinked(linked: boolean): void {
    this.#linked = linked
    for (const peer of this.peers) {
      const { sid } = this.#other(peer)
      peer.inbox.push({ kind: linked ? 'linkUp' : 'linkDown', sid })
    }
    this.settle()
  }

  tick(ticks: number): void {
    for (let tick = 0; tick < ticks; tick++) {
      for (const peer of this.peers) peer.inbox.push({ kind: 'tick' })
      this.settle()
    }
  }

  settle(): void {
    for (let turns = 0; turns < TURNS_MAX; turns++) {
      const peer = this.peers.find(({ inbox }) => inbox.length > 0)
      if (peer === undefined) return
      this.#turn(peer)
    }
    assert.fail('the pair does not come to rest')
  }

  #turn(peer: Peer): void {
    const output = peer.core.turn(peer.inbox.splice(0), 1)
    for (const { frame } of output.peerFrames) {
      if (!this.#linked) continue
      this.#other(peer).inbox.push({ kind: 'peerFrame', from: peer.sid, frame })
    }
    for (const task of output.tasks) {
      if (task.kind === 'write') {
        peer.inbox.push({ kind: 'persisted', writeId: task.persist.writeId })
      }
    }
    for (const { frame } of output.clientFrames) {
      for (const message of decodeFrame(frame)) {
        peer.told.push(message.kind === 'goodbye' ? message.code : message.kind)
      }
    }
    peer.closed.push(...output.closings)
  }

  #other(peer: Peer): Peer {
    return this.peers.find(each => each !== peer)!
  }
}

/** Two peers that serve, and a client of each. */
function pairWithClients(): Pair {
  const pair = new Pair()
  pair.setLinked(true)
  pair.tick(5)
  const frame = encodeMessages([{ kind: 'open', timeoutMs: 10_000, password: PASSWORD }])
  for (const { inbox, serving } of pair.peers) {
    assert.ok(serving)
    inbox.push({ kind: 'connect', connection: CONNECTION })
    inbox.push({ kind: 'clientFrame', connection: CONNECTION, frame })
  }
  pair.settle()
  for (const { told } of pair.peers) assert.deepEqual(told.splice(0), ['welcome'])
  return pair
}

test('a peer that has no leader for longer than syncLimit sends its clients elsewhere', () => {
  const pair = pairWithClients()
  pair.setLinked(false)
  pair.tick(SYNC_LIMIT_TICKS)
  for (const { serving, told } of pair.peers) {
    assert.ok(!serving)
    assert.deepEqual(told, [], 'an election may well take so long')
  }
  pair.tick(1)
  for (const { told, closed } of pair.peers) {
    assert.deepEqual(told, ['SESSION_MOVED'])
    assert.deepEqual(closed, [CONNECTION])
  }
})

test('a short election is not felt by clients', () => {
  const pair = pairWithClients()
  for (let election = 0; election < 3; election++) {
    pair.setLinked(false)
    pair.tick(SYNC_LIMIT_TICKS - 1)
    pair.setLinked(true)
    pair.tick(1)
    assert.ok(pair.peers.every(({ serving }) => serving))
  }
  for (const { told, closed } of pair.peers) {
    assert.deepEqual(told, [])
    assert.deepEqual(closed, [])
  }
})
