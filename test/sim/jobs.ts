/**
 * Spreads seeds over processes, a few at a time: this file is also what each of them runs. What is kept of a campaign
 * does not grow with it.
 */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type BatchOptions, type BatchResult, runBatch } from './batch.ts'
import { Counters } from './counters.ts'

const OWN_PATH = fileURLToPath(import.meta.url)
/** Seeds in a batch at most: whoever waits for a failure or for progress waits for a batch. */
const BATCH_SEEDS = 20

export interface Progress {
  readonly runs: number
  readonly count: number
}

export type OnProgress = (progress: Progress) => void

/** Hands out the seeds of a campaign in order, and adds up what comes back. */
class Campaign {
  readonly #options: BatchOptions
  readonly #onProgress: OnProgress | undefined
  readonly #counters = new Counters()
  readonly #where = new Counters()
  #handedOut = 0
  #runs = 0
  #failed: BatchResult['failed']

  constructor(options: BatchOptions, onProgress: OnProgress | undefined) {
    this.#options = options
    this.#onProgress = onProgress
  }

  get result(): BatchResult {
    return {
      runs: this.#runs,
      failed: this.#failed,
      counters: this.#counters.toRecord(),
      where: this.#where.toRecord(),
    }
  }

  /** Undefined when none are left, or one has failed: what is under way then is brought to its end. */
  next(): BatchOptions | undefined {
    const left = this.#options.count - this.#handedOut
    if (left <= 0 || this.#failed !== undefined) return undefined
    const from = this.#options.from + this.#handedOut
    const count = Math.min(left, BATCH_SEEDS)
    this.#handedOut += count
    return { ...this.#options, from, count }
  }

  /** Seeds are handed out in order, so of those that failed the lowest is the lowest there is. */
  add({ runs, failed, counters, where }: BatchResult): void {
    this.#runs += runs
    this.#counters.merge(counters)
    this.#where.merge(where)
    if (failed !== undefined && failed.seed < (this.#failed?.seed ?? Number.POSITIVE_INFINITY)) {
      this.#failed = failed
    }
    this.#onProgress?.({ runs: this.#runs, count: this.#options.count })
  }
}

/** Runs the seeds in `jobs` processes; with one, in this. Of the seeds that fail, the lowest is reported. */
export async function runJobs(
  options: BatchOptions,
  jobs: number,
  onProgress?: OnProgress,
): Promise<BatchResult> {
  const campaign = new Campaign(options, onProgress)
  if (jobs === 1) {
    for (let batch = campaign.next(); batch !== undefined; batch = campaign.next()) {
      campaign.add(runBatch(batch))
    }
  } else {
    const workers = Math.min(jobs, Math.ceil(options.count / BATCH_SEEDS))
    await Promise.all(Array.from({ length: workers }, () => work(campaign)))
  }
  return campaign.result
}

/** One process, from batch to batch. */
async function work(campaign: Campaign): Promise<void> {
  const child = fork(OWN_PATH)
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`a job ended early with code ${code}`)
  })
  try {
    for (let batch = campaign.next(); batch !== undefined; batch = campaign.next()) {
      campaign.add(await Promise.race([runElsewhere(child, batch), ended]))
    }
  } finally {
    ended.catch(() => undefined)
    child.disconnect()
  }
}

async function runElsewhere(child: ChildProcess, batch: BatchOptions): Promise<BatchResult> {
  const answered = once(child, 'message')
  child.send(batch)
  const [result] = await answered
  return result as BatchResult
}

if (process.argv[1] === OWN_PATH && process.send !== undefined) {
  process.on('message', options => process.send?.(runBatch(options as BatchOptions)))
}
