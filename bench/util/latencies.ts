/** How long calls took: a histogram with three digits, so that a run of any length takes the same memory. */

import { createHistogram } from 'node:perf_hooks'

/** Where a loop puts its latencies. */
export interface LatencySink {
  add(ms: number): void
}

export class Latencies implements LatencySink {
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

/** Latencies one by one, to be sent to another thread: a histogram that was sent can be read, but not added up. */
export class LatencyLog implements LatencySink {
  #ms = new Float32Array(1 << 16)
  #count = 0

  add(ms: number): void {
    if (this.#count === this.#ms.length) {
      const more = new Float32Array(this.#ms.length * 2)
      more.set(this.#ms)
      this.#ms = more
    }
    this.#ms[this.#count++] = ms
  }

  get values(): Float32Array {
    return this.#ms.subarray(0, this.#count)
  }
}
