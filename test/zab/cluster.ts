/**
 * A few Zab automata in one thread, moved by hand: messages and completed writes wait until the test lets them go. Each
 * peer has a model disk that holds exactly what was reported durable, so a restart comes back with just that.
 */

import assert from 'node:assert/strict'
import { crc32 } from '../../lib/base/crc32.ts'
import { type Group, LOG_START, type LogPoint, makeGroup } from '../../lib/base/group.ts'
import { type Epoch, epochOf, makeZxid, type Sid, type Zxid } from '../../lib/base/zxid.ts'
import { Majority } from '../../lib/zab/quorum.ts'
import type {
  Epochs,
  Load,
  Loaded,
  PeerMessage,
  Persist,
  SnapshotHead,
} from '../../lib/zab/types.ts'
import { Zab } from '../../lib/zab/zab.ts'

export interface Disk {
  epochs: Epochs
  snapshot: SnapshotHead | undefined
  groups: Group[]
  /** Groups before this point are no longer held. */
  logStart: LogPoint
}

export interface Sent {
  readonly from: number
  readonly to: number
  readonly message: PeerMessage
}

const NO_EPOCHS: Epochs = { acceptedEpoch: 0 as Epoch, currentEpoch: 0 as Epoch }

export function emptyDisk(): Disk {
  return { epochs: NO_EPOCHS, snapshot: undefined, groups: [], logStart: LOG_START }
}

/** A disk that was in `epoch` and logged `count` groups of one transaction in it. */
export function diskWith(epoch: number, count: number): Disk {
  const disk = emptyDisk()
  disk.epochs = { acceptedEpoch: epoch as Epoch, currentEpoch: epoch as Epoch }
  let point = LOG_START
  for (let counter = 1; counter <= count; counter++) {
    const zxid = makeZxid(epoch as Epoch, counter)
    const group = makeGroup(point, zxid, zxid, Buffer.from(`t${counter}`), counter)
    disk.groups.push(group)
    point = { zxid: group.last, chain: group.chain }
  }
  return disk
}

export function endsOf(disk: Disk): LogPoint[] {
  const ends: LogPoint[] = [...(disk.snapshot?.epochEnds ?? [])]
  for (const group of disk.groups) {
    if (ends.length > 0 && epochOf(ends.at(-1)!.zxid) === epochOf(group.last)) ends.pop()
    ends.push({ zxid: group.last, chain: group.chain })
  }
  return ends
}

export function apply(disk: Disk, persist: Persist): void {
  disk.epochs = persist.epochs
  if (persist.install !== undefined) {
    disk.snapshot = persist.install
    disk.logStart = persist.install.point
    disk.groups = []
  }
  const cut = persist.truncateAfter
  if (cut !== undefined) disk.groups = disk.groups.filter(group => group.last <= cut.zxid)
  disk.groups.push(...persist.groups)
}

export class TestPeer {
  readonly sid: number
  readonly disk: Disk
  readonly zab: Zab
  readonly delivered: Group[] = []
  readonly staged: string[] = []
  persist: Persist | undefined

  constructor(sid: number, voters: readonly number[], observers: readonly number[], disk: Disk) {
    this.sid = sid
    this.disk = disk
    this.zab = new Zab(
      {
        sid: sid as Sid,
        peers: [...voters, ...observers] as Sid[],
        quorum: new Majority(voters as Sid[]),
        initLimitTicks: 50,
        syncLimitTicks: 10,
        crc32,
      },
      {
        epochs: disk.epochs,
        history: {
          logStart: disk.logStart,
          base: disk.snapshot?.point ?? LOG_START,
          groups: disk.groups,
          epochEnds: endsOf(disk),
        },
        committed: disk.snapshot?.point.zxid ?? (0 as Zxid),
        trusted: true,
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
  readonly #wires: Sent[] = []
  /** Peers whose writes stay in flight. */
  readonly slowDisks = new Set<number>()
  /** Messages for which this holds are lost. */
  drop: (sent: Sent) => boolean = () => false

  constructor(voters: readonly number[], observers: readonly number[] = []) {
    this.voters = voters
    this.observers = observers
  }

  peer(sid: number): TestPeer {
    const peer = this.peers.get(sid)
    assert.ok(peer, `peer ${sid} is up`)
    return peer
  }

  start(sid: number, disk: Disk = emptyDisk()): TestPeer {
    const peer = new TestPeer(sid, this.voters, this.observers, disk)
    this.peers.set(sid, peer)
    for (const other of this.peers.values()) {
      if (other === peer) continue
      other.zab.step({ kind: 'linkUp', sid: sid as Sid })
      peer.zab.step({ kind: 'linkUp', sid: other.sid as Sid })
      this.#collect(other)
    }
    this.#collect(peer)
    return peer
  }

  /** The peer's thread dies; what its disk has stays. */
  crash(sid: number): Disk {
    const { disk } = this.peer(sid)
    this.peers.delete(sid)
    this.#forget(sent => sent.from === sid || sent.to === sid)
    for (const other of this.peers.values()) {
      other.zab.step({ kind: 'linkDown', sid: sid as Sid })
      this.#collect(other)
    }
    return disk
  }

  propose(sid: number, text: string): void {
    const peer = this.peer(sid)
    assert.ok(peer.zab.propose(Buffer.from(text), 1))
    this.#collect(peer)
  }

  tick(ticks = 1): void {
    for (let i = 0; i < ticks; i++) {
      for (const peer of this.peers.values()) {
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

  /** Delivers messages and completes writes until nothing moves any more. */
  settle(): void {
    for (let steps = 0; steps < 100_000; steps++) {
      if (!this.deliverOne() && !this.#writeOne()) return
    }
    assert.fail('the cluster does not come to rest')
  }

  deliverOne(): boolean {
    const sent = this.#wires.shift()
    if (sent === undefined) return false
    const peer = this.peers.get(sent.to)
    if (peer === undefined) return true
    peer.zab.step({ kind: 'message', from: sent.from as Sid, message: sent.message })
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
    for (const load of loads) this.#load(peer, load)
  }

  #load(peer: TestPeer, load: Load): void {
    if (load.kind === 'release') return
    peer.zab.step({ kind: 'loaded', loadId: load.loadId, loaded: this.#read(peer.disk, load) })
    this.#collect(peer)
  }

  #read(disk: Disk, load: Exclude<Load, { kind: 'release' }>): Loaded {
    if (load.kind === 'chunk') return { kind: 'chunk', bytes: Buffer.from('image'), last: true }
    if (load.kind === 'snapshot') {
      return disk.snapshot === undefined
        ? { kind: 'missing' }
        : { kind: 'snapshot', head: disk.snapshot }
    }
    const { after } = load
    const ends = [
      disk.logStart,
      ...disk.groups.map(group => ({ zxid: group.last, chain: group.chain })),
    ]
    if (!ends.some(end => end.zxid === after.zxid && end.chain === after.chain)) {
      return { kind: 'missing' }
    }
    return { kind: 'groups', groups: disk.groups.filter(group => group.first > after.zxid) }
  }

  #forget(which: (sent: Sent) => boolean): void {
    const kept = this.#wires.filter(sent => !which(sent))
    this.#wires.splice(0, this.#wires.length, ...kept)
  }
}
