/**
 * A few Zab automata in one thread, moved by hand: messages, loads and completed writes wait until the test lets them
 * go, and links go up and down one by one. Each peer has a model disk that holds exactly what was reported durable, so
 * a restart comes back with just that.
 */

import assert from 'node:assert/strict'
import { setVerifying } from '../../lib/base/assert.ts'
import { crc32 } from '../../lib/base/crc32.ts'
import { type Group, LOG_START, pointOf } from '../../lib/base/group.ts'
import type { Sid, Zxid } from '../../lib/base/zxid.ts'
import { Majority } from '../../lib/zab/quorum.ts'
import type { Load, Loaded, PeerMessage, Persist } from '../../lib/zab/types.ts'
import { Zab } from '../../lib/zab/zab.ts'
import { apply, type Disk, emptyDisk, endsOf } from './disks.ts'

setVerifying(true)

/** Limits of every peer, in ticks. */
export const INIT_LIMIT_TICKS = 50
export const SYNC_LIMIT_TICKS = 10

/** What a peer reports, with each tick. */
const NO_SESSIONS = Buffer.alloc(0)
const A_SESSION = Buffer.of(1)

/** What `settle` moves at most before it gives up. */
const STEPS_MAX = 100_000

export interface StartOptions {
  /** False when the disk is known to have lost something. */
  readonly trusted?: boolean
  /** How far the disk knows its log to be committed, if that is beyond its snapshot. */
  readonly committed?: Zxid
  /** To which peers there are links at once; default: to all that are up. */
  readonly linkedTo?: readonly number[]
}

interface Pending {
  readonly peer: TestPeer
  readonly load: Asked
}

type Asked = Exclude<Load, { kind: 'release' }>

export interface Sent {
  readonly from: number
  readonly to: number
  readonly message: PeerMessage
}

export class TestPeer {
  readonly sid: number
  readonly disk: Disk
  readonly zab: Zab
  readonly delivered: Group[] = []
  readonly staged: string[] = []
  persist: Persist | undefined
  /** Number of chunks read of each snapshot it opened. */
  readonly chunksRead = new Map<number, number>()

  constructor(
    sid: number,
    voters: readonly number[],
    observers: readonly number[],
    disk: Disk,
    { trusted = true, committed }: StartOptions,
  ) {
    this.sid = sid
    this.disk = disk
    const base = disk.snapshot?.point ?? LOG_START
    this.zab = new Zab(
      {
        sid: sid as Sid,
        peers: [...voters, ...observers] as Sid[],
        quorum: new Majority(voters as Sid[]),
        initLimitTicks: INIT_LIMIT_TICKS,
        syncLimitTicks: SYNC_LIMIT_TICKS,
        crc32,
      },
      {
        epochs: disk.epochs,
        history: {
          logStart: disk.logStart,
          base,
          groups: disk.groups.filter(group => group.first > base.zxid),
          epochEnds: endsOf(disk),
        },
        committed: committed ?? base.zxid,
        trusted,
      },
    )
    this.zab.start()
  }

  /** Payload texts delivered to the tree. */
  get texts(): string[] {
    return this.delivered.map(group => Buffer.from(group.payload).toString())
  }
}

export class Cluster {
  readonly voters: readonly number[]
  readonly observers: readonly number[]
  readonly peers = new Map<number, TestPeer>()
  /** Every message ever sent, for asserting on order. */
  readonly log: Sent[] = []
  #wires: Sent[] = []
  readonly #links = new Set<string>()
  /** Peers whose writes stay in flight. */
  readonly slowDisks = new Set<number>()
  /** Snapshots that peers opened and let go of again. */
  readonly released: { readonly sid: number; readonly snapshotId: number }[] = []
  /** Peers without a client: a leader lets them stand by. */
  readonly clientless = new Set<number>()
  /** What stores were asked for and have not answered. */
  readonly #loads: Pending[] = []
  /** Loads wait for `answerLoad`. */
  holdLoads = false
  /** In how many chunks every snapshot is read. */
  snapshotChunks = 1
  /** Messages for which this holds are lost. */
  drop: (sent: Sent) => boolean = () => false

