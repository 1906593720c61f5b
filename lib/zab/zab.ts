/**
 * One peer's agreement: the automaton that ties election, learner and leader together. Pure: `step` takes an input,
 * `takeDeliveries`, `takeWork` and `takePersist` hand out what follows from it.
 *
 * Positions: durable <= last, committed <= last; a vote is cast only when the disk is quiet, so that what it claims is
 * durable (ZOOKEEPER-4712: late writes must not land in the next reign).
 */

import { assert, unreachable } from '../base/assert.ts'
import type { LogPoint } from '../base/group.ts'
import { type Epoch, epochOf, type Sid, type Zxid } from '../base/zxid.ts'
import { Desk, type ZabConfig } from './desk.ts'
import { isFromLeader } from './direction.ts'
import { Election } from './election.ts'
import { History, type RecoveredHistory } from './history.ts'
import { Leader } from './leader.ts'
import { Learner } from './learner.ts'
import type {
  Deliveries,
  Epochs,
  Input,
  LearnerMessage,
  Loaded,
  Notification,
  PeerMessage,
  Persist,
  Role,
  Work,
} from './types.ts'
import { Writes } from './writes.ts'

export interface RecoveredPeer {
  readonly epochs: Epochs
  readonly history: RecoveredHistory
  /** Groups up to here are known to be committed: delivered at once. */
  readonly committed: Zxid
  /** False after damage or loss: the peer neither votes nor continues its log before a leader has synchronised it. */
  readonly trusted: boolean
}

/** What is to be seen of agreement from outside. */
export interface View {
  readonly role: Role
  readonly leader: Sid | undefined
  /** Requests may be ordered: leading with a quorum, or up to date with such a leader. */
  readonly serving: boolean
  /** Counts the roles this peer took: two views with the same number are of the same reign. */
  readonly reign: number
  readonly epoch: Epoch
  readonly last: Zxid
  readonly committed: Zxid
}

const LEGAL: Record<Role, readonly Role[]> = {
  looking: ['following', 'leading', 'observing'],
  following: ['looking'],
  leading: ['looking'],
  observing: ['looking'],
}

export class Zab {
  readonly #desk: Desk
  readonly #election: Election
  #role: Role = 'looking'
  #leader: Leader | undefined
  #learner: Learner | undefined
  /** Looking, but the disk is not quiet yet: no vote before it is. */
  #quiescing = true
  /** Roles in a row that ended before they served. */
  #futile = 0
  /** No vote before the next tick. */
  #pausing = false
  #trusted: boolean
  /** The log is not to be continued: only a snapshot from a leader can take its place. */
  #needsSnapshot: boolean
  #reign = 0
  /** FOLLOWERINFO of learners that knew sooner than we that we lead. */
  readonly #early = new Map<Sid, { connection: number; message: LearnerMessage }>()
  #lastReason = 'started'

