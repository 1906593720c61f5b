/** What comes out of measuring: the measurement of one run, its figures, and a row, the median of several runs. */

import type { Latencies } from '../util/latencies.ts'

/** What one run of a loop has seen. A call that failed, or whose result is wrong, is an error and no operation. */
export interface Counts {
  readonly operations: number
  readonly errors: number
  /** Of the first call that failed; for people. */
  readonly firstError: string | undefined
  /** From the first call until the last was answered. */
  readonly seconds: number
}

export interface Measurement extends Counts {
  readonly latencies: Latencies
}

export interface Figures {
  readonly opsPerSecond: number
  readonly p50us: number
  readonly p99us: number
  readonly p999us: number
  readonly maxus: number
  readonly errors: number
}

/** What was measured. */
export interface Subject {
  readonly name: string
  readonly system: string
  readonly peers: number
  readonly durability: string
  readonly payloadBytes: number
  /** Sessions, each with a connection of its own. */
  readonly clients: number
  /** Calls under way at once, of all clients together; 0 in an open loop, which does not bound them. */
  readonly inFlight: number
}

export interface Row extends Subject, Figures {}

export function figuresOf(measurement: Measurement): Figures {
  const { operations, seconds, latencies, errors } = measurement
  const us = (percentile: number) => latencies.percentileMs(percentile) * 1000
  return {
    opsPerSecond: operations / seconds,
    p50us: us(50),
    p99us: us(99),
    p999us: us(99.9),
    maxus: latencies.maxMs * 1000,
    errors,
  }
}

/** Of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  if (sorted.length === 0) return Number.NaN
  if (sorted.length % 2 === 1) return sorted[Math.floor(middle)]!
  return (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Each figure is the median of its runs by itself, but nothing bad is lost: errors add up, and the longest is kept. */
export function medianOf(runs: readonly Figures[]): Figures {
  const of = (figure: keyof Figures) => median(runs.map(run => run[figure]))
  return {
    opsPerSecond: of('opsPerSecond'),
    p50us: of('p50us'),
    p99us: of('p99us'),
    p999us: of('p999us'),
    maxus: Math.max(...runs.map(run => run.maxus)),
    errors: runs.reduce((sum, run) => sum + run.errors, 0),
  }
}
