/** Benny's cases, made safe: Benny never ends when a promise of a case is rejected. */

import { add, configure, cycle, save, suite } from 'benny'
import { formatCount, formatMs } from './format.ts'

/** Something to do over and over; a promise is awaited before the next time. */
export interface Case {
  readonly name: string
  readonly run: () => unknown
}

export interface SuiteOptions {
  /** Longest time per case. */
  readonly seconds: number
  /** Where results are written as JSON, one file per suite. */
  readonly jsonDir: string | undefined
}

/**
 * Runs cases one after the other and prints operations per second. What they need must be ready: Benny calls a case
 * two or three times before it measures, and some of these calls it does not await.
 * @throws the first error of a case.
 */
export async function runSuite(
  name: string,
  cases: readonly Case[],
  { seconds, jsonDir }: SuiteOptions,
): Promise<void> {
  const errors: unknown[] = []
  const guarded = cases.map(({ name: caseName, run }) => add(caseName, guard(run, errors)))
  const saved = jsonDir === undefined ? [] : [save({ file: name, folder: jsonDir, details: true })]
  const configured = configure({ cases: { maxTime: seconds } })
  await suite(name, configured, ...guarded, cycle(print), ...saved)
  if (errors.length > 0) throw errors[0]
}

/** One line per case: they are not rivals, so which one is the fastest tells nothing. */
function print({ name, ops, margin }: { name: string; ops: number; margin: number }): void {
  const perSecond = `${formatCount(ops)}/s`.padStart(14)
  const each = formatMs(1000 / ops).padStart(10)
  console.log(`  ${name.padEnd(24)} ${perSecond} ${each}  ± ${margin.toFixed(1)} %`)
}

function guard(run: () => unknown, errors: unknown[]): () => unknown {
  return () => {
    try {
      const result = run()
      if (result instanceof Promise) return result.catch((error: unknown) => errors.push(error))
    } catch (error) {
      errors.push(error)
    }
    return undefined
  }
}