  constructor(config: ZabConfig, recovered: RecoveredPeer) {
    assert(config.peers.includes(config.sid), 'a peer is one of the peers')
    const history = new History(recovered.history, config.historyGroupsMax)
    const writes = new Writes(recovered.epochs, history.last.zxid)
    assert(
      recovered.epochs.currentEpoch >= epochOf(history.last.zxid),
      'currentEpoch >= epoch of the log',
    )
    this.#desk = new Desk(config, history, writes)
    this.#trusted = recovered.trusted
    this.#needsSnapshot = !recovered.trusted
    this.#election = new Election({
      sid: config.sid,
      quorum: config.quorum,
      reachable: this.#desk.reachable,
      send: (to, notification) => this.#desk.send(to, notification),
    })
    if (recovered.committed > history.committed) this.#desk.commit(recovered.committed)
  }

  /** Begins the first election. Call it once, before the first step. */
  start(): void {
    this.#tryVote()
    this.#settle()
  }

  get view(): View {
    const { history, writes } = this.#desk
    const leader = this.#leader !== undefined ? this.#desk.config.sid : this.#learner?.leader
    return {
      role: this.#role,
      leader,
      serving: this.serving,
      reign: this.#reign,
      epoch: writes.epochs.currentEpoch,
      last: history.lastZxid,
      committed: history.committed,
    }
  }

  /** As in `view`, for those who ask with every turn. */
  get serving(): boolean {
    return (this.#leader ?? this.#learner)?.serving ?? false
  }

  /** Serving as the leader. */
  get leads(): boolean {
    return this.#leader?.serving ?? false
  }

  get reign(): number {
    return this.#reign
  }

  /** Why the peer last began to look for a leader. */
  get lastReason(): string {
    return this.#lastReason
  }

  get trusted(): boolean {
    return this.#trusted
  }

  get durableZxid(): Zxid {
    return this.#desk.writes.durableZxid
  }

  get epochs(): Epochs {
    return this.#desk.writes.epochs
  }

  get history(): History {
    return this.#desk.history
  }

  /** The store's log now begins here. */
  purged(logStart: LogPoint): void {
    this.#desk.history.purged(logStart)
  }

  step(input: Input): void {
    this.#dispatch(input)
    this.#settle()
    const { history } = this.#desk
    assert(history.committed <= history.lastZxid, 'nothing is committed that is not in the log')
  }

  /** Leader only: orders a payload; false when this reign can order no more. */
  propose(payload: Uint8Array, count: number): boolean {
    assert(this.#leader !== undefined, 'only a leader proposes')
    const ordered = this.#leader.propose(payload, count)
    this.#settle()
    return ordered
  }

  /** Learner only: passes requests on to the leader. */
  forward(payload: Uint8Array): void {
    assert(this.#learner !== undefined, 'only a learner forwards')
    this.#learner.request(payload)
  }

  /** Learner only: sessions alive here, to be told to the leader with the next pong. */
  report(sessions: Uint8Array): void {
    this.#learner?.report(sessions)
  }

  takeDeliveries(): Deliveries {
    return this.#desk.takeDeliveries()
  }

  takeWork(): Work {
    return this.#desk.takeWork()
  }

  /** A write is in flight. */
  get isWriting(): boolean {
    return this.#desk.writes.isInFlight
  }

  /** Whether `takePersist` would return one. */
  get hasPersist(): boolean {
    return this.#desk.writes.isWaiting
  }

  /** The next atomic write; undefined while one is in flight. */
  takePersist(): Persist | undefined {
    return this.#desk.writes.take(this.#desk.history.committed)
  }

  #dispatch(input: Input): void {
    switch (input.kind) {
      case 'tick':
        return this.#onTick()
      case 'linkUp':
        this.#desk.linkUp(input.sid)
        if (this.#role === 'looking' && !this.#quiescing) this.#election.linkUp(input.sid)
        return
      case 'linkDown':
        return this.#onLinkDown(input.sid)
      case 'message':
        return this.#onMessage(input.from, input.message)
      case 'persisted':
        return this.#onPersisted(input.writeId)
      case 'loaded':
        return this.#onLoaded(input.loadId, input.loaded)
      default:
        unreachable(input)
    }
  }

  #onTick(): void {
    const { writes, config } = this.#desk
    writes.tick()
    this.#pausing = false
    if (this.#quiescing) this.#tryVote()
    else if (this.#role === 'looking') this.#election.tick()
    this.#leader?.tick()
    this.#learner?.tick()
    // Everything proposed meanwhile piles up in memory, and what depends on this disk waits: let a better one lead.
    const patienceTicks = this.serving ? 2 * config.syncLimitTicks : config.initLimitTicks
    const waitTicks = Math.max(writes.inFlightTicks, this.#leader?.loadTicks ?? 0)
    if (this.#role !== 'looking' && waitTicks > patienceTicks) {
      this.#look('the disk is stuck')
    }
  }

  #onLoaded(loadId: number, loaded: Loaded): void {
    if (this.#leader !== undefined) this.#leader.onLoaded(loadId, loaded)
    else if (loaded.kind === 'snapshot') this.#desk.load({ kind: 'release', snapshotId: loadId })
  }

  #onLinkDown(sid: Sid): void {
    this.#desk.linkDown(sid)
    this.#early.delete(sid)
    this.#election.linkDown(sid)
    this.#leader?.linkDown(sid)
    if (this.#learner?.leader === sid) this.#look('the leader is gone')
  }

  #onMessage(from: Sid, message: PeerMessage): void {
    if (message.kind === 'notification') return this.#onNotification(from, message)
    const { connection } = message
    if (isFromLeader(message)) {
      if (this.#learner?.leader === from) this.#learner.receive(connection, message)
    } else if (this.#leader !== undefined) {
      this.#leader.receive(from, connection, message)
    } else if (message.kind === 'followerInfo') {
      if (this.#role === 'looking') this.#early.set(from, { connection, message })
      else this.#desk.send(from, { kind: 'dismiss', connection })
    } else if (message.kind === 'leave' && this.#early.get(from)?.connection === connection) {
      this.#early.delete(from)
    }
  }

  #onNotification(from: Sid, heard: Notification): void {
    if (this.#role === 'looking') {
      if (!this.#quiescing) this.#election.receive(from, heard)
    } else if (heard.role === 'looking') {
      this.#tellRole(from)
    }
  }

  #onPersisted(writeId: number): void {
    const persist = this.#desk.writes.completed(writeId)
    if (persist === undefined) return
    // On disk the snapshot has replaced the log: the tree follows, whatever became of the learner that asked for it.
    if (persist.install !== undefined) {
      this.#needsSnapshot = false
      this.#desk.stage({ kind: 'switch', zxid: persist.install.point.zxid })
    }
    this.#leader?.onDurable()
    this.#learner?.onDurable()
    if (this.#quiescing) this.#tryVote()
  }

  /** Follows up what the step led to: a reign or a connection that is over, an election that is decided. */
  #settle(): void {
    const over = this.#leader?.over ?? this.#learner?.over
    if (over !== undefined) {
      if (this.#learner?.distrusted) this.#distrust()
      this.#look(over)
    }
    if (this.#learner?.serving && !this.#trusted) this.#trustAgain()
    if (this.#role === 'looking' && !this.#quiescing && this.#election.elected !== undefined) {
      this.#take(this.#election.elected)
    }
  }

  #distrust(): void {
    this.#trusted = false
    this.#needsSnapshot = true
  }

  /** Synchronised by a leader, the log is good again: join once more, this time with a vote. */
  #trustAgain(): void {
    this.#trusted = true
    if (this.#isVoter) this.#look('synchronised; joining with a vote')
  }

  #look(reason: string): void {
    this.#lastReason = reason
    this.#futile = this.serving ? 0 : this.#futile + 1
    // Whoever was turned away twice comes back with the next tick, or it would do nothing else.
    this.#pausing = this.#futile > 1
    this.#leader?.leave()
    this.#learner?.leave()
    this.#leader = undefined
    this.#learner = undefined
    this.#become('looking')
    this.#quiescing = true
    this.#tryVote()
  }

  #tryVote(): void {
    if (!this.#desk.writes.idle || this.#pausing) return
    this.#quiescing = false
    const { history, writes, config } = this.#desk
    assert(writes.durableZxid === history.last.zxid, 'a vote claims only what is durable')
    this.#election.start(
      this.#isVoter && this.#trusted
        ? { leader: config.sid, zxid: history.last.zxid, epoch: writes.epochs.currentEpoch }
        : undefined,
    )
  }

  #take(leader: Sid): void {
    const { config } = this.#desk
    const early = [...this.#early]
    this.#early.clear()
    this.#reign++
    if (leader === config.sid) {
      this.#become('leading')
      this.#leader = new Leader(this.#desk)
      for (const [from, { connection, message }] of early) {
        this.#leader.receive(from, connection, message)
      }
    } else {
      const votes = this.#isVoter && this.#trusted
      this.#become(this.#isVoter ? 'following' : 'observing')
      this.#learner = new Learner(this.#desk, {
        leader,
        connection: this.#reign,
        votes,
        needsSnapshot: this.#needsSnapshot,
      })
      for (const [from, { connection }] of early) {
        this.#desk.send(from, { kind: 'dismiss', connection })
      }
    }
    // Whoever still looks, and observers above all, learns at once that there is a leader to join.
    for (const sid of this.#desk.reachable) this.#tellRole(sid)
    this.#settle()
  }

  #tellRole(to: Sid): void {
    const { config, history, writes } = this.#desk
    const leader = this.#leader !== undefined ? config.sid : this.#learner?.leader
    if (leader === undefined || !this.#isVoter || !this.#trusted) return
    const vote = { leader, zxid: history.last.zxid, epoch: writes.epochs.currentEpoch }
    const { round } = this.#election
    this.#desk.send(to, { kind: 'notification', vote, round, role: this.#role })
  }

  #become(next: Role): void {
    assert(LEGAL[this.#role].includes(next), `illegal transition ${this.#role} -> ${next}`)
    this.#role = next
  }

  get #isVoter(): boolean {
    return this.#desk.config.quorum.voters.includes(this.#desk.config.sid)
  }
}
