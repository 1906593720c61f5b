/** The parts of the damage test, each with its own report; a part that fails says so and returns false. */

import { join } from 'node:path'
import type { Campaign } from './campaign.ts'
import { SYSTEM_CALLS, type SystemCall } from './failing-system.ts'
import { parseHarm, partKindOf } from './harm.ts'
import { buildShim, failSystemCalls, MANNERS } from './system.ts'
import { tableOf } from './table.ts'

const SHOWN_MAX = 25

export function reportHarms({ cases, failures }: Campaign, seconds: number): boolean {
  const stores = cases.filter(({ whole }) => !whole)
  const ensembles = cases.filter(({ whole }) => whole)
  console.log(tableOf('file', stores, ({ fileKind }) => fileKind))
  console.log(tableOf('place', stores, ({ harm }) => partKindOf(parseHarm(harm).file) ?? 'peer'))
  console.log(tableOf('harm', stores, ({ harmKind }) => harmKind))
  console.log(tableOf('directory', stores, ({ specimen }) => specimen))
  console.log('Whole ensembles with one peer harmed:')
  console.log(tableOf('file', ensembles, ({ fileKind }) => fileKind))
  console.log(`harms     ${cases.length} in ${seconds.toFixed(0)} s`)
  console.log(`failures  ${failures.length}`)
  for (const { specimen, sid, harm, outcome, why } of failures.slice(0, SHOWN_MAX)) {
    console.log(`  ${outcome}: ${specimen}, peer ${sid}: ${harm}\n    ${why}`)
  }
  return failures.length === 0
}

/** Each system call below the store fails in turn, in several manners. */
export async function failCalls(place: string): Promise<boolean> {
  const shim = join(place, 'faults.so')
  const why = await buildShim(shim)
  if (why !== undefined) {
    console.log(`\nsystem calls cannot be made to fail here: ${why}`)
    return false
  }
  console.log('\nSystem calls that failed, each in a run of its own:')
  let ok = true
  const met = new Set<SystemCall>()
  for (const manner of MANNERS) {
    const { mode, append, again, segments } = manner
    const second = again > 0 ? `, another at opening (${again})` : ''
    const title = `${mode}, ${append} appends, ${segments} segments${second}`
    const report = await failSystemCalls(shim, manner)
    if (report.kind === 'done') {
      const each = Object.entries(report.totals).map(([call, count]) => `${call} ${count}`)
      console.log(`${title}: ${report.runs} runs, ${each.join(', ')}`)
      for (const call of SYSTEM_CALLS) if (report.totals[call] > 0) met.add(call)
    } else {
      console.log(`${title}: FAILED at ${report.nth} (${report.calls})\n${report.message}`)
      ok = false
    }
  }
  const missed = SYSTEM_CALLS.filter(call => !met.has(call))
  if (missed.length > 0) console.log(`never failed: ${missed.join(', ')}`)
  return ok && missed.length === 0
}
