/** Many runs in a row, and what they come to; results are plain data, since they may cross a process. */

import { Counters } from './counters.ts'
import type { Profile } from './knobs.ts'
import type { MutationName } from './mutations.ts'
import { optionsOf } from './recipe.ts'
import { run } from './run.ts'
import { type Shares, Where } from './where.ts'

export interface BatchOptions {
  readonly from: number
  readonly count: number
  readonly mutation: MutationName
  readonly profile?: Profile | undefined
  /** Measure where the time goes. */
  readonly where?: boolean | undefined
}

export interface BatchResult {
  readonly runs: number
  /** The batch ends with the first seed that fails. */
  readonly failed: { readonly seed: number; readonly message: string } | undefined
  readonly counters: Readonly<Record<string, number>>
  readonly where: Shares
}

export function runBatch(options: BatchOptions): BatchResult {
  const where = options.where === true ? new Where() : undefined
  const result = runAll(options)
  return { ...result, where: where?.stop() ?? {} }
}

function runAll({ from, count, mutation, profile }: BatchOptions): Omit<BatchResult, 'where'> {
  const counters = new Counters()
  for (let runs = 0; runs < count; runs++) {
    const seed = from + runs
    const { violation, counters: more } = run(optionsOf({ seed, mutation, profile }))
    counters.merge(more)
    if (violation !== undefined) {
      const failed = { seed, message: violation.message }
      return { runs: runs + 1, failed, counters: counters.toRecord() }
    }
  }
  return { runs: count, failed: undefined, counters: counters.toRecord() }
}
