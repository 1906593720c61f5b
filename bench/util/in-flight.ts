/**
 * Bounds what is under way at once: a number of calls, and the bytes they hold. The first call that fails ends it all:
 * the failure comes out of the next `room` or of `drained`.
 */

export interface InFlightLimits {
  readonly calls: number
  readonly bytes: number
}

export class InFlight {
  readonly #limits: InFlightLimits
  #calls = 0
  #bytes = 0
  #failure: { readonly error: unknown } | undefined
  #onEnded: (() => void) | undefined

  constructor(limits: InFlightLimits) {
    this.#limits = limits
  }

  /** Waits until one more call, of any size, may start. One caller at a time. */
  room(): Promise<void> {
    return this.#until(() => this.#calls < this.#limits.calls && this.#bytes < this.#limits.bytes)
  }

  /** Waits until nothing is under way. */
  drained(): Promise<void> {
    return this.#until(() => this.#calls === 0)
  }

  /** Takes a call that was started, and what to do with its result. */
  add<T>(bytes: number, call: Promise<T>, use: (result: T) => void): void {
    this.#calls++
    this.#bytes += bytes
    call
      .then(use)
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .finally(() => {
        this.#calls--
        this.#bytes -= bytes
        this.#onEnded?.()
      })
  }

  async #until(condition: () => boolean): Promise<void> {
    while (this.#failure === undefined && !condition()) {
      await new Promise<void>(resolve => {
        this.#onEnded = resolve
      })
    }
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
