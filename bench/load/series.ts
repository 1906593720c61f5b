/** Measures cases that belong together: each warmed up, then all in turn, run by run: a drift meets all alike. */

import { formatCount, formatMs } from '../util/format.ts'
import {
  type Figures,
  figuresOf,
  type Measurement,
  medianOf,
  type Row,
  type Subject,
} from './row.ts'

export interface Plan {
  /** Of one run. */
  readonly seconds: number
  readonly warmUpSeconds: number
  /** Runs of each case; the row is their median. */
  readonly runs: number
}

export interface Case {
  readonly subject: Subject
  readonly run: (seconds: number) => Measurement | Promise<Measurement>
}

function report(subject: Subject, at: string, figures: Figures, firstError?: string): void {
  const { opsPerSecond, p50us, p99us, errors } = figures
  const time = (us: number) => formatMs(us / 1000)
  const rate = `${formatCount(opsPerSecond)}/s, p50 ${time(p50us)}, p99 ${time(p99us)}`
  const failed = errors === 0 ? '' : `, ${formatCount(errors)} ERRORS (${firstError ?? 'unknown'})`
  console.error(`  ${subject.system}: ${subject.name}, ${at}: ${rate}${failed}`)
}

/** `between` is called before each run, to measure something else at the same time, as it were. */
export async function measureCases(
  cases: readonly Case[],
  plan: Plan,
  between: () => Promise<void> = () => Promise.resolve(),
): Promise<Row[]> {
  for (const { subject, run } of cases) {
    if (plan.warmUpSeconds === 0) break
    const { firstError, ...warm } = await run(plan.warmUpSeconds)
    report(subject, 'warm-up', figuresOf({ firstError, ...warm }), firstError)
  }
  const figures = cases.map((): Figures[] => [])
  for (let at = 0; at < plan.runs; at++) {
    for (const [index, { subject, run }] of cases.entries()) {
      await between()
      const measurement = await run(plan.seconds)
      const found = figuresOf(measurement)
      report(subject, `run ${at + 1} of ${plan.runs}`, found, measurement.firstError)
      figures[index]!.push(found)
    }
  }
  return cases.map(({ subject }, index) => ({ ...subject, ...medianOf(figures[index]!) }))
}
