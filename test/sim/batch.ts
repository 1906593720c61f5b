/** Many runs in a row, and what they come to; results are plain data, since they may cross a process. */

import { Counters } from './counters.ts'
import type { MutationName } from './mutations.ts'
import { run } from './run.ts'

export interface BatchOptions {
  readonly from: number
  readonly count: number
  /** From one seed to the next: with several processes each takes its share. */
  readonly step: number
  readonly mutation: MutationName
}

export interface BatchResult {
  readonly runs: number
  /** The batch ends with the first seed that fails. */
  readonly failed: { readonly seed: number; readonly message: string } | undefined
  readonly counters: Readonly<Record<string, number>>
}

export function runBatch({ from, count, step, mutation }: BatchOptions): BatchResult {
  const counters = new Counters()
  for (let runs = 0; runs < count; runs++) {
    const seed = from + runs * step
    const result = run({ seed, mutation })
    counters.merge(result.counters)
    if (result.violation !== undefined) {
      const failed = { seed, message: result.violation.message }
      return { runs: runs + 1, failed, counters: counters.toRecord() }
    }
  }
  return { runs: count, failed: undefined, counters: counters.toRecord() }
}
