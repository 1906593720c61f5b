/**
 * Who may hear of a proposal later. A quorum decides, and all peers are on one host: while nothing else is under way, a
 * proposal goes to a quorum only, so that its disk and its processors serve those that somebody waits for. The other
 * voters stand by. They get the same groups in the same order, a few at a time; to agreement that is a slow link.
 *
 * Nobody is to notice: a learner that serves a client never stands by, and whoever was told and is late is not
 * relied on again while another is not.
 */

import type { Sid, Zxid } from '../base/zxid.ts'
import type { LearnerLink } from './learner-link.ts'
import type { Quorum } from './quorum.ts'

const NOBODY: readonly LearnerLink[] = []

export class Standbys {
  readonly #self: Sid
  readonly #quorum: Quorum
  /** Who made up the quorum last time, and does so again: to change about would have all of them half a step behind. */
  #relied: readonly LearnerLink[] = []

  constructor(self: Sid, quorum: Quorum) {
    this.#self = self
    this.#quorum = quorum
  }

  /** Those of `links` that need not hear at once of what follows `last`, which everybody relied on has on disk. */
  choose(links: ReadonlyMap<Sid, LearnerLink>, last: Zxid): readonly LearnerLink[] {
    const told = new Set([this.#self])
    const waiting = new Set<LearnerLink>()
    for (const link of links.values()) {
      if (link.votes && link.mayStandBy) waiting.add(link)
      else if (link.votes && link.acked >= last) told.add(link.sid)
    }
    const relied: LearnerLink[] = []
    const isReached = (): boolean => this.#quorum.reached(voter => told.has(voter))
    for (const link of [...this.#relied, ...waiting]) {
      if (isReached()) break
      if (link.acked < last || !waiting.delete(link)) continue
      told.add(link.sid)
      relied.push(link)
    }
    if (!isReached()) return NOBODY
    this.#relied = relied
    return [...waiting]
  }
}
