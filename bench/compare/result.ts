/** All that one run of the comparison has found: what goes into its JSON, and what its claims are judged by. */

import type { Floors } from '../floors/probe.ts'
import type { OwnCost } from '../load/own-cost.ts'
import type { Row } from '../load/row.ts'
import type { Plan } from '../load/series.ts'
import type { Machine } from '../util/machine.ts'
import type { FailOver, RivalFailOver } from './fail-over.ts'
import type { FirstWrite } from './first-write-process.ts'

export interface Findings {
  readonly floors: Floors
  readonly rows: readonly Row[]
  readonly failOver: FailOver | undefined
  readonly firstWrite: FirstWrite | undefined
}

export interface Result extends Findings {
  readonly machine: Machine
  readonly plan: Plan
  readonly ownCost: OwnCost
  readonly rivalFailOver: RivalFailOver | undefined
  /** Systems and parts that were left out, with the reason. */
  readonly skipped: readonly string[]
}

/** The row with this name; undefined when it was not measured. */
export function findRow(
  { rows }: Findings,
  name: string,
  system: string,
  durability = 'power',
): Row | undefined {
  return rows.find(
    row => row.name === name && row.system === system && row.durability === durability,
  )
}
