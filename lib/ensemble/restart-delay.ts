/** How long a dead peer waits for its next start: longer each time it dies soon, so that it never spins. */

import type { RestartConfig } from './options.ts'

export class RestartDelay {
  readonly #config: RestartConfig
  #nextMs: number

  constructor(config: RestartConfig) {
    this.#config = config
    this.#nextMs = config.delayMs
  }

  /** The pause before the next start, after a life of `livedMs`. */
  next(livedMs: number): number {
    const { delayMs, delayMaxMs } = this.#config
    if (livedMs >= delayMaxMs) this.#nextMs = delayMs
    const delay = this.#nextMs
    this.#nextMs = Math.min(delay * 2, delayMaxMs)
    return delay
  }
}
