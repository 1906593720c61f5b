/** One pause of a peer's thread, seen from outside: when it begins, how it is ended, when it is over. */

export interface PauseTerms {
  readonly ms: number
  /** Computes instead of sleeping. */
  readonly busy: boolean
}

export class Pause {
  readonly terms: PauseTerms & { readonly resume: SharedArrayBuffer }
  /** Resolves when the thread stands still; or when it never will, being gone. */
  readonly begun: Promise<void>
  readonly over: Promise<void>
  readonly #resume: Int32Array
  #tellBegun: () => void = () => {}
  #tellOver: () => void = () => {}

  constructor({ ms, busy }: PauseTerms) {
    const resume = new SharedArrayBuffer(4)
    this.#resume = new Int32Array(resume)
    this.terms = { ms, busy, resume }
    this.begun = new Promise(resolve => {
      this.#tellBegun = resolve
    })
    this.over = new Promise(resolve => {
      this.#tellOver = resolve
    })
  }

  /** Lasts until `end`, which has not come yet. */
  get isEndless(): boolean {
    const isAwaited = Atomics.load(this.#resume, 0) === 0
    return isAwaited && this.terms.ms === Number.POSITIVE_INFINITY
  }

  /** Wakes the thread; one that has not begun yet does not stop at all. */
  end(): void {
    Atomics.store(this.#resume, 0, 1)
    Atomics.notify(this.#resume, 0)
  }

  onBegun(): void {
    this.#tellBegun()
  }

  onOver(): void {
    this.#tellBegun()
    this.#tellOver()
  }
}
