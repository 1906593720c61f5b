/**
 * Whether the ensemble keeps the process alive: one timer that stands for it all, so that threads and ports need not be
 * asked. Work under way keeps the process alive even when the ensemble itself does not, or its promise would be left
 * pending when the process ends.
 */

/** Longest a timer of Node can wait; it rings every 24 days, for nothing. */
const ALWAYS_MS = 2 ** 31 - 1

export class KeepAlive {
  readonly #timer = setInterval(() => undefined, ALWAYS_MS)
  #wanted = true
  #atWork = 0

  /** Whether the process is kept alive when no work is under way. */
  set(wanted: boolean): void {
    this.#wanted = wanted
    this.#update()
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#atWork++
    this.#update()
    try {
      return await work()
    } finally {
      this.#atWork--
      this.#update()
    }
  }

  end(): void {
    clearInterval(this.#timer)
  }

  #update(): void {
    if (this.#wanted || this.#atWork > 0) this.#timer.ref()
    else this.#timer.unref()
  }
}
