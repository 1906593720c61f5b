/**
 * The leader's side of one connection to a learner (LearnerHandler.java): how far the learner's log is, how it is
 * brought up to date (DIFF, TRUNC or SNAP), and what it has acknowledged. It decides nothing about quorums.
 */

import { assert, unreachable } from '../base/assert.ts'
import { type Group, LOG_START, type LogPoint, pointOf } from '../base/group.ts'
import { HELD_GROUPS_MAX } from '../base/limits.ts'
import { type Epoch, makeZxid, type Sid, ZXID_ZERO, type Zxid } from '../base/zxid.ts'
import type { Desk } from './desk.ts'
import { joinPoint } from './history.ts'
import type { EpochEnds, LeaderMessage, Load, Loaded } from './types.ts'

export interface LearnerState {
  readonly currentEpoch: Epoch
  readonly last: LogPoint
  readonly epochEnds: EpochEnds
  readonly needsSnapshot: boolean
}

type Phase =
  /** FOLLOWERINFO came; LEADERINFO not yet answered. */
  | 'info'
  /** ACKEPOCH came; the leader may not be ready to synchronise. */
  | 'epoch'
  /** History is being read and sent. */
  | 'syncing'
  /** Everything up to now was sent, NEWLEADER too; what is proposed from now on is forwarded. */
  | 'forwarding'
  /** NEWLEADER is acknowledged. */
  | 'entered'
  /** UPTODATE was sent. */
  | 'active'

/** So often in a row a learner says that it has no client, before that is relied on: one may be about to join. */
const CLIENTLESS_PONGS = 4

export class LearnerLink {
  readonly sid: Sid
  readonly connection: number
  /** False for observers: they get what is committed, and their acknowledgements count for nothing. */
  readonly votes: boolean
  readonly #desk: Desk
  #phase: Phase = 'info'
  #state: LearnerState | undefined
  #epoch: Epoch | undefined
  /** End of what was sent. */
  #sent: LogPoint = LOG_START
  #acked: Zxid = ZXID_ZERO
  /** DIFF, TRUNC or SNAP was said. */
  #joined = false
  #load: Exclude<Load, { kind: 'release' }> | undefined
  /** A snapshot that the store holds open for this learner. */
  #snapshotId: number | undefined
  #silentTicks = 0
  /** Pongs in a row that said that the learner has no client. */
  #clientlessPongs = 0
  #loadTicks = 0
  /** Proposals that the learner is told of later, while it stands by. */
  #held: Group[] = []
  #failed: string | undefined

  constructor(desk: Desk, sid: Sid, connection: number, votes: boolean) {
    this.#desk = desk
    this.sid = sid
    this.connection = connection
    this.votes = votes
  }

  get state(): LearnerState | undefined {
    return this.#state
  }

  get silentTicks(): number {
    return this.#silentTicks
  }

  /** Why this learner must be dismissed. */
  get failed(): string | undefined {
    return this.#failed
  }

  /** Highest zxid acknowledged in this reign; zero before NEWLEADER is. */
  get acked(): Zxid {
    return this.entered ? this.#acked : ZXID_ZERO
  }

  get entered(): boolean {
    return this.#phase === 'entered' || this.#phase === 'active'
  }

  get active(): boolean {
    return this.#phase === 'active'
  }

  /** It is up to date, but serves nobody: what is proposed can wait, as far as the learner itself is concerned. */
  get mayStandBy(): boolean {
    return this.active && this.#clientlessPongs > CLIENTLESS_PONGS
  }

