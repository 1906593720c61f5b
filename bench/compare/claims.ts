/** What we hold ourselves to, each with the figures of one run that decide it. Pure. */

import type { Row } from '../load/row.ts'
import {
  BLOCKING_SET,
  LMDB,
  LOCAL_GETS,
  OURS,
  PACED_SETS,
  PIPELINED_CREATES,
  PIPELINED_SETS,
  PROMISED_SET,
  ZOOKEEPER,
} from './names.ts'
import { type Findings, findRow } from './result.ts'

export type Unit = '×' | '' | 'ms' | 'µs'
export type Verdict = 'goal' | 'must' | 'MISSED' | 'ERRORS' | 'not measured'

export interface Claim {
  readonly what: string
  readonly better: 'more' | 'less'
  readonly unit: Unit
  readonly must: number
  readonly goal: number
  /** NaN when something that decides it was not measured. */
  readonly reached: number
  /** Calls that failed while it was measured: then it is not reached, whatever the figure. */
  readonly errors: number
}

export function verdictOf({ better, must, goal, reached, errors }: Claim): Verdict {
  if (Number.isNaN(reached)) return 'not measured'
  if (errors > 0) return 'ERRORS'
  const reaches = (bound: number) => (better === 'more' ? reached >= bound : reached <= bound)
  if (reaches(goal)) return 'goal'
  return reaches(must) ? 'must' : 'MISSED'
}

type Terms = Pick<Claim, 'better' | 'unit' | 'must' | 'goal'>

function atLeast(must: number, goal: number, unit: Unit): Terms {
  return { better: 'more', unit, must, goal }
}

function atMost(must: number, goal: number, unit: Unit): Terms {
  return { better: 'less', unit, must, goal }
}

/** A claim about rows; `reach` is asked only when all of them are there. */
function claim(
  what: string,
  terms: Terms,
  rows: readonly (Row | undefined)[],
  reach: (...rows: Row[]) => number,
): Claim {
  const found = rows.filter(row => row !== undefined)
  const errors = found.reduce((sum, row) => sum + row.errors, 0)
  const reached = found.length === rows.length ? reach(...found) : Number.NaN
  return { what, ...terms, reached, errors }
}

function rateRatio(ours: Row | undefined, theirs: Row | undefined): number {
  return ours === undefined || theirs === undefined
    ? Number.NaN
    : ours.opsPerSecond / theirs.opsPerSecond
}

function writeClaims(findings: Findings): Claim[] {
  const { floors } = findings
  const sets = findRow(findings, PIPELINED_SETS, OURS)
  const theirSets = findRow(findings, PIPELINED_SETS, ZOOKEEPER)
  const creates = findRow(findings, PIPELINED_CREATES, OURS)
  const theirCreates = findRow(findings, PIPELINED_CREATES, ZOOKEEPER)
  const paced = findRow(findings, PACED_SETS, OURS)
  return [
    claim('pipelined sets vs ZooKeeper', atLeast(10, 20, '×'), [sets, theirSets], rateRatio),
    claim(
      'share of what the log alone takes',
      atLeast(0.25, 0.5, ''),
      [sets],
      row => row!.opsPerSecond / floors.logOnlyPerSecond,
    ),
    claim(
      'pipelined creates of 1 KiB vs ZooKeeper',
      atLeast(8, 16, '×'),
      [creates, theirCreates],
      rateRatio,
    ),
    claim(
      'paced at half the peak: p99 / p50',
      atMost(5, 3, '×'),
      [paced],
      row => row!.p99us / row!.p50us,
    ),
  ]
}

function singleClaims(findings: Findings): Claim[] {
  const { floors } = findings
  const blocking = findRow(findings, BLOCKING_SET, OURS)
  const promised = findRow(findings, PROMISED_SET, OURS)
  const theirs = findRow(findings, BLOCKING_SET, ZOOKEEPER)
  const process = findRow(findings, BLOCKING_SET, OURS, 'process')
  return [
    claim(
      'one set, p50 vs the floor',
      atMost(1.4, 1.15, '×'),
      [blocking],
      row => row!.p50us / floors.writeP50us,
    ),
    claim(
      'one set, p50 vs ZooKeeper',
      atMost(0.9, 0.6, '×'),
      [blocking, theirs],
      (ours, other) => ours!.p50us / other!.p50us,
    ),
    claim(
      'blocking face vs promises, p50',
      atMost(1.1, 1, '×'),
      [blocking, promised],
      (one, other) => one!.p50us / other!.p50us,
    ),
    claim('one set, durability process, p50', atMost(220, 150, 'µs'), [process], row => row!.p50us),
  ]
}

/** In the order in which they are told. */
export function claimsOf(findings: Findings): Claim[] {
  const { failOver, firstWrite } = findings
  const gets = findRow(findings, LOCAL_GETS, OURS)
  const lmdb = findRow(findings, LOCAL_GETS, LMDB)
  return [
    ...writeClaims(findings),
    ...singleClaims(findings),
    claim('local get vs lmdb getBinary', atLeast(2, 4, '×'), [gets, lmdb], rateRatio),
    {
      what: 'leader killed under load, next write, p99',
      ...atMost(150, 40, 'ms'),
      reached: failOver?.p99ms ?? Number.NaN,
      errors: failOver?.errors ?? 0,
    },
    {
      what: 'first write of a new ensemble',
      ...atMost(500, 250, 'ms'),
      reached: firstWrite?.writtenMs ?? Number.NaN,
      errors: 0,
    },
  ]
}
