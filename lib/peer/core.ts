/**
 * One peer without its surroundings: agreement, the replica and the order of work on the store, tied together. Pure, so
 * that the worker thread and the simulator run the same code. A turn takes all inputs that have come and hands out what
 * follows: few frames for each peer and each client, and at most one write.
 */

import { assert, unreachable } from '../base/assert.ts'
import { ByteReader } from '../base/bytes.ts'
import { type Group, payloadBytesOf } from '../base/group.ts'
import { COMMIT_BYTES_FIRST, GROUP_BYTES_EAGER, HELD_MS_MAX, TOUCH_TICKS } from '../base/limits.ts'
import type { PeerStatus } from '../base/ports.ts'
import { epochOf, makeZxid, type Sid } from '../base/zxid.ts'
import type { Frame } from '../replica/outbox.ts'
import { Replica } from '../replica/replica.ts'
import type { ChainSize } from '../storage/store.ts'
import type { Tree } from '../tree/tree.ts'
import { decodePeerMessage, FramePacker } from '../zab/codec.ts'
import type { ZabConfig } from '../zab/desk.ts'
import type { Deliveries, Envelope, PeerMessage, Staging } from '../zab/types.ts'
import { type RecoveredPeer, Zab } from '../zab/zab.ts'
import { Feeds, isForFeeds } from './core-feeds.ts'
import { Snapshots } from './core-snapshots.ts'
import type { StoreTask } from './core-tasks.ts'
import type { Addressed, Outlet, PeerInput, TurnOutput } from './core-turn.ts'

export interface PeerConfig extends ZabConfig {
  readonly dataBytesMax: number
  readonly tickMs: number
  /** Bytes of log after which a snapshot is taken. */
  readonly snapshotLogBytes: number
  /** Size of a snapshot's chunks, when it is not to be the usual one. */
  readonly snapshotChunkBytes?: number
  /** Bytes sent to a local observer before it takes some in, when it is not to be the usual number. */
  readonly feedWindowBytes?: number
  /** Size of a client's frame that is not added to any more, when it is not to be the usual one. */
  readonly fullFrameBytes?: number
  /** Size of a commit that other peers hear of before it is applied, when it is not to be the usual one. */
  readonly commitBytesFirst?: number
}

export class PeerCore {
  readonly #zab: Zab
  readonly #replica: Replica
  readonly #snapshots: Snapshots
  readonly #feeds: Feeds
  /** The reign in which requests are served now. */
  #servedReign = 0
  #leads = false
  #ticks = 0
  #idleTicks = 0
  readonly #syncLimitTicks: number
  readonly #counterMax: number | undefined
  readonly #commitBytesFirst: number
  readonly #packer = new FramePacker()
  #outlet: Outlet | undefined

  constructor(
    config: PeerConfig,
    recovered: RecoveredPeer,
    tree: Tree,
    newestChain: ChainSize | undefined,
  ) {
    this.#zab = new Zab({ ...config, standbys: config.tickMs <= HELD_MS_MAX }, recovered)
    this.#syncLimitTicks = config.syncLimitTicks
    this.#counterMax = config.counterMax
    this.#commitBytesFirst = config.commitBytesFirst ?? COMMIT_BYTES_FIRST
    const { sid, dataBytesMax, tickMs } = config
    const onFullFrames = (): void => this.#sayFullFrames()
    const { fullFrameBytes } = config
    const replica = { sid, tree, dataBytesMax, tickMs, onFullFrames, fullFrameBytes }
    this.#replica = new Replica(replica)
    this.#feeds = new Feeds(config.feedWindowBytes)
    this.#snapshots = new Snapshots(config, newestChain)
    this.#zab.start()
  }

  get zab(): Zab {
    return this.#zab
  }

  get tree(): Tree {
    return this.#replica.tree
  }

  get status(): PeerStatus {
    const { role, leader, serving, epoch } = this.#zab.view
    const { zxid, digest, nodeCount } = this.tree
    let sessions = 0
    for (const _ of this.tree.sessions()) sessions++
    return { role, leader, serving, epoch, zxid, digest, nodes: nodeCount, sessions }
  }

