/**
 * The learner's side of one connection to a leader, for followers and observers: discovery, synchronisation,
 * broadcast (Learner.java, Follower.java, Observer.java; phases 1 to 3 of the paper).
 *
 * Handling NEWLEADER is one ordered sequence: log and truncation, together with the new epoch, go to disk in one atomic
 * write, and only when that is durable is NEWLEADER acknowledged (ZOOKEEPER-3911, 4643, 4646 were departures from it).
 */

import { assert, unreachable } from '../base/assert.ts'
import { follows, type Group, type LogPoint, pointOf } from '../base/group.ts'
import { type Epoch, epochOf, type Sid, type Zxid } from '../base/zxid.ts'
import type { Desk } from './desk.ts'
import type { LeaderMessage, LearnerMessage, SnapshotHead } from './types.ts'

export interface LearnerOptions {
  readonly leader: Sid
  /** Number of this attempt; tells its messages from those of earlier ones. */
  readonly connection: number
  /** False for observers and peers whose log is not trusted: their acknowledgements count for nothing. */
  readonly votes: boolean
  readonly needsSnapshot: boolean
}

/** What the leader told us to do with our log, and what it sent since; nothing of it is in the log yet. */
interface SyncPlan {
  readonly install: SnapshotHead | undefined
  readonly truncateTo: LogPoint | undefined
  readonly groups: Group[]
  tail: LogPoint
  /** A snapshot's chunks are still coming. */
  loading: boolean
}

type Phase =
  | { readonly kind: 'info' }
  | {
      readonly kind: 'accepting'
      readonly epoch: Epoch
      readonly writeId: number
      readonly promised: boolean
    }
  | { readonly kind: 'synchronizing'; readonly epoch: Epoch; plan: SyncPlan | undefined }
  | { readonly kind: 'entering'; readonly zxid: Zxid; readonly writeId: number }
  | { readonly kind: 'entered' }
  | { readonly kind: 'broadcast' }

export class Learner {
  readonly leader: Sid
  readonly votes: boolean
  readonly #desk: Desk
  readonly #connection: number
  readonly #needsSnapshot: boolean
  #phase: Phase = { kind: 'info' }
  /** Highest commit heard of; applied once the log is entered. */
  #commitZxid = 0 as Zxid
  #ackedZxid = 0 as Zxid
  #silentTicks = 0
  #phaseTicks = 0
  #touched: Uint8Array | undefined
  /** Sessions were alive at the last report; before that there may be some. */
  #serves = true
  /** Why this attempt is over; the peer looks for a leader again. */
  #over: string | undefined
  #distrusted = false

