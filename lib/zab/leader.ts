/**
 * The leader's reign (Leader.java; phases 1 to 3 of the paper): agree on an epoch, synchronise a quorum, then propose
 * and commit in order. How one learner is served is `learner-link`'s business.
 */

import { assert, unreachable } from '../base/assert.ts'
import { makeGroup } from '../base/group.ts'
import {
  COUNTER_MAX,
  counterOf,
  type Epoch,
  epochOf,
  makeEpoch,
  makeZxid,
  type Sid,
  type Zxid,
} from '../base/zxid.ts'
import type { Desk } from './desk.ts'
import { isAhead, LearnerLink, type LearnerState } from './learner-link.ts'
import { Standbys } from './standbys.ts'
import type { LearnerMessage, Loaded } from './types.ts'

type Phase =
  | { readonly kind: 'discovery' }
  /** The epoch is proposed; promises for it are being collected, ours becomes durable with this write. */
  | { readonly kind: 'promising'; readonly writeId: number }
  /** The epoch has its quorum; NEWLEADER acknowledgements are being collected, ours comes with this write. */
  | { readonly kind: 'synchronizing'; readonly writeId: number }
  | { readonly kind: 'broadcast' }

export class Leader {
  readonly #desk: Desk
  #phase: Phase = { kind: 'discovery' }
  #epoch: Epoch | undefined
  /** What voters said they accepted before; kept when their connection ends (connectingFollowers). */
  readonly #accepted = new Map<Sid, Epoch>()
  /** Voters that promised this epoch to us; a promise outlives its connection (electingFollowers). */
  readonly #promised = new Set<Sid>()
  readonly #links = new Map<Sid, LearnerLink>()
  readonly #standbys: Standbys
  /** Our own NEWLEADER acknowledgement is durable. */
  #entered = false
  #toldZxid = 0 as Zxid
  #phaseTicks = 0
  #over: string | undefined
  readonly #counterMax: number

  constructor(desk: Desk) {
    this.#desk = desk
    this.#standbys = new Standbys(desk)
    this.#counterMax = desk.config.counterMax ?? COUNTER_MAX
    this.#hearAccepted(desk.config.sid, desk.writes.epochs.acceptedEpoch)
  }

  get over(): string | undefined {
    return this.#over
  }

  get serving(): boolean {
    return this.#phase.kind === 'broadcast'
  }

  get epoch(): Epoch | undefined {
    return this.#epoch
  }

  /** Orders a payload of `count` transactions. Returns false when this epoch's counter has no room for them. */
  propose(payload: Uint8Array, count: number): boolean {
    assert(this.serving, 'only an established leader proposes')
    assert(count > 0, 'a group holds at least one transaction')
    const { history, config } = this.#desk
    const epoch = this.#epoch!
    const { last } = history
    const counter = epochOf(last.zxid) === epoch ? counterOf(last.zxid) : 0
    if (counter + count > this.#counterMax) {
      this.#end('the zxid counter is used up')
      return false
    }
    const first = makeZxid(epoch, counter + 1)
    const group = makeGroup(
      last,
      first,
      makeZxid(epoch, counter + count),
      payload,
      config.crc32(payload),
    )
    // Before the group is logged: who stands by depends on how far everybody is now.
    const standbys = this.#standbys.choose(this.#links, group)
    this.#desk.append(group)
    for (const link of this.#links.values()) {
      if (standbys.includes(link)) link.hold(group)
      else link.propose(group)
    }
    return true
  }

  /** Ends the reign: learners look for a leader at once. */
  leave(): void {
    for (const link of this.#links.values()) {
      link.send({ kind: 'dismiss' })
      link.close()
    }
    this.#links.clear()
  }

  tick(): void {
    const { initLimitTicks, syncLimitTicks } = this.#desk.config
    this.#phaseTicks++
    for (const link of this.#links.values()) {
      link.tick()
      if (link.silentTicks > (link.active ? syncLimitTicks : initLimitTicks)) this.#dismiss(link)
    }
    // Whoever voted for us comes at once; if no quorum does, the others have somebody else.
    const patienceTicks = this.#epoch === undefined ? syncLimitTicks : initLimitTicks
    if (!this.serving && this.#phaseTicks > patienceTicks) {
      this.#end('no quorum synchronised in time')
    }
    this.#checkQuorum()
  }

