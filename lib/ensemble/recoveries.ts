/**
 * Which peers recover at the same time while an ensemble is opened. It serves once a quorum has recovered; where there
 * are fewer processors than peers the others would take them from that quorum, so each of them begins when one before
 * it is done. At least as many as a quorum may be under way, voters first, and nobody waits twice: so if all that are
 * under way hang, there is no quorum among the rest.
 */

/** What is known here of a peer. */
export interface Recovering {
  /** Lets it recover as soon as its store is open. */
  recover(): void
}

interface MayVote {
  readonly config: { readonly votes: boolean }
}

/**
 * The order in which peers are to get their turns: voters before observers, and among voters another one first each
 * time, as `draw` says (at least 0, less than 1). In a program that runs only for a moment each time it would always be
 * the same one that does not get to recover.
 */
export function turnsOf<Peer extends MayVote>(peers: readonly Peer[], draw: number): Peer[] {
  const voters = peers.filter(({ config }) => config.votes)
  const observers = peers.filter(({ config }) => !config.votes)
  const first = Math.floor(draw * voters.length)
  return [...voters.slice(first), ...voters.slice(0, first), ...observers]
}

export class Recoveries {
  #atOnce: number
  /** May recover, and have not been seen to be done. */
  readonly #begun = new Set<Recovering>()
  readonly #waiting = new Set<Recovering>()
  /** Had their turn. */
  readonly #had = new Set<Recovering>()

  /** @param atOnce at least as many peers as make a quorum */
  constructor(atOnce: number) {
    this.#atOnce = atOnce
  }

  /** The peer was started; or started again, and then it goes on at once. */
  add(peer: Recovering): void {
    if (this.#had.has(peer)) return peer.recover()
    this.#waiting.add(peer)
    this.#advance()
  }

  /** The peer has recovered, or will not. */
  done(peer: Recovering): void {
    this.#begun.delete(peer)
    this.#waiting.delete(peer)
    this.#advance()
  }

  /** From now on nobody waits for anybody. */
  unlimit(): void {
    this.#atOnce = Number.POSITIVE_INFINITY
    this.#advance()
  }

  #advance(): void {
    for (const peer of this.#waiting) {
      if (this.#begun.size >= this.#atOnce) return
      this.#waiting.delete(peer)
      this.#begun.add(peer)
      this.#had.add(peer)
      peer.recover()
    }
  }
}
