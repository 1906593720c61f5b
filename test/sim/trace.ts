/**
 * What happened in a run: always as a hash, which tells whether two runs were the same, and on demand as lines to read.
 * Runs are repeated exactly from their seed, so lines are only made in the second run, of a seed that failed.
 */

export class Trace {
  readonly #keep: number
  #lines: string[] = []
  #hash = 0
  readonly #now: () => number

  /** `keep`: how many of the last lines to keep; none are made when it is 0. */
  constructor(keep: number, now: () => number) {
    this.#keep = keep
    this.#now = now
  }

  /** Whether lines are wanted: ask before building one. */
  get on(): boolean {
    return this.#keep > 0
  }

  get hash(): number {
    return this.#hash >>> 0
  }

  get lines(): readonly string[] {
    return this.#lines.slice(-this.#keep)
  }

  mix(word: number): void {
    let hash = Math.imul(this.#hash ^ (word | 0), 0x9e3779b1)
    hash ^= hash >>> 15
    this.#hash = Math.imul(hash, 0x85ebca77)
  }

  line(who: string, what: string): void {
    if (!this.on) return
    const milliseconds = (this.#now() / 1000).toFixed(3)
    this.#lines.push(`${milliseconds.padStart(11)} ${who.padEnd(4)} ${what}`)
    if (this.#lines.length > 2 * this.#keep) this.#lines = this.#lines.slice(-this.#keep)
  }
}