  get #forwards(): boolean {
    return this.#phase === 'forwarding' || this.entered
  }

  heard(): void {
    this.#silentTicks = 0
  }

  /** A client of this learner is alive, or asks for something: from now on the learner hears of everything at once. */
  heardOfClient(): void {
    this.#clientlessPongs = 0
    this.release()
  }

  heardOfNoClient(): void {
    this.#clientlessPongs++
  }

  /** For how long our own store has been reading what this learner needs. */
  get loadTicks(): number {
    return this.#loadTicks
  }

  tick(): void {
    this.#silentTicks++
    this.release()
    if (this.#load !== undefined) this.#loadTicks++
    if (this.#forwards) this.send({ kind: 'ping' })
  }

  send(message: LeaderMessage): void {
    this.#desk.send(this.sid, { connection: this.connection, ...message })
  }

  tellEpoch(epoch: Epoch): void {
    this.#epoch = epoch
    this.send({ kind: 'leaderInfo', epoch })
  }

  /** Returns false for an ACKEPOCH out of place. */
  acknowledgeEpoch(state: LearnerState): boolean {
    if (this.#phase !== 'info' || this.#epoch === undefined) return false
    this.#phase = 'epoch'
    this.#state = state
    return true
  }

  /** Brings the learner up to date; to be called once the epoch has its quorum. */
  synchronize(): void {
    const state = this.#state
    if (this.#phase !== 'epoch' || state === undefined) return
    this.#phase = 'syncing'
    const { history } = this.#desk
    const join = joinPoint(history.epochEnds, state.epochEnds)
    const known = history.pointAt(join.zxid)
    const differs = known !== undefined && known.chain !== join.chain
    if (state.needsSnapshot || differs || join.zxid < history.logStart.zxid) {
      this.#loadSnapshot()
      return
    }
    const cut = state.last.zxid !== join.zxid
    if (known !== undefined) {
      this.#join(join, cut)
      this.#sendFrom(join)
      return
    }
    // Older than memory: before we say DIFF, the store proves by the chain that the learner's log is a prefix of ours.
    this.#sent = join
    this.#loadGroups(join)
  }

  /** NEWLEADER and later acknowledgements. Returns false when the learner acknowledges what it was never sent. */
  acknowledge(zxid: Zxid): boolean {
    const epoch = this.#epoch
    if (epoch === undefined || !this.#forwards) return false
    const newLeader = makeZxid(epoch, 0)
    const sent = this.#sent.zxid > newLeader ? this.#sent.zxid : newLeader
    if (zxid < newLeader || zxid > sent || zxid < this.#acked) return false
    this.#acked = zxid
    if (this.#phase === 'forwarding') this.#phase = 'entered'
    return true
  }

  /** The reign is established: the learner may serve. */
  activate(): void {
    if (this.#phase !== 'entered') return
    this.#phase = 'active'
    this.send({ kind: 'commit', zxid: this.#desk.history.committed })
    this.send({ kind: 'upToDate' })
  }

  propose(group: Group): void {
    if (!this.votes || !this.#forwards) return
    this.release()
    this.#sendProposal(group)
  }

  /** As `propose`, but the learner is told with what comes later. */
  hold(group: Group): void {
    assert(this.mayStandBy, 'only a learner that serves nobody stands by')
    this.#held.push(group)
  }

  /** Tells of what is held, and of its commit. */
  release(): void {
    if (this.#held.length === 0) return
    for (const group of this.#held) this.#sendProposal(group)
    this.#held = []
    const { committed } = this.#desk.history
    this.send({ kind: 'commit', zxid: commitWithin(committed, this.#sent.zxid) })
  }

  /** Tells of a new commit point; `groups` are what it committed. */
  commit(zxid: Zxid, groups: readonly Group[]): void {
    if (!this.#forwards) return
    if (this.#held.length > 0) {
      if (this.#held.length >= HELD_GROUPS_MAX) this.release()
      return
    }
    if (this.votes) {
      this.send({ kind: 'commit', zxid })
      return
    }
    for (const group of groups) {
      if (group.last <= this.#sent.zxid) continue
      this.send({ kind: 'inform', group })
      this.#sent = pointOf(group)
    }
  }

  onSnapshotNext(): void {
    if (this.#phase === 'syncing') this.#loadChunk()
  }

  /** Lets go of what the store holds open for this learner. */
  close(): void {
    if (this.#snapshotId === undefined) return
    this.#desk.load({ kind: 'release', snapshotId: this.#snapshotId })
    this.#snapshotId = undefined
  }

  /** Whether `loadId` is one this learner waits for. */
  waitsFor(loadId: number): boolean {
    return this.#load?.loadId === loadId
  }

  onLoaded(loaded: Loaded): void {
    const asked = this.#load
    this.#load = undefined
    this.#loadTicks = 0
    switch (loaded.kind) {
      case 'groups':
        return this.#onGroupsLoaded(loaded.groups)
      case 'snapshot':
        this.#snapshotId = asked?.loadId
        this.send({ kind: 'snap', head: loaded.head })
        this.#joined = true
        this.#sent = loaded.head.point
        return this.#loadChunk()
      case 'chunk':
        this.send({ kind: 'snapshotChunk', bytes: loaded.bytes, last: loaded.last })
        if (loaded.last) {
          this.close()
          this.#sendFrom(this.#sent)
        }
        return
      case 'missing':
        return this.#onMissing(asked)
      default:
        return unreachable(loaded)
    }
  }

  #sendProposal(group: Group): void {
    this.send({ kind: 'proposal', group })
    this.#sent = pointOf(group)
  }

  #join(join: LogPoint, cut: boolean): void {
    this.send({ kind: cut ? 'trunc' : 'diff', join })
    this.#joined = true
    this.#sent = join
  }

  #onGroupsLoaded(groups: readonly Group[]): void {
    if (groups.length === 0 && this.#joined) {
      this.#failed = 'the store is behind'
      return
    }
    if (!this.#joined) this.#join(this.#sent, this.#state?.last.zxid !== this.#sent.zxid)
    this.#sendGroups(groups)
    this.#sendFrom(this.#sent)
  }

  /** The store's log does not reach back, or parts from the learner's: a snapshot is the way, unless it was tried. */
  #onMissing(asked: Load | undefined): void {
    if (asked?.kind === 'groups' && !this.#joined) return this.#loadSnapshot()
    if (asked?.kind === 'snapshot' && this.#desk.history.logStart.zxid === ZXID_ZERO) {
      // Nothing was ever snapshotted: the empty tree and the whole log are as good.
      this.send({ kind: 'snap', head: { point: LOG_START, digest: 0, epochEnds: [] } })
      this.send({ kind: 'snapshotChunk', bytes: new Uint8Array(0), last: true })
      this.#joined = true
      return this.#sendFrom(LOG_START)
    }
    // What should be there is damaged or gone. A new snapshot stands in for it when the learner comes again.
    if (asked?.kind === 'groups') this.#desk.history.dropPast()
    if (asked?.kind !== 'chunk') this.#desk.stage({ kind: 'renew' })
    this.#failed = 'the history it needs is not in the store'
  }

  /**
   * Sends groups of the past; an observer gets only what is committed. A voter gets all, even while it has no vote:
   * with its next life it has one, and then it must hold all that the epoch it has entered began with.
   */
  #sendGroups(groups: readonly Group[]): void {
    const { history, config } = this.#desk
    const isVoter = config.quorum.voters.includes(this.sid)
    const limit = isVoter ? history.lastZxid : history.committed
    for (const group of groups) {
      if (group.last > limit) return
      this.#sendProposal(group)
    }
  }

  /** Sends what memory holds after `point`, or asks the store for what lies before that; ends with NEWLEADER. */
  #sendFrom(point: LogPoint): void {
    const { history } = this.#desk
    const kept = history.groupsAfter(point.zxid)
    if (kept === undefined) return this.#loadGroups(point)
    // What is sent waits for the end of the turn, and more may be committed before that.
    const groups = kept.map(group => ({ ...group, payload: Buffer.from(group.payload) }))
    this.#sendGroups(groups)
    const epoch = this.#epoch!
    this.send({ kind: 'commit', zxid: commitWithin(history.committed, this.#sent.zxid) })
    this.send({ kind: 'newLeader', zxid: makeZxid(epoch, 0) })
    this.#phase = 'forwarding'
  }

  #loadGroups(after: LogPoint): void {
    this.#ask({ kind: 'groups', loadId: this.#desk.nextLoadId(), after })
  }

  #loadSnapshot(): void {
    this.#ask({ kind: 'snapshot', loadId: this.#desk.nextLoadId() })
  }

  #loadChunk(): void {
    assert(this.#snapshotId !== undefined, 'a chunk is read of an open snapshot')
    this.#ask({ kind: 'chunk', loadId: this.#desk.nextLoadId(), snapshotId: this.#snapshotId })
  }

  #ask(load: Exclude<Load, { kind: 'release' }>): void {
    this.#load = load
    this.#desk.load(load)
  }
}

/** A learner cannot know a commit beyond what it was sent. */
function commitWithin(committed: Zxid, sent: Zxid): Zxid {
  return committed < sent ? committed : sent
}

/** Whether a learner's log is ahead of the leader's own, by what decides elections (Leader.waitForEpochAck). */
export function isAhead(state: LearnerState, currentEpoch: Epoch, last: Zxid): boolean {
  if (state.currentEpoch !== currentEpoch) return state.currentEpoch > currentEpoch
  return state.last.zxid > last
}
