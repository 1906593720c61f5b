/**
 * What a learner and its leader say to each other under one connection number, as a grammar of its own, apart from the
 * code that is checked: links are first in first out and lose only what comes last, so whatever has no place in it is a
 * mistake of the one who says it. Judged when it is said, in the order of saying.
 */

import { follows, LOG_START, type LogPoint, pointOf } from '../../lib/base/group.ts'
import { type Epoch, makeZxid, type Sid, ZXID_ZERO, type Zxid } from '../../lib/base/zxid.ts'
import type { LeaderMessage, LearnerMessage, PeerMessage } from '../../lib/zab/types.ts'

type Kind = PeerMessage['kind']

const LEADER_KINDS: ReadonlySet<Kind> = new Set<LeaderMessage['kind']>([
  'leaderInfo',
  'diff',
  'trunc',
  'snap',
  'snapshotChunk',
  'proposal',
  'commit',
  'inform',
  'newLeader',
  'upToDate',
  'ping',
  'dismiss',
])

type Said<M> = Extract<PeerMessage, M>

export function isOfLeader(
  message: Exclude<PeerMessage, { kind: 'notification' }>,
): message is Said<LeaderMessage & { connection: number }> {
  return LEADER_KINDS.has(message.kind)
}

export class Conversation {
  readonly learner: Sid
  readonly leader: Sid
  readonly connection: number
  readonly votes: boolean
  /** The leader has taken in FOLLOWERINFO, and not seen the link go down since. */
  heard = false
  #epoch: Epoch | undefined
  #epochAcknowledged = false
  /** End of what the learner's log will be with all that was sent; undefined before DIFF, TRUNC or SNAP. */
  #tail: LogPoint | undefined
  #loading = false
  #chunksOwed = 0
  #newLeader: Zxid | undefined
  #acked: Zxid = ZXID_ZERO
  #upToDate = false
  #pongsOwed = 0
  #dismissed = false
  #left = false

  constructor(learner: Sid, leader: Sid, connection: number, votes: boolean) {
    this.learner = learner
    this.leader = leader
    this.connection = connection
    this.votes = votes
  }

  /** As LEADERINFO said. */
  get epoch(): Epoch | undefined {
    return this.#epoch
  }

  /** It was told so. */
  get upToDate(): boolean {
    return this.#upToDate
  }

  /** The leader holds it for one of its learners. */
  get held(): boolean {
    return this.heard && !this.#dismissed
  }

  /** Whether this has its place after all that was said. FOLLOWERINFO is what begins a conversation. */
  takesOfLearner(message: LearnerMessage): boolean {
    if (this.#left) return false
    switch (message.kind) {
      case 'followerInfo':
        return false
      case 'ackEpoch':
        if (this.#epoch === undefined || this.#epochAcknowledged) return false
        this.#epochAcknowledged = true
        return true
      case 'snapshotNext':
        return this.#chunksOwed-- > 0
      case 'ack':
        return this.#takesAck(message.zxid)
      case 'pong':
        return this.#pongsOwed-- > 0
      case 'request':
        return this.#upToDate
      case 'leave':
        this.#left = true
        return true
    }
  }

  takesOfLeader(message: LeaderMessage): boolean {
    if (message.kind === 'dismiss') {
      this.#dismissed = true
      return true
    }
    if (this.#dismissed) return false
    switch (message.kind) {
      case 'leaderInfo':
        if (this.#epoch !== undefined) return false
        this.#epoch = message.epoch
        return true
      case 'diff':
      case 'trunc':
        return this.#joins(message.join)
      case 'snap':
        this.#loading = true
        return this.#joins(message.head.point)
      case 'snapshotChunk':
        if (!this.#loading) return false
        this.#loading = !message.last
        if (!message.last) this.#chunksOwed++
        return true
      default:
        return this.#tail !== undefined && !this.#loading && this.#takesOfLog(message, this.#tail)
    }
  }

  #joins(join: LogPoint): boolean {
    if (!this.#epochAcknowledged || this.#tail !== undefined) return false
    this.#tail = join
    return true
  }

  /** What comes once it is known where the logs meet. */
  #takesOfLog(
    message: Extract<
      LeaderMessage,
      { kind: 'proposal' | 'inform' | 'commit' | 'newLeader' | 'upToDate' | 'ping' }
    >,
    tail: LogPoint,
  ): boolean {
    const synchronised = this.#newLeader !== undefined
    switch (message.kind) {
      case 'proposal':
      case 'inform': {
        const { group } = message
        // A voter is told of what is not committed too; an observer, once synchronised, only of what is.
        const asIs = synchronised && !this.votes ? 'inform' : 'proposal'
        if (message.kind !== asIs || !follows(tail, group)) return false
        this.#tail = pointOf(group)
        return true
      }
      case 'commit':
        return message.zxid <= tail.zxid
      case 'newLeader': {
        if (synchronised || message.zxid !== makeZxid(this.#epoch!, 0)) return false
        this.#newLeader = message.zxid
        return true
      }
      case 'upToDate': {
        const first = !this.#upToDate
        this.#upToDate = true
        return first && this.#acked > 0
      }
      case 'ping':
        this.#pongsOwed++
        return synchronised
    }
  }

  /** NEWLEADER is acknowledged, then what was sent, and never less than before. */
  #takesAck(zxid: Zxid): boolean {
    const first = this.#newLeader
    if (first === undefined) return false
    const tail = (this.#tail ?? LOG_START).zxid
    const isSent = zxid >= first && zxid <= (tail > first ? tail : first) && zxid >= this.#acked
    this.#acked = zxid
    return isSent
  }
}
