/**
 * The closed loop: so many calls are under way, and each that ends starts the next. Cheap, since it runs in the thread
 * that it measures: no promise but the one the call returns, one reading of the clock per operation, nothing built.
 */

import type { LatencySink } from '../util/latencies.ts'
import type { Counts } from './row.ts'

/** One kind of operation. Paths and data are ready before the first call. */
export interface Target<Result> {
  /** `at` counts the calls of a run, from 0. */
  readonly call: (at: number) => Promise<Result>
  /** Whether the answer is what it must be. */
  readonly isRight: (result: Result, at: number) => boolean
}

export interface BlockingTarget<Result> {
  readonly call: (at: number) => Result
  readonly isRight: (result: Result, at: number) => boolean
}

export interface ClosedLoopOptions {
  readonly inFlight: number
  readonly seconds: number
  /** Ends the run before its time is over. */
  readonly callsMax?: number | undefined
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

const WRONG = 'the result is not what it must be'

/** A loop that can be stopped before its time is over. */
export class ClosedLoop<Result> {
  readonly #target: Target<Result>
  readonly #sink: LatencySink
  readonly #inFlight: number
  readonly #callsMax: number
  readonly #startedAt = performance.now()
  #endAt: number
  #next = 0
  #operations = 0
  #errors = 0
  #firstError: string | undefined

  constructor(target: Target<Result>, options: ClosedLoopOptions, sink: LatencySink) {
    this.#target = target
    this.#sink = sink
    this.#inFlight = options.inFlight
    this.#callsMax = options.callsMax ?? Number.POSITIVE_INFINITY
    this.#endAt = this.#startedAt + options.seconds * 1000
  }

  /** Waits for all answers; the time until the last one counts. */
  async run(): Promise<Counts> {
    await Promise.all(Array.from({ length: this.#inFlight }, () => this.#lane()))
    return {
      operations: this.#operations,
      errors: this.#errors,
      firstError: this.#firstError,
      seconds: (performance.now() - this.#startedAt) / 1000,
    }
  }

  /** Starts no more calls; `run` ends when those under way are answered. */
  stop(): void {
    this.#endAt = 0
  }

  /** One of the calls under way, and those that follow it. The end of one is the beginning of the next. */
  async #lane(): Promise<void> {
    const target = this.#target
    let startedAt = performance.now()
    while (startedAt < this.#endAt && this.#next < this.#callsMax) {
      const at = this.#next++
      try {
        const result = await target.call(at)
        const now = performance.now()
        if (target.isRight(result, at)) {
          this.#sink.add(now - startedAt)
          this.#operations++
        } else this.#fail(WRONG)
        startedAt = now
      } catch (error) {
        this.#fail(error)
        startedAt = performance.now()
      }
    }
  }

  #fail(error: unknown): void {
    this.#errors++
    this.#firstError ??= describe(error)
  }
}

export function closedLoop<Result>(
  target: Target<Result>,
  options: ClosedLoopOptions,
  sink: LatencySink,
): Promise<Counts> {
  return new ClosedLoop(target, options, sink).run()
}

export interface BlockingLoopOptions {
  readonly seconds: number
  /** Times one call in so many; for calls that are as short as reading the clock. Default 1. */
  readonly timedOneIn?: number | undefined
}

/** One call at a time, of the blocking kind. */
export function blockingLoop<Result>(
  target: BlockingTarget<Result>,
  { seconds, timedOneIn = 1 }: BlockingLoopOptions,
  sink: LatencySink,
): Counts {
  let operations = 0
  let errors = 0
  let firstError: string | undefined
  const startedAt = performance.now()
  const endAt = startedAt + seconds * 1000
  let now = startedAt
  for (let at = 0; now < endAt; ) {
    const end = at + timedOneIn
    const timed = performance.now()
    for (; at < end; at++) {
      try {
        if (target.isRight(target.call(at), at)) {
          if (at === end - timedOneIn) sink.add(performance.now() - timed)
          operations++
        } else {
          errors++
          firstError ??= WRONG
        }
      } catch (error) {
        errors++
        firstError ??= describe(error)
      }
    }
    now = performance.now()
  }
  return { operations, errors, firstError, seconds: (now - startedAt) / 1000 }
}
