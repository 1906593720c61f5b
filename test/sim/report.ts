/** What a person at the terminal is told. */

import type { BatchResult } from './batch.ts'
import type { OnProgress } from './jobs.ts'
import { commandOf, type Recipe } from './recipe.ts'
import type { RunResult } from './run.ts'
import { showShares } from './where.ts'

/** A campaign that goes on for longer says how far it is, and again each time. */
const PROGRESS_MS = 10_000

export function showCounters(counters: Readonly<Record<string, number>>): void {
  for (const [what, count] of Object.entries(counters)) {
    console.log(`${String(count).padStart(12)} ${what}`)
  }
}

export function progressLine(begun: number): OnProgress {
  let next = begun + PROGRESS_MS
  return ({ runs, count }) => {
    const now = performance.now()
    if (now < next || runs === count) return
    next = now + PROGRESS_MS
    const rate = (runs / (now - begun)) * 1000
    const left = Math.ceil((count - runs) / rate)
    console.error(`${runs} of ${count} seeds, ${rate.toFixed(1)} seeds/s, about ${left} s to go`)
  }
}

export function showCampaign({ runs, counters, where }: BatchResult, seconds: number): void {
  if (Object.keys(where).length > 0) {
    console.log('where the time goes:')
    for (const line of showShares(where)) console.log(line)
  }
  const ticks = counters.ticks ?? 0
  const events = counters.events ?? 0
  const rates = [
    `${(runs / seconds).toFixed(1)} seeds/s`,
    `${Math.round(ticks / seconds)} ticks/s`,
    `${Math.round(events / seconds)} events/s`,
    `${seconds.toFixed(1)} s`,
  ]
  console.log(`${runs} seeds, ${rates.join(', ')}`)
}

/** One run: the end of its trace, what was done to it, and how it ended. */
export function showRun(recipe: Recipe, result: RunResult): void {
  const { trace, faults, violation, traceHash } = result
  if (trace.length > 0) console.log(trace.join('\n'))
  console.log(`${commandOf(recipe)}, trace ${traceHash.toString(16)}`)
  for (const { ordinal, fault, atTick, detail } of faults) {
    console.log(`${String(atTick).padStart(12)} fault ${ordinal}: ${fault} ${detail}`)
  }
  if (violation === undefined) return
  console.log(violation.stack)
  if (violation.cause instanceof Error) console.log(`because of ${violation.cause.stack}`)
}
