/**
 * Which peers recover at the same time while an ensemble is opened. It serves once a quorum has recovered; where there
 * are fewer processors than peers the others would take them from that quorum, so each of them begins when one before
 * it is done. At least as many as a quorum may be under way: if all of those hang, there is no quorum among the rest.
 */

/** What is known here of a peer. */
export interface Recovering {
  /** Lets it recover as soon as its store is open. */
  recover(): void
}

export class Recoveries {
  readonly #atOnce: number
  /** May recover, and have not been seen to be done. */
  readonly #begun = new Set<Recovering>()
  readonly #waiting = new Set<Recovering>()
  #isLimited = true

  /** @param atOnce at least as many peers as make a quorum */
  constructor(atOnce: number) {
    this.#atOnce = atOnce
  }

  /** The peer was started. */
  add(peer: Recovering): void {
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
    this.#isLimited = false
    this.#advance()
  }

  #advance(): void {
    for (const peer of this.#waiting) {
      if (this.#isLimited && this.#begun.size >= this.#atOnce) return
      this.#waiting.delete(peer)
      this.#begun.add(peer)
      peer.recover()
    }
  }
}
