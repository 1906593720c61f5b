/**
 * Runs the script again and again with the shim preloaded, each time with the next system call failing. Arguments: the
 * directory, the shim's control file, `once` or `forever`, `torn` or `whole`, the number of a second call to fail, and
 * `one` or `many` segments.
 */

import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { openStore } from '../../lib/storage/open.ts'
import { SID } from '../storage/support.ts'
import { FailingSystem, SYSTEM_CALLS } from './failing-system.ts'
import { runTrial } from './trial.ts'

/** A call may not come at all in a run where another thread was faster: only several such runs are the end. */
const IDLE_RUNS = 3

const [root, control, mode, torn, again, segments] = process.argv.slice(2)
const injector = new FailingSystem(control!, torn === 'torn')
const options = {
  ...({ sid: SID, durability: 'power', snapshotsKept: 2 } as const),
  ...(segments === 'many' && { segmentBytes: 0 }),
}
const totals: Record<string, number> = {}
let runs = 0
let idle = 0
for (let nth = 1; idle < IDLE_RUNS; nth++) {
  const dataDir = join(root!, `run-${nth}`)
  mkdirSync(dataDir)
  const open = () => openStore({ ...options, dataDir })
  const counts = { ...injector.counts }
  try {
    const trial = { injector, open, nth, forever: mode === 'forever', again: Number(again) }
    const failed = await runTrial(trial, () => Object.assign(counts, injector.counts))
    idle = failed ? 0 : idle + 1
    runs++
  } catch (error) {
    const last = injector.counts
    const failed = SYSTEM_CALLS.filter(call => counts[call] + last[call] > 0).join()
    process.send!({ kind: 'failed', nth, calls: failed, message: String((error as Error).stack) })
    process.exit(1)
  }
  for (const call of SYSTEM_CALLS) totals[call] = (totals[call] ?? 0) + counts[call]
  rmSync(dataDir, { recursive: true, force: true })
}
injector.close()
process.send!({ kind: 'done', runs, totals }, () => process.disconnect())