  constructor(voters: readonly number[], observers: readonly number[] = []) {
    this.voters = voters
    this.observers = observers
  }

  /** Messages on their way, oldest first. */
  get onTheWay(): readonly Sent[] {
    return this.#wires
  }

  /** Number of loads that no store has answered yet. */
  get unanswered(): number {
    return this.#loads.length
  }

  peer(sid: number): TestPeer {
    const peer = this.peers.get(sid)
    assert.ok(peer, `peer ${sid} is up`)
    return peer
  }

  /** The peer that leads and serves. */
  get leader(): TestPeer | undefined {
    return [...this.peers.values()].find(
      ({ zab }) => zab.view.role === 'leading' && zab.view.serving,
    )
  }

  start(sid: number, disk: Disk = emptyDisk(), options: StartOptions = {}): TestPeer {
    const peer = new TestPeer(sid, this.voters, this.observers, disk, options)
    const others = options.linkedTo ?? [...this.peers.keys()]
    this.peers.set(sid, peer)
    this.#collect(peer)
    for (const other of others) this.link(other, sid)
    return peer
  }

  link(a: number, b: number): void {
    this.#links.add(linkOf(a, b))
    this.#stepLink('linkUp', a, b)
  }

  /** The link breaks, and what was on it is lost. */
  cut(a: number, b: number): void {
    assert.ok(this.#links.delete(linkOf(a, b)), `${a} and ${b} were linked`)
    this.#wires = this.#wires.filter(sent => linkOf(sent.from, sent.to) !== linkOf(a, b))
    this.#stepLink('linkDown', a, b)
  }

  #stepLink(kind: 'linkUp' | 'linkDown', a: number, b: number): void {
    for (const [sid, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const peer = this.peers.get(sid)
      if (peer === undefined) continue
      peer.zab.step({ kind, sid: other as Sid })
      this.#collect(peer)
    }
  }

  /** The peer's thread dies; what its disk has stays. */
  crash(sid: number): Disk {
    const { disk } = this.peer(sid)
    this.peers.delete(sid)
    for (const other of this.peers.keys()) {
      if (this.#links.has(linkOf(sid, other))) this.cut(sid, other)
    }
    return disk
  }

  propose(sid: number, text: string): void {
    const peer = this.peer(sid)
    assert.ok(peer.zab.propose(Buffer.from(text), 1))
    this.#collect(peer)
  }

  /** A client of a learner asks for something. */
  forward(sid: number, text: string): void {
    const peer = this.peer(sid)
    peer.zab.forward(Buffer.from(text))
    this.#collect(peer)
  }

  tick(ticks = 1): void {
    for (let i = 0; i < ticks; i++) {
      for (const peer of this.peers.values()) {
        peer.zab.report(this.clientless.has(peer.sid) ? NO_SESSIONS : A_SESSION)
        peer.zab.step({ kind: 'tick' })
        this.#collect(peer)
      }
      this.settle()
    }
  }

  /** Completes the write in flight of one peer. */
  finishWrite(sid: number): void {
    const peer = this.peer(sid)
    const { persist } = peer
    if (persist === undefined) return
    peer.persist = undefined
    apply(peer.disk, persist)
    peer.zab.step({ kind: 'persisted', writeId: persist.writeId })
    this.#collect(peer)
  }

  /** Ticks until there is a leader that serves; returns how many it took, at most `ticksMax` + 1. */
  ticksToLeader(ticksMax: number): number {
    for (let ticks = 0; ticks <= ticksMax; ticks++) {
      if (this.leader !== undefined) return ticks
      this.tick()
    }
    return ticksMax + 1
  }

  /** Delivers messages, answers loads and completes writes until nothing moves any more. */
  settle(): void {
    for (let steps = 0; steps < STEPS_MAX; steps++) {
      if (this.deliverOne()) continue
      if (!this.holdLoads && this.answerLoad()) continue
      if (!this.#writeOne()) return
    }
    assert.fail('the cluster does not come to rest')
  }

  /** Delivers the oldest message for which `which` holds. */
  deliverOne(which: (sent: Sent) => boolean = () => true): boolean {
    const at = this.#wires.findIndex(which)
    const [sent] = at < 0 ? [] : this.#wires.splice(at, 1)
    if (sent === undefined) return false
    const peer = this.peers.get(sent.to)
    if (peer === undefined) return true
    peer.zab.step({ kind: 'message', from: sent.from as Sid, message: sent.message })
    this.#collect(peer)
    return true
  }

  /** Delivers all that is on its way from one peer to another in one turn, as a frame comes. */
  deliverFrame(from: number, to: number): boolean {
    const isOfFrame = (sent: Sent) => sent.from === from && sent.to === to
    const frame = this.#wires.filter(isOfFrame)
    this.#wires = this.#wires.filter(sent => !isOfFrame(sent))
    const peer = this.peers.get(to)
    if (frame.length === 0 || peer === undefined) return false
    for (const { message } of frame) {
      peer.zab.step({ kind: 'message', from: from as Sid, message })
    }
    this.#collect(peer)
    return true
  }

  /** The store answers the oldest load. */
  answerLoad(): boolean {
    const pending = this.#loads.shift()
    if (pending === undefined) return false
    const { peer, load } = pending
    if (this.peers.get(peer.sid) !== peer) return true
    peer.zab.step({ kind: 'loaded', loadId: load.loadId, loaded: this.#read(peer, load) })
    this.#collect(peer)
    return true
  }

  kinds(from: number, to: number): string[] {
    return this.log
      .filter(sent => sent.from === from && sent.to === to)
      .map(sent => sent.message.kind)
  }

  #writeOne(): boolean {
    for (const peer of this.peers.values()) {
      if (peer.persist === undefined || this.slowDisks.has(peer.sid)) continue
      this.finishWrite(peer.sid)
      return true
    }
    return false
  }

  #collect(peer: TestPeer): void {
    const { committed, staging } = peer.zab.takeDeliveries()
    for (const step of staging) peer.staged.push(step.kind)
    peer.delivered.push(...committed)
    const { messages, loads } = peer.zab.takeWork()
    for (const { to, message } of messages) {
      const sent = { from: peer.sid, to: to as number, message }
      this.log.push(sent)
      if (!this.drop(sent)) this.#wires.push(sent)
    }
    peer.persist ??= peer.zab.takePersist()
    for (const load of loads) {
      if (load.kind !== 'release') this.#loads.push({ peer, load })
      else this.released.push({ sid: peer.sid, snapshotId: load.snapshotId })
    }
  }

  #read({ disk, chunksRead }: TestPeer, load: Asked): Loaded {
    if (load.kind === 'chunk') {
      const read = (chunksRead.get(load.snapshotId) ?? 0) + 1
      chunksRead.set(load.snapshotId, read)
      return { kind: 'chunk', bytes: Buffer.from('image'), last: read === this.snapshotChunks }
    }
    if (load.kind === 'snapshot') {
      return disk.snapshot === undefined
        ? { kind: 'missing' }
        : { kind: 'snapshot', head: disk.snapshot }
    }
    const { after } = load
    const ends = [disk.logStart, ...disk.groups.map(pointOf)]
    if (!ends.some(end => end.zxid === after.zxid && end.chain === after.chain)) {
      return { kind: 'missing' }
    }
    return { kind: 'groups', groups: disk.groups.filter(group => group.first > after.zxid) }
  }
}

function linkOf(a: number, b: number): string {
  return a < b ? `${a}-${b}` : `${b}-${a}`
}
