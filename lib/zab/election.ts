/**
 * Fast leader election (ZooKeeper's FastLeaderElection.lookForLeader) for one peer: votes, rounds, and the two ways to
 * end: a quorum of looking voters agrees, or an established leader is found through peers that follow it.
 */

import {
  FINALIZE_WAIT_TICKS,
  NOTIFY_TICKS_MAX,
  NOTIFY_TICKS_MIN,
  ROUND_TICKS_MAX,
} from '../base/limits.ts'
import type { Sid } from '../base/zxid.ts'
import type { Quorum } from './quorum.ts'
import type { Notification, Role, Vote } from './types.ts'

/** Whether `a` is to be preferred: epoch, then zxid, then server id (totalOrderPredicate). */
export function beats(a: Vote, b: Vote): boolean {
  if (a.epoch !== b.epoch) return a.epoch > b.epoch
  if (a.zxid !== b.zxid) return a.zxid > b.zxid
  return a.leader > b.leader
}

function sameVote(a: Vote, b: Vote): boolean {
  return a.leader === b.leader && a.zxid === b.zxid && a.epoch === b.epoch
}

interface Heard {
  readonly vote: Vote
  readonly round: number
  readonly role: Role
}

/** Whoever follows already tells where its own log ends, no longer what it voted for: the leader is what counts. */
function agreesWith({ vote, role }: Heard, proposed: Vote): boolean {
  return role === 'looking' ? sameVote(vote, proposed) : vote.leader === proposed.leader
}

export interface ElectionConfig {
  readonly sid: Sid
  readonly quorum: Quorum
  readonly send: (to: Sid, notification: Notification) => void
  /** Peers that a message can reach now. */
  readonly reachable: ReadonlySet<Sid>
}

export class Election {
  readonly #config: ElectionConfig
  /** The logical clock: grows with each election this peer takes part in. */
  #round = 0
  /** What this peer would vote for by itself; undefined for one that has no vote. */
  #own: Vote | undefined
  #proposed: Vote | undefined
  /** Votes of this round (recvset). */
  readonly #received = new Map<Sid, Heard>()
  /** What peers that have a leader said (outofelection). */
  readonly #settled = new Map<Sid, Heard>()
  #roundTicks = 0
  #finalizeTicks: number | undefined
  #notifyTicks = NOTIFY_TICKS_MIN
  #notifyPause = NOTIFY_TICKS_MIN
  #elected: Sid | undefined

  constructor(config: ElectionConfig) {
    this.#config = config
  }

  get round(): number {
    return this.#round
  }

  /** Set once the election is over, until the next `start`. */
  get elected(): Sid | undefined {
    return this.#elected
  }

  /** Opens a new round. A peer without a vote (observer, or one with an untrusted log) passes undefined. */
  start(own: Vote | undefined): void {
    this.#round++
    this.#own = own
    this.#proposed = own
    this.#elected = undefined
    this.#roundTicks = 0
    this.#received.clear()
    this.#settled.clear()
    this.#finalizeTicks = undefined
    this.#notifyPause = NOTIFY_TICKS_MIN
    this.#notifyTicks = NOTIFY_TICKS_MIN
    this.#announce()
    this.#decide()
  }