  /** For how long our own store has been reading for the learner that has waited longest. */
  get loadTicks(): number {
    let ticks = 0
    for (const link of this.#links.values()) ticks = Math.max(ticks, link.loadTicks)
    return ticks
  }

  linkDown(sid: Sid): void {
    this.#drop(sid)
    this.#checkQuorum()
  }

  receive(from: Sid, connection: number, message: LearnerMessage): void {
    if (this.#over !== undefined) return
    if (message.kind === 'followerInfo') return this.#onFollowerInfo(from, connection, message)
    const link = this.#links.get(from)
    if (link?.connection !== connection) {
      if (message.kind !== 'leave') {
        this.#desk.send(from, { connection, kind: 'dismiss' })
      }
      return
    }
    link.heard()
    switch (message.kind) {
      case 'ackEpoch':
        this.#onAckEpoch(link, message, message.promised)
        break
      case 'ack':
        this.#onAck(link, message.zxid)
        break
      case 'snapshotNext':
        // A long snapshot makes progress: only its silence is a reason to give up.
        if (link.votes) this.#phaseTicks = 0
        link.onSnapshotNext()
        break
      case 'pong':
        if (message.serves) link.heardOfClient()
        else link.heardOfNoClient()
        if (message.touched.length > 0) this.#desk.touch(message.touched)
        break
      case 'request':
        link.heardOfClient()
        if (this.serving) this.#desk.request(message.payload)
        break
      case 'leave':
        this.#drop(from)
        this.#checkQuorum()
        break
      default:
        unreachable(message)
    }
    if (link.failed !== undefined) this.#dismiss(link)
  }

  onLoaded(loadId: number, loaded: Loaded): void {
    for (const link of this.#links.values()) {
      if (!link.waitsFor(loadId)) continue
      link.onLoaded(loaded)
      if (link.failed !== undefined) this.#dismiss(link)
      return
    }
    // The learner that asked is gone.
    if (loaded.kind === 'snapshot') this.#desk.load({ kind: 'release', snapshotId: loadId })
  }

  /** A write became durable: the only place where the leader's own promises and acknowledgements count. */
  onDurable(): void {
    if (this.#over !== undefined) return
    const { writes, config } = this.#desk
    const phase = this.#phase
    if (phase.kind === 'promising' && writes.isDone(phase.writeId)) {
      this.#promised.add(config.sid)
      this.#checkPromises()
    } else if (phase.kind === 'synchronizing' && writes.isDone(phase.writeId)) {
      this.#entered = true
      this.#checkEntered()
    } else if (phase.kind === 'broadcast') {
      this.#advance()
    }
  }

  #onFollowerInfo(
    from: Sid,
    connection: number,
    info: { readonly acceptedEpoch: Epoch; readonly votes: boolean },
  ): void {
    const votes = info.votes && this.#desk.config.quorum.voters.includes(from)
    const link = new LearnerLink(this.#desk, from, connection, votes)
    this.#drop(from)
    this.#links.set(from, link)
    if (this.#epoch !== undefined) {
      if (info.acceptedEpoch <= this.#epoch) return link.tellEpoch(this.#epoch)
      // It promised a later epoch to a leader that never was: only a new reign, later still, can take it in. We promise
      // that epoch too, to nobody, so that the next one is above it even if no voter ever heard of it.
      this.#desk.writes.accept(info.acceptedEpoch)
      this.#end('a learner promised a later epoch')
    } else if (votes) {
      this.#hearAccepted(from, info.acceptedEpoch)
    }
  }

  #hearAccepted(from: Sid, epoch: Epoch): void {
    const { quorum } = this.#desk.config
    this.#accepted.set(from, epoch)
    if (!quorum.reached(voter => this.#accepted.has(voter))) return
    const next = makeEpoch(Math.max(...this.#accepted.values()) + 1)
    this.#epoch = next
    this.#phase = { kind: 'promising', writeId: this.#desk.writes.accept(next) }
    for (const link of this.#links.values()) link.tellEpoch(next)
  }

  #onAckEpoch(link: LearnerLink, state: LearnerState, promised: boolean): void {
    if (!link.acknowledgeEpoch(state)) return this.#dismiss(link)
    const { writes, history } = this.#desk
    if (this.#phase.kind === 'promising' && link.votes) {
      // We must not cut what a voter has and we have not: it may be committed (Leader.waitForEpochAck).
      if (isAhead(state, writes.epochs.currentEpoch, history.last.zxid)) {
        return this.#end('a voter is ahead of us')
      }
      if (promised) this.#promised.add(link.sid)
      this.#checkPromises()
    } else if (this.#phase.kind !== 'promising') {
      link.synchronize()
    }
  }

  #checkPromises(): void {
    if (this.#phase.kind !== 'promising' || !this.#promised.has(this.#desk.config.sid)) return
    if (!this.#desk.config.quorum.reached(voter => this.#promised.has(voter))) return
    const writeId = this.#desk.writes.enter(this.#epoch!)
    this.#phase = { kind: 'synchronizing', writeId }
    for (const link of this.#links.values()) link.synchronize()
  }

  #onAck(link: LearnerLink, zxid: Zxid): void {
    if (!link.acknowledge(zxid)) return this.#dismiss(link)
    if (this.#phase.kind === 'synchronizing') this.#checkEntered()
    else if (this.serving) {
      link.activate()
      if (link.votes) this.#advance()
    }
  }

  /** Establishes the reign once a quorum has entered it; with that, everything it began with is committed. */
  #checkEntered(): void {
    const { config, history } = this.#desk
    const entered = (voter: Sid) =>
      voter === config.sid ? this.#entered : this.#votesOf(voter)?.entered === true
    if (!config.quorum.reached(entered)) return
    this.#phase = { kind: 'broadcast' }
    this.#commit(history.last.zxid)
    for (const link of this.#links.values()) link.activate()
  }

  /** Commits what a quorum has acknowledged in this reign, in order. */
  #advance(): void {
    const { config, history, writes } = this.#desk
    const acked = config.quorum.acknowledged(voter =>
      voter === config.sid ? writes.durableZxid : (this.#votesOf(voter)?.acked ?? (0 as Zxid)),
    )
    if (acked > history.committed && epochOf(acked) === this.#epoch && counterOf(acked) > 0) {
      this.#commit(acked)
    }
  }

  #commit(zxid: Zxid): void {
    const groups = this.#desk.commit(zxid)
    if (zxid <= this.#toldZxid) return
    this.#toldZxid = zxid
    this.#standbys.committed(this.#links, zxid)
    for (const link of this.#links.values()) link.commit(zxid, groups)
    // All that this epoch had room for is committed: only a new reign can order more (ZOOKEEPER-1277).
    if (epochOf(zxid) === this.#epoch && counterOf(zxid) === this.#counterMax) {
      this.#end('the zxid counter is used up')
    }
  }

  /**
   * A leader without a quorum steps down at once: it may have been deposed already, or, before it serves, be what keeps
   * a voter that came back from joining. While it does not serve yet, being connected is enough.
   */
  #checkQuorum(): void {
    if (this.#epoch === undefined || this.#over !== undefined) return
    const { sid, quorum, syncLimitTicks } = this.#desk.config
    const silentMax = this.serving ? syncLimitTicks : Number.POSITIVE_INFINITY
    const lives = (voter: Sid) => {
      const link = this.#votesOf(voter)
      return voter === sid || (link !== undefined && link.silentTicks <= silentMax)
    }
    if (!quorum.reached(lives)) this.#end('the quorum is lost')
  }

  #votesOf(sid: Sid): LearnerLink | undefined {
    const link = this.#links.get(sid)
    return link?.votes ? link : undefined
  }

  #dismiss(link: LearnerLink): void {
    link.send({ kind: 'dismiss' })
    if (this.#links.get(link.sid) === link) this.#drop(link.sid)
    this.#checkQuorum()
  }

  #drop(sid: Sid): void {
    const link = this.#links.get(sid)
    if (link === undefined) return
    link.close()
    this.#links.delete(sid)
    // It may be what a proposal under way was counting on.
    for (const other of this.#links.values()) other.release()
  }

  #end(reason: string): void {
    this.#over ??= reason
  }
}