  constructor(desk: Desk, options: LearnerOptions) {
    this.#desk = desk
    this.leader = options.leader
    this.votes = options.votes
    this.#connection = options.connection
    this.#needsSnapshot = options.needsSnapshot
    this.#send({
      kind: 'followerInfo',
      acceptedEpoch: desk.writes.epochs.acceptedEpoch,
      votes: options.votes,
    })
  }

  get over(): string | undefined {
    return this.#over
  }

  /** Up to date with a leader that serves. */
  get serving(): boolean {
    return this.#phase.kind === 'broadcast'
  }

  /** The leader's log and ours differ where they must not: ours cannot be continued. */
  get distrusted(): boolean {
    return this.#distrusted
  }

  /** Sessions alive here, to be reported with the answer to the next ping. */
  report(sessions: Uint8Array): void {
    this.#touched = sessions
    this.#serves = sessions.length > 0
  }

  request(payload: Uint8Array): void {
    assert(this.serving, 'requests go to a leader that serves')
    this.#send({ kind: 'request', payload })
  }

  /** Ends this connection; what it staged but did not enter is dropped. */
  leave(): void {
    this.#send({ kind: 'leave' })
    const phase = this.#phase
    if (phase.kind === 'synchronizing' && phase.plan?.install !== undefined) {
      this.#desk.stage({ kind: 'abort' })
    }
  }

  tick(): void {
    const { syncLimitTicks, initLimitTicks } = this.#desk.config
    this.#silentTicks++
    this.#phaseTicks++
    if (this.serving) {
      if (this.#silentTicks > syncLimitTicks) this.#end('the leader is silent')
    } else if (this.#phaseTicks > (this.#phase.kind === 'info' ? syncLimitTicks : initLimitTicks)) {
      this.#end('synchronisation takes too long')
    }
  }

  receive(connection: number, message: LeaderMessage): void {
    if (connection !== this.#connection || this.#over !== undefined) return
    this.#silentTicks = 0
    switch (message.kind) {
      case 'leaderInfo':
        return this.#onLeaderInfo(message.epoch)
      case 'diff':
        return this.#onJoin(message.join, false)
      case 'trunc':
        return this.#onJoin(message.join, true)
      case 'snap':
        return this.#onSnap(message.head)
      case 'snapshotChunk':
        return this.#onChunk(message.bytes, message.last)
      case 'proposal':
        return this.#onGroup(message.group)
      case 'inform':
        this.#onGroup(message.group)
        return this.#onCommit(message.group.last)
      case 'commit':
        return this.#onCommit(message.zxid)
      case 'newLeader':
        return this.#onNewLeader(message.zxid)
      case 'upToDate':
        return this.#onUpToDate()
      case 'ping':
        return this.#onPing()
      case 'dismiss':
        return this.#end('the leader dismissed us')
      default:
        return unreachable(message)
    }
  }

  /** A write became durable: the only place where acknowledgements are made. */
  onDurable(): void {
    if (this.#over !== undefined) return
    const { writes, history } = this.#desk
    const phase = this.#phase
    if (phase.kind === 'accepting' && writes.isDone(phase.writeId)) {
      this.#phase = { kind: 'synchronizing', epoch: phase.epoch, plan: undefined }
      this.#send({
        kind: 'ackEpoch',
        promised: phase.promised,
        currentEpoch: writes.epochs.currentEpoch,
        last: history.last,
        epochEnds: history.epochEnds,
        needsSnapshot: this.#needsSnapshot,
      })
    } else if (phase.kind === 'entering' && writes.isDone(phase.writeId)) {
      this.#phase = { kind: 'entered' }
      this.#acknowledge(phase.zxid > writes.durableZxid ? phase.zxid : writes.durableZxid)
      this.#commitKnown()
    } else if (this.#phase.kind === 'entered' || this.serving) {
      if (this.votes && writes.durableZxid > this.#ackedZxid) this.#acknowledge(writes.durableZxid)
    }
  }

  #onLeaderInfo(epoch: Epoch): void {
    const { writes } = this.#desk
    if (this.#phase.kind !== 'info') return this.#end('LEADERINFO out of place')
    if (epoch < writes.epochs.acceptedEpoch) return this.#end('a later epoch was promised')
    // A promise made before, to whomever, is not made again: it must not count towards two leaders of one epoch.
    const promised = epoch > writes.epochs.acceptedEpoch
    this.#phase = { kind: 'accepting', epoch, promised, writeId: writes.accept(epoch) }
  }

  #onJoin(join: LogPoint, cut: boolean): void {
    const { history } = this.#desk
    const phase = this.#phase
    if (phase.kind !== 'synchronizing' || phase.plan !== undefined) {
      return this.#end('DIFF or TRUNC out of place')
    }
    const ours = cut ? history.pointAt(join.zxid) : history.last
    if (ours?.zxid !== join.zxid || ours.chain !== join.chain || join.zxid < history.committed) {
      this.#distrusted = true
      return this.#end('the logs do not meet where they should')
    }
    phase.plan = {
      install: undefined,
      truncateTo: cut ? join : undefined,
      groups: [],
      tail: join,
      loading: false,
    }
  }

  #onSnap(head: SnapshotHead): void {
    const phase = this.#phase
    if (phase.kind !== 'synchronizing' || phase.plan !== undefined) {
      return this.#end('SNAP out of place')
    }
    phase.plan = {
      install: head,
      truncateTo: undefined,
      groups: [],
      tail: head.point,
      loading: true,
    }
    this.#desk.stage({ kind: 'begin', head })
  }

  #onChunk(bytes: Uint8Array, last: boolean): void {
    const phase = this.#phase
    if (phase.kind !== 'synchronizing' || !phase.plan?.loading) {
      return this.#end('a snapshot chunk out of place')
    }
    if (bytes.length > 0) this.#desk.stage({ kind: 'chunk', bytes })
    // A long snapshot makes progress: only its silence is a reason to give up.
    this.#phaseTicks = 0
    if (last) phase.plan.loading = false
    else this.#send({ kind: 'snapshotNext' })
  }

  #onGroup(group: Group): void {
    const phase = this.#phase
    if (phase.kind === 'synchronizing') {
      const { plan } = phase
      if (plan === undefined || plan.loading)
        return this.#end('a proposal before DIFF, TRUNC or SNAP')
      if (!follows(plan.tail, group)) return this.#end('a gap in the proposals')
      plan.groups.push(group)
      plan.tail = pointOf(group)
    } else if (
      phase.kind === 'entering' ||
      phase.kind === 'entered' ||
      phase.kind === 'broadcast'
    ) {
      if (!follows(this.#desk.history.last, group)) return this.#end('a gap in the proposals')
      this.#desk.append(group)
    } else {
      this.#end('a proposal out of place')
    }
  }

  #onCommit(zxid: Zxid): void {
    if (this.#over !== undefined) return
    if (zxid > this.#commitZxid) this.#commitZxid = zxid
    if (this.#phase.kind === 'entered' || this.serving) this.#commitKnown()
  }

  #onNewLeader(zxid: Zxid): void {
    const phase = this.#phase
    if (phase.kind !== 'synchronizing') return this.#end('NEWLEADER out of place')
    const { plan, epoch } = phase
    if (plan === undefined || plan.loading) return this.#end('NEWLEADER before the log')
    if (epochOf(zxid) !== epoch) return this.#end('NEWLEADER of another epoch')
    const { history, writes } = this.#desk
    if (plan.install !== undefined) {
      writes.install(plan.install)
      history.install(plan.install)
    } else if (plan.truncateTo !== undefined) {
      writes.truncateAfter(plan.truncateTo)
      history.truncateAfter(plan.truncateTo)
    }
    for (const group of plan.groups) this.#desk.append(group)
    this.#phase = { kind: 'entering', zxid, writeId: writes.enter(epoch) }
  }

  #onUpToDate(): void {
    if (this.#phase.kind !== 'entered') return this.#end('UPTODATE out of place')
    this.#phase = { kind: 'broadcast' }
  }

  #onPing(): void {
    const touched = this.#touched ?? NOTHING
    this.#send({ kind: 'pong', touched, serves: this.#serves })
    this.#touched = undefined
  }

  #commitKnown(): void {
    const { history } = this.#desk
    if (this.#commitZxid <= history.committed) return
    if (history.pointAt(this.#commitZxid) === undefined)
      return this.#end('a commit without its proposal')
    this.#desk.commit(this.#commitZxid)
  }

  #acknowledge(zxid: Zxid): void {
    this.#ackedZxid = zxid
    this.#send({ kind: 'ack', zxid })
  }

  #send(message: LearnerMessage): void {
    this.#desk.send(this.leader, { connection: this.#connection, ...message })
  }

  #end(reason: string): void {
    this.#over ??= reason
  }
}

const NOTHING = new Uint8Array(0)
