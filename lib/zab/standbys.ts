/**
 * Who may hear of a proposal later. A quorum decides, and all peers are on one host: while nothing else is under way, a
 * proposal goes to a quorum only, so that its disk and its processors serve those that somebody waits for. The other
 * voters stand by. They get the same groups in the same order, a few at a time; to agreement that is a slow link.
 *
 * Nobody is to notice for long: a learner that serves a client never stands by, and who was counted on and late, our
 * own disk included, is counted on again only after all others.
 */

import type { Group } from '../base/group.ts'
import { HELD_BYTES_MAX } from '../base/limits.ts'
import { type Sid, ZXID_ZERO, type Zxid } from '../base/zxid.ts'
import type { Desk } from './desk.ts'
import type { LearnerLink } from './learner-link.ts'

type Links = ReadonlyMap<Sid, LearnerLink>

const NOBODY: readonly LearnerLink[] = []

export class Standbys {
  readonly #desk: Desk
  /** For each voter that was late, the number of the last time. */
  readonly #lateAt = new Map<Sid, number>()
  #lates = 0
  /** The quorum that a proposal counts on, which others were not told of; until it is committed. */
  #counted: readonly Sid[] = []
  #proposed: Zxid = ZXID_ZERO

  constructor(desk: Desk) {
    this.#desk = desk
  }

  /** Those of `links` that need not hear at once of a group, the next to be logged. */
  choose(links: Links, group: Group): readonly LearnerLink[] {
    const { config, history } = this.#desk
    const last = history.lastZxid
    const isAlone = history.committed === last && group.payload.length <= HELD_BYTES_MAX
    if (!isAlone || config.standbys === false) return NOBODY
    const counted: Sid[] = []
    const isQuorum = (): boolean => config.quorum.reached(voter => counted.includes(voter))
    for (const sid of this.#candidates(links)) {
      if (isQuorum()) break
      if (this.#ackedBy(sid, links) >= last) counted.push(sid)
    }
    if (!isQuorum()) return NOBODY
    const standbys = [...links.values()].filter(
      link => link.votes && link.mayStandBy && !counted.includes(link.sid),
    )
    if (standbys.length === 0) return NOBODY
    this.#counted = counted
    this.#proposed = group.last
    return standbys
  }

  /** All up to `zxid` is committed: when that was so without one of those counted on, that one was late. */
  committed(links: Links, zxid: Zxid): void {
    if (this.#counted.length === 0 || zxid < this.#proposed) return
    for (const sid of this.#counted) {
      if (this.#ackedBy(sid, links) < this.#proposed) this.#lateAt.set(sid, ++this.#lates)
    }
    this.#counted = []
  }

  /** All voters: who was never late, or not for longest, comes first; then who is told anyway, for its clients. */
  #candidates(links: Links): readonly Sid[] {
    const voters: Sid[] = [this.#desk.config.sid]
    const clientless: Sid[] = []
    for (const { votes, mayStandBy, sid } of links.values()) {
      if (votes) (mayStandBy ? clientless : voters).push(sid)
    }
    voters.push(...clientless)
    const lateness = (sid: Sid): number => this.#lateAt.get(sid) ?? 0
    return this.#lateAt.size === 0 ? voters : voters.sort((a, b) => lateness(a) - lateness(b))
  }

  #ackedBy(sid: Sid, links: Links): Zxid {
    const { config, writes } = this.#desk
    return sid === config.sid ? writes.durableZxid : (links.get(sid)?.acked ?? ZXID_ZERO)
  }
}
