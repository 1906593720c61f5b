/** Two whole peers without their surroundings, and a client of each, moved by hand. */

import assert from 'node:assert/strict'
import { crc32 } from '../../lib/base/crc32.ts'
import { LOG_START } from '../../lib/base/group.ts'
import { EPOCH_ZERO, makeSid, type Sid, ZXID_ZERO, type Zxid } from '../../lib/base/zxid.ts'
import { PeerCore } from '../../lib/peer/core.ts'
import type { PeerInput, Said, Work } from '../../lib/peer/core-turn.ts'
import { Tree } from '../../lib/tree/tree.ts'
import { Majority } from '../../lib/zab/quorum.ts'
import { decodeFrame, encodeMessages, PASSWORD } from '../replica/support.ts'

const SIDS = [makeSid(1), makeSid(2)]
export const SYNC_LIMIT_TICKS = 10
export const CONNECTION = 7
export const TICK_MS = 50
const TURNS_MAX = 1000

export class Peer {
  readonly sid: Sid
  readonly core: PeerCore
  readonly inbox: PeerInput[] = []
  /** What its client was told: the kind, and the code of a goodbye. */
  readonly told: string[] = []
  readonly closed: number[] = []
  /** What went out before the end of a turn, and how far its tree was then. */
  readonly ahead: { readonly zxid: Zxid; readonly frames: number; readonly writes: number }[] = []
  /** Frames it has sent to the other peer. */
  sent = 0

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
        tickMs: TICK_MS,
        snapshotLogBytes: Number.MAX_SAFE_INTEGER,
      },
      {
        epochs: { acceptedEpoch: EPOCH_ZERO, currentEpoch: EPOCH_ZERO },
        history: { logStart: LOG_START, base: LOG_START, groups: [], epochEnds: [] },
        committed: ZXID_ZERO,
        trusted: true,
      },
      new Tree(),
      undefined,
    )
  }

  get serving(): boolean {
    return this.core.zab.view.serving
  }
}

/** Two peers that need one another; whatever they write is durable at once, unless a disk is slow. */
export class Pair {
  readonly peers = SIDS.map(sid => new Peer(sid))
  /** Frames that this peer sends are late. */
  late: Peer | undefined
  /** What this peer writes is durable late. */
  slow: Peer | undefined
  /** Frames are lost although the link seems to be up. */
  losing = false
  readonly #held: (() => void)[] = []
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

  /** What was late has come. */
  release(): void {
    this.late = undefined
    this.slow = undefined
    for (const deliver of this.#held.splice(0)) deliver()
  }

  #turn(peer: Peer): void {
    const output = peer.core.turn(peer.inbox.splice(0), 1, {
      say: said => this.#say(peer, said),
      work: work => {
        const writes = work.tasks.filter(({ kind }) => kind === 'write').length
        const { zxid } = peer.core.tree
        peer.ahead.push({ zxid, frames: work.peerFrames.length, writes })
        this.#work(peer, work)
      },
    })
    this.#work(peer, output)
    this.#say(peer, output)
    peer.closed.push(...output.closings)
  }

  #work(peer: Peer, { peerFrames, tasks }: Work): void {
    peer.sent += peerFrames.length
    for (const { frame } of peerFrames) {
      if (!this.#linked || this.losing) continue
      const deliver = () => {
        this.#other(peer).inbox.push({ kind: 'peerFrame', from: peer.sid, frame })
      }
      if (this.late === peer) this.#held.push(deliver)
      else deliver()
    }
    for (const task of tasks) {
      if (task.kind !== 'write') continue
      const { writeId } = task.persist
      const report = () => {
        peer.inbox.push({ kind: 'persisted', writeId })
      }
      if (this.slow === peer) this.#held.push(report)
      else report()
    }
  }

  #say(peer: Peer, { clientFrames }: Said): void {
    for (const { frame } of clientFrames) {
      for (const message of decodeFrame(frame)) {
        peer.told.push(message.kind === 'goodbye' ? message.code : message.kind)
      }
    }
  }

  #other(peer: Peer): Peer {
    return this.peers.find(each => each !== peer)!
  }
}

/** Two peers that serve, and a client of each. */
export function pairWithClients(timeoutMs = 10_000): Pair {
  const pair = new Pair()
  pair.setLinked(true)
  pair.tick(5)
  const frame = encodeMessages([{ kind: 'open', timeoutMs, password: PASSWORD }])
  for (const { inbox, serving } of pair.peers) {
    assert.ok(serving)
    inbox.push({ kind: 'connect', connection: CONNECTION })
    inbox.push({ kind: 'clientFrame', connection: CONNECTION, frame })
  }
  pair.settle()
  for (const { told } of pair.peers) assert.deepEqual(told.splice(0), ['welcome'])
  return pair
}
