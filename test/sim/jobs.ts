/** Spreads seeds over processes: this file is also what each of them runs. */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type BatchOptions, type BatchResult, runBatch } from './batch.ts'
import { Counters } from './counters.ts'

const OWN_PATH = fileURLToPath(import.meta.url)

/** Runs the batch in `jobs` processes. Of the seeds that fail, the lowest is reported. */
export async function runJobs(options: BatchOptions, jobs: number): Promise<BatchResult> {
  if (jobs === 1) return runBatch(options)
  const { from, count, mutation } = options
  const shares = Array.from({ length: Math.min(jobs, count) }, (_, job) =>
    runElsewhere({
      from: from + job,
      count: Math.ceil((count - job) / jobs),
      step: jobs,
      mutation,
    }),
  )
  return combine(await Promise.all(shares))
}

async function runElsewhere(options: BatchOptions): Promise<BatchResult> {
  const child = fork(OWN_PATH)
  child.send(options)
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`a job ended early with code ${code}`)
  })
  const [result] = await Promise.race([once(child, 'message'), ended])
  child.disconnect()
  ended.catch(() => undefined)
  return result as BatchResult
}

function combine(results: readonly BatchResult[]): BatchResult {
  const counters = new Counters()
  let runs = 0
  let failed: BatchResult['failed']
  for (const result of results) {
    runs += result.runs
    counters.merge(result.counters)
    const earlier = failed === undefined || (result.failed?.seed ?? failed.seed) < failed.seed
    if (result.failed !== undefined && earlier) failed = result.failed
  }
  return { runs, failed, counters: counters.toRecord() }
}

if (process.argv[1] === OWN_PATH && process.send !== undefined) {
  process.once('message', options => process.send?.(runBatch(options as BatchOptions)))
}
