/** Client threads that set nodes of one ensemble at the same time, measured as one. */

import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import type { Ensemble } from '../../lib/index.ts'
import type { Measurement } from '../load/row.ts'
import { Latencies } from '../util/latencies.ts'
import { nextMessage, startThread } from '../util/thread.ts'
import type { SetCommand, SetResult, SetThreadTask } from './set-thread.ts'

export interface SetThreadsOptions {
  readonly threads: number
  /** Of each thread. */
  readonly inFlight: number
  readonly paths: readonly string[]
  readonly payloadBytes: number
}

export class SetThreads {
  readonly #workers: readonly Worker[]

  static async start(ensemble: Ensemble, options: SetThreadsOptions): Promise<SetThreads> {
    const { threads, inFlight, paths, payloadBytes } = options
    const workers = Array.from({ length: threads }, () => {
      const handle = ensemble.handle()
      const task: SetThreadTask = { handle, paths, payloadBytes, inFlight }
      return startThread('set-thread', import.meta.url, task, [handle])
    })
    await Promise.all(workers.map(worker => nextMessage(worker)))
    return new SetThreads(workers)
  }

  private constructor(workers: readonly Worker[]) {
    this.#workers = workers
  }

  /** All of them, for so long. */
  async run(seconds: number): Promise<Measurement> {
    const results = await this.#results({ seconds })
    const latencies = new Latencies()
    for (const { latenciesMs } of results) for (const ms of latenciesMs) latencies.add(ms)
    const counts = results.map(result => result.counts)
    return {
      operations: counts.reduce((sum, { operations }) => sum + operations, 0),
      errors: counts.reduce((sum, { errors }) => sum + errors, 0),
      firstError: counts.find(({ firstError }) => firstError !== undefined)?.firstError,
      seconds: Math.max(...counts.map(({ seconds: took }) => took)),
      latencies,
    }
  }

  /** Goes on until `stop`. */
  runUntilStopped(): { readonly stop: () => Promise<readonly SetResult[]> } {
    const results = this.#results({ seconds: Number.POSITIVE_INFINITY })
    return {
      stop: () => {
        this.#tell('stop')
        return results
      },
    }
  }

  async close(): Promise<void> {
    const ended = this.#workers.map(worker => once(worker, 'exit'))
    this.#tell('close')
    await Promise.all(ended)
  }

  #results(command: SetCommand): Promise<SetResult[]> {
    const results = this.#workers.map(worker => nextMessage<SetResult>(worker))
    this.#tell(command)
    return Promise.all(results)
  }

  #tell(command: SetCommand): void {
    for (const worker of this.#workers) worker.postMessage(command)
  }
}
