/** Counts of outcomes as a table for people. */

import type { Case } from './campaign.ts'
import { FAILURES, OUTCOMES, type Outcome } from './judge.ts'

const WIDTH = 11

export function tableOf(
  title: string,
  cases: readonly Case[],
  rowOf: (one: Case) => string,
): string {
  const all: readonly Outcome[] = [...OUTCOMES, ...FAILURES]
  const columns = all.filter(outcome => cases.some(one => one.outcome === outcome))
  const rows = new Map<string, Map<Outcome, number>>()
  for (const one of cases) {
    for (const name of [rowOf(one), 'all']) {
      const row = rows.get(name) ?? new Map<Outcome, number>()
      row.set(one.outcome, (row.get(one.outcome) ?? 0) + 1)
      rows.set(name, row)
    }
  }
  const line = (name: string, cells: readonly (string | number)[]): string =>
    name.padEnd(WIDTH) + cells.map(cell => String(cell).padStart(WIDTH)).join('')
  const names = [...rows.keys()].filter(name => name !== 'all').sort()
  return [
    line(title, columns),
    ...[...names, 'all'].map(name =>
      line(
        name,
        columns.map(column => rows.get(name)?.get(column) ?? 0),
      ),
    ),
    '',
  ].join('\n')
}
