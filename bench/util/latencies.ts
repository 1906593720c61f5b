/** How long calls took: a histogram with three digits, so that a run of any length takes the same memory. */

import { createHistogram } from 'node:perf_hooks'

export class Latencies {
  // In nanoseconds: a histogram holds integers from 1.
  readonly #histogram = createHistogram({ figures: 3 })

  get count(): number {
    return this.#histogram.count
  }

  /** Adds the time from `startedAt`, a reading of `performance.now()`, until now. */
  addSince(startedAt: number): void {
    this.add(performance.now() - startedAt)
  }

  add(ms: number): void {
    this.#histogram.record(Math.max(1, Math.round(ms * 1e6)))
  }

  /** The time in milliseconds that `percentile` percent of the calls did not exceed; 0 when there were none. */
  percentileMs(percentile: number): number {
    return this.count === 0 ? 0 : this.#histogram.percentile(percentile) / 1e6
  }

  get maxMs(): number {
    return this.count === 0 ? 0 : this.#histogram.max / 1e6
  }
}