  /** `now` is the clock in milliseconds since 1970; it only stamps transactions. */
  turn(inputs: readonly PeerInput[], now: number, outlet?: Outlet): TurnOutput {
    for (const input of inputs) this.#dispatch(input, now)
    // Not before: a tick settles what came before it, and behind it may be the news that a link is down. What was to be
    // sent on that must not go out on the next one, which leads to another life of that peer.
    this.#outlet = outlet
    this.#settle(now)
    this.#outlet = undefined
    const { peerFrames, tasks } = this.#takeWork()
    this.#feeds.advance(this.#zab.history)
    tasks.push(...this.#feeds.takeTasks())
    if (this.#feeds.takeWantsSnapshot()) this.#snapshots.stage(RENEW, this.#replica)
    this.#snapshots.advance(this.tree, this.#zab)
    tasks.push(...this.#snapshots.takeTasks())
    return {
      peerFrames,
      feedFrames: this.#feeds.takeFrames(),
      clientFrames: this.#replica.takeFrames().map(addressed),
      closings: [...this.#feeds.takeClosings(), ...this.#replica.takeClosings()],
      tasks,
    }
  }

  #dispatch(input: PeerInput, now: number): void {
    switch (input.kind) {
      case 'peerFrame': {
        const reader = new ByteReader(input.frame)
        while (!reader.done) {
          this.#zab.step({ kind: 'message', from: input.from, message: decodePeerMessage(reader) })
        }
        return
      }
      case 'clientFrame':
        return this.#replica.receive(input.connection, input.frame)
      case 'connect':
        return this.#replica.connect(input.connection)
      case 'disconnect':
        return this.#replica.disconnect(input.connection)
      case 'observe':
        return this.#feeds.connect(input.connection)
      case 'observerFrame':
        return this.#feeds.receive(input.connection, input.frame)
      case 'unobserve':
        return this.#feeds.disconnect(input.connection)
      case 'closeSessions':
        if (this.#leads) this.#replica.closeSessions(input.upTo)
        return
      case 'tick':
        return this.#tick(now)
      case 'linkUp':
      case 'linkDown':
      case 'persisted':
        return this.#zab.step(input)
      case 'loaded': {
        const { loadId, loaded } = input
        if (!isForFeeds(loadId)) return this.#zab.step(input)
        return this.#feeds.onLoaded(loadId, loaded, this.#zab.history)
      }
      case 'snapshotStep':
        return this.#snapshots.onStep()
      case 'snapshotDone':
        this.#snapshots.onDone(input.chain)
        return this.#zab.purged(input.logStart)
      default:
        unreachable(input)
    }
  }

  #tick(now: number): void {
    // What came before the tick counts before it: a peer that was held up must not expire those that were heard from.
    this.#settle(now)
    this.#zab.step({ kind: 'tick' })
    if (this.#leads) this.#replica.tick()
    this.#idleTicks = this.#zab.serving ? 0 : this.#idleTicks + 1
    // Reads would go on being answered from a tree that falls behind, and nobody would report these sessions.
    if (this.#idleTicks > this.#syncLimitTicks) {
      this.#replica.sendAway()
      this.#feeds.sendAway()
    }
    if (++this.#ticks % TOUCH_TICKS === 0) this.#zab.report(this.#replica.connectedSessions())
  }

  /** Lets what agreement delivered have its effect, until nothing more follows from it. */
  #settle(now: number): void {
    for (;;) {
      const deliveries = this.#zab.takeDeliveries()
      this.#snapshots.stage(deliveries.staging, this.#replica)
      if (deliveries.committed.length > 0) this.#workAhead(deliveries.committed)
      for (const group of deliveries.committed) {
        this.#replica.apply(group)
        this.#snapshots.logged(group.payload.length)
      }
      this.#noticeReign()
      this.#order(deliveries, now)
      if (isEmpty(deliveries)) return
    }
  }

  /**
   * Before what is committed is applied, which takes a while: the next groups go to other peers and to the disk. While
   * the disk is still at the last ones, the open group grows until it is done. With nothing to write, peers are only
   * told of the commit: of a large one at once, as their clients wait for it as ours do; else ours come first.
   */
  #workAhead(committed: readonly Group[]): void {
    if (this.#outlet === undefined) return
    const reigns = this.#leads && this.#zab.leads && this.#zab.reign === this.#servedReign
    if (reigns && !this.#zab.isWriting) this.#propose()
    if (this.#zab.hasPersist || payloadBytesOf(committed) >= this.#commitBytesFirst) {
      this.#outlet.work(this.#takeWork())
    }
  }

  #takeWork(): { readonly peerFrames: readonly Addressed<Sid>[]; readonly tasks: StoreTask[] } {
    const { messages, loads } = this.#zab.takeWork()
    const persist = this.#zab.takePersist()
    // Chunks that came from a leader are with the store before the write that installs them.
    const tasks = this.#snapshots.takeTasks()
    if (persist !== undefined) tasks.push({ kind: 'write', persist })
    for (const load of loads) tasks.push({ kind: 'load', load })
    return { peerFrames: this.#pack(messages), tasks }
  }

  /** Amid a group: all of it is committed, so observers may be ahead of the answers. */
  #sayFullFrames(): void {
    if (this.#outlet === undefined) return
    this.#feeds.advance(this.#zab.history)
    const clientFrames = this.#replica.takeFullFrames().map(addressed)
    this.#outlet.say({ feedFrames: this.#feeds.takeFrames(), clientFrames })
  }

  /** Follows the role: the replica prepares requests while this peer leads, and resubmits to each new leader. */
  #noticeReign(): void {
    const { serving, leads, reign } = this.#zab
    const newReign = serving && reign !== this.#servedReign
    if (this.#leads && (!leads || newReign)) this.#replica.unlead()
    if (newReign) {
      this.#servedReign = reign
      if (leads) {
        const { view } = this.#zab
        assert(this.tree.zxid === view.committed, 'a leader prepares upon all that is committed')
        assert(epochOf(view.last) < view.epoch, 'a reign begins with nothing of its own')
        this.#replica.lead(makeZxid(view.epoch, 0), this.#counterMax)
      }
      this.#replica.resubmit()
    }
    this.#leads = leads
  }

  #order(deliveries: Deliveries, now: number): void {
    if (!this.#zab.serving) return
    if (!this.#leads) {
      const own = this.#replica.takeSubmissions()
      if (own !== undefined) this.#zab.forward(own)
      return
    }
    for (const touched of deliveries.touched) this.#replica.touch(touched)
    for (const payload of deliveries.requests) this.#replica.prepare(payload, now)
    this.#replica.prepareOwn(now)
    if (!this.#propose()) this.#noticeReign()
  }

  /** Proposes what is prepared, unless it had better wait; false when that ended the reign. */
  #propose(): boolean {
    if (this.#disksAreBusy && this.#replica.preparedBytes < GROUP_BYTES_EAGER) return true
    for (const { payload, count } of this.#replica.takeGroups()) {
      if (!this.#zab.propose(payload, count)) return false
    }
    return true
  }

  /**
   * Whether our disk is writing, and a quorum's are: what is proposed now would only wait there. It joins the open
   * group instead, and fewer, larger groups cost everybody less. A disk that is slow by itself holds nobody up.
   */
  get #disksAreBusy(): boolean {
    const { durableZxid, history } = this.#zab
    return durableZxid < history.lastZxid && history.committed < history.lastZxid
  }

  #pack(messages: readonly Envelope[]): readonly Addressed<Sid>[] {
    const [only] = messages
    if (only === undefined) return NO_FRAMES
    if (messages.length === 1) {
      return [{ to: only.to, frame: this.#packer.pack([only.message]) }]
    }
    const byPeer = new Map<Sid, PeerMessage[]>()
    for (const { to, message } of messages) {
      const packed = byPeer.get(to)
      if (packed === undefined) byPeer.set(to, [message])
      else packed.push(message)
    }
    return Array.from(byPeer, ([to, packed]) => ({ to, frame: this.#packer.pack(packed) }))
  }
}

function addressed({ connection, frame }: Frame): Addressed<number> {
  return { to: connection, frame }
}

const RENEW: readonly Staging[] = [{ kind: 'renew' }]
const NO_FRAMES: readonly Addressed<Sid>[] = []

function isEmpty(deliveries: Deliveries): boolean {
  return (
    deliveries.committed.length === 0 &&
    deliveries.staging.length === 0 &&
    deliveries.requests.length === 0
  )
}