  receive(from: Sid, heard: Notification): void {
    if (this.#elected !== undefined || !this.#isVoter(from) || !this.#isVoter(heard.vote.leader))
      return
    if (heard.role === 'looking') this.#receiveLooking(from, heard)
    else this.#receiveSettled(from, heard)
  }

  #receiveLooking(from: Sid, heard: Notification): void {
    if (this.#own === undefined || this.#proposed === undefined) return
    if (heard.round < this.#round) {
      this.#notify(from)
      return
    }
    const isNewRound = heard.round > this.#round
    if (isNewRound) {
      this.#round = heard.round
      this.#roundTicks = 0
      this.#received.clear()
    }
    this.#received.set(from, heard)
    this.#settled.delete(from)
    const best = this.#best(this.#own)
    if (isNewRound || !sameVote(best, this.#proposed)) this.#propose(best)
    // The sender was not looking yet, or its disk not quiet, when we announced ours.
    else if (beats(best, heard.vote)) this.#notify(from)
    this.#decide()
  }

  /**
   * The best of ourselves and of those that stand for election, as they said themselves in this round. ZooKeeper takes
   * any vote it hears of; but whoever is voted for may be dead, or cut off from here alone, or be for somebody else by
   * now. Who stands and can hear us tells us so: ours is not the better vote.
   */
  #best(own: Vote): Vote {
    let best = own
    for (const [sid, { vote }] of this.#received) {
      const stands = vote.leader === sid && this.#config.reachable.has(sid)
      if (stands && beats(vote, best)) best = vote
    }
    return best
  }

  /** `from` follows or is a leader: join it once a quorum says the same and the leader itself confirms it. */
  #receiveSettled(from: Sid, heard: Notification): void {
    if (heard.role === 'observing') return
    this.#settled.set(from, heard)
    if (heard.round === this.#round) this.#received.set(from, heard)
    const { leader } = heard.vote
    if (leader === this.#config.sid) return this.#countFollowers()
    if (this.#settled.get(leader)?.role !== 'leading') return
    const followed = (voter: Sid) => this.#settled.get(voter)?.vote.leader === leader
    // In the round of the leader's own election a looking peer's vote for it counts too: it may be the missing one.
    const sameRound = (voter: Sid) =>
      followed(voter) ||
      (heard.round === this.#round && this.#received.get(voter)?.vote.leader === leader) ||
      (heard.round === this.#round &&
        voter === this.#config.sid &&
        this.#proposed?.leader === leader)
    if (!this.#config.quorum.reached(followed) && !this.#config.quorum.reached(sameRound)) return
    this.#round = Math.max(this.#round, heard.round)
    this.#elected = leader
  }

  /** Whomever we preferred, those who follow us already have chosen: once they are a quorum, we are elected. */
  #countFollowers(): void {
    const { sid, quorum } = this.#config
    const follows = (voter: Sid) => voter === sid || this.#settled.get(voter)?.vote.leader === sid
    if (this.#own !== undefined && quorum.reached(follows)) this.#elected = sid
    else this.#decide()
  }

  tick(): void {
    if (this.#elected !== undefined) return
    if (this.#finalizeTicks !== undefined && --this.#finalizeTicks <= 0) {
      this.#elected = this.#proposed?.leader
      return
    }
    // What we go by may have been said by who is cut off by now, without our being told.
    if (this.#finalizeTicks === undefined && ++this.#roundTicks > ROUND_TICKS_MAX) {
      return this.start(this.#own)
    }
    if (--this.#notifyTicks <= 0) {
      this.#notifyPause = Math.min(this.#notifyPause * 2, NOTIFY_TICKS_MAX)
      this.#notifyTicks = this.#notifyPause
      this.#announce()
    }
  }

  linkUp(sid: Sid): void {
    if (this.#elected === undefined) this.#notify(sid)
  }

  /** A peer that is gone has no say: a leader known from hearsay alone must not be joined. */
  linkDown(sid: Sid): void {
    this.#received.delete(sid)
    this.#settled.delete(sid)
    if (this.#elected !== undefined) return
    if (this.#proposed?.leader === sid) this.start(this.#own)
    else this.#decide()
  }

  #propose(vote: Vote): void {
    this.#proposed = vote
    this.#finalizeTicks = undefined
    this.#announce()
  }

  /** Ends at once when every reachable voter has voted, else waits a little for a better vote (finalizeWait). */
  #decide(): void {
    const proposed = this.#proposed
    if (proposed === undefined) return
    const { quorum, sid, reachable } = this.#config
    const agrees = (voter: Sid) => {
      if (voter === sid) return true
      const heard = this.#received.get(voter)
      return heard !== undefined && agreesWith(heard, proposed)
    }
    if (!quorum.reached(agrees)) {
      this.#finalizeTicks = undefined
      return
    }
    const allVoted = quorum.voters.every(
      voter => voter === sid || !reachable.has(voter) || this.#received.has(voter),
    )
    if (allVoted) this.#elected = proposed.leader
    else this.#finalizeTicks ??= FINALIZE_WAIT_TICKS
  }

  #announce(): void {
    for (const voter of this.#config.quorum.voters) this.#notify(voter)
  }

  #notify(to: Sid): void {
    const { sid, send, reachable } = this.#config
    if (to === sid || !reachable.has(to)) return
    // Whoever has no vote only asks; its own sid in the vote is never counted, because it is no voter's choice.
    const vote = this.#proposed ?? {
      leader: sid,
      zxid: 0 as Vote['zxid'],
      epoch: 0 as Vote['epoch'],
    }
    const round = this.#proposed === undefined ? 0 : this.#round
    send(to, { kind: 'notification', vote, round, role: 'looking' })
  }

  #isVoter(sid: Sid): boolean {
    return this.#config.quorum.voters.includes(sid)
  }
}
