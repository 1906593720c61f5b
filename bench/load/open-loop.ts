/**
 * The open loop: operations are due at a fixed rate, as when many users come by themselves, and a latency counts from
 * the moment its operation was due. A stall then shows in all operations that it held up, also in those that could not
 * even be started; a closed loop would just have started fewer (coordinated omission).
 */

import { once } from 'node:events'
import type { LatencySink } from '../util/latencies.ts'
import { nextMessage, startThread } from '../util/thread.ts'
import type { Target } from './closed-loop.ts'
import type { Counts } from './row.ts'
import { Schedule } from './schedule.ts'

/** Operations fall due between two wake-ups and wait for the next: half of this on average is in every latency. */
export const PACE_MS = 0.5

export interface OpenLoopOptions {
  readonly opsPerSecond: number
  readonly seconds: number
}

/** What the pacing thread shares with the loop. */
export interface Pace {
  readonly paceMs: number
  /** `[0]`: a wake-up is on its way. `[1]`: stop. */
  readonly words: Int32Array
}

class OpenLoop<Result> {
  readonly #target: Target<Result>
  readonly #sink: LatencySink
  readonly #schedule: Schedule
  readonly #startedAt: number
  #next = 0
  #operations = 0
  #errors = 0
  #firstError: string | undefined
  #onDone: (() => void) | undefined

  constructor(target: Target<Result>, options: OpenLoopOptions, sink: LatencySink) {
    this.#target = target
    this.#sink = sink
    this.#startedAt = performance.now()
    this.#schedule = new Schedule(this.#startedAt, options.opsPerSecond, options.seconds)
  }

  /** Starts all that is due by now. */
  start(): void {
    const due = this.#schedule.due(performance.now())
    while (this.#next < due) void this.#one(this.#next++)
  }

  done(): Promise<void> {
    return new Promise(resolve => {
      this.#onDone = resolve
    })
  }

  counts(): Counts {
    return {
      operations: this.#operations,
      errors: this.#errors,
      firstError: this.#firstError,
      seconds: (performance.now() - this.#startedAt) / 1000,
    }
  }

  async #one(at: number): Promise<void> {
    try {
      const result = await this.#target.call(at)
      if (this.#target.isRight(result, at)) {
        this.#sink.add(performance.now() - this.#schedule.dueAt(at))
        this.#operations++
      } else this.#errors++
    } catch (error) {
      this.#errors++
      this.#firstError ??= String(error)
    }
    if (this.#operations + this.#errors === this.#schedule.length) this.#onDone?.()
  }
}

/** Waits for all answers, however late. */
export async function openLoop<Result>(
  target: Target<Result>,
  options: OpenLoopOptions,
  sink: LatencySink,
): Promise<Counts> {
  const words = new Int32Array(new SharedArrayBuffer(8))
  const pace: Pace = { paceMs: PACE_MS, words }
  const pacer = startThread('pacer-thread', import.meta.url, pace)
  await nextMessage(pacer)
  const loop = new OpenLoop(target, options, sink)
  const done = loop.done()
  pacer.on('message', () => {
    Atomics.store(words, 0, 0)
    loop.start()
  })
  await done
  const counts = loop.counts()
  const ended = once(pacer, 'exit')
  Atomics.store(words, 1, 1)
  await ended
  return counts
}
