/** When the operations of an open loop are due: at a fixed rate, whatever became of those before. Pure. */

export class Schedule {
  readonly #startedAtMs: number
  readonly #ratePerMs: number
  /** How many there are in all. */
  readonly length: number

  constructor(startedAtMs: number, ratePerSecond: number, seconds: number) {
    this.#startedAtMs = startedAtMs
    this.#ratePerMs = ratePerSecond / 1000
    this.length = Math.floor(ratePerSecond * seconds)
  }

  /** When the operation with number `at`, from 0, is due. */
  dueAt(at: number): number {
    return this.#startedAtMs + at / this.#ratePerMs
  }

  /** How many are due by `nowMs`. */
  due(nowMs: number): number {
    const due = Math.floor((nowMs - this.#startedAtMs) * this.#ratePerMs) + 1
    return Math.max(0, Math.min(this.length, due))
  }
}
