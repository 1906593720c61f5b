/**
 * One run: a safety phase, in which anything may happen; then everything is made good, and in a liveness phase the
 * ensemble must find together within a bounded time.
 */

import { setVerifying } from '../../lib/base/assert.ts'
import { shortZxid } from './describe.ts'
import { checkDisk, checkTree } from './end-check.ts'
import { SimEnsemble } from './ensemble.ts'
import { TICK_US } from './knobs.ts'
import { holds, Violation } from './violation.ts'
import { World, type WorldOptions } from './world.ts'

/** The longest session timeout, with which a dead client's session ends, and time for elections besides. */
const LIVENESS_TICKS = 200
/** After the ensemble has found together, it stays together for so long. */
const STABLE_TICKS = 15
/** One run in so many makes the costly checks too. */
const VERIFY_EVERY = 16

export interface RunResult {
  readonly seed: number
  readonly violation: Violation | undefined
  readonly traceHash: number
  readonly trace: readonly string[]
  readonly counters: Readonly<Record<string, number>>
}

export function run(options: WorldOptions): RunResult {
  const world = new World(options)
  const { seed, agenda, trace, counters } = world
  const ensemble = new SimEnsemble(world)
  let violation: Violation | undefined
  setVerifying(seed % VERIFY_EVERY === 0)
  try {
    live(world, ensemble)
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    violation = error
    trace.line('!!', error.message)
  } finally {
    setVerifying(false)
  }
  counters.add('reigns', ensemble.check.chronicle.reigns)
  counters.add('groups committed', ensemble.check.chronicle.length)
  counters.add('ticks', Math.round(agenda.now / TICK_US))
  counters.add('events', agenda.done)
  return {
    seed,
    violation,
    traceHash: trace.hash,
    trace: trace.lines,
    counters: counters.toRecord(),
  }
}

function live(world: World, ensemble: SimEnsemble): void {
  const { agenda, knobs } = world
  world.trace.line('--', JSON.stringify(knobs))
  ensemble.start()
  agenda.runUntil(knobs.safetyTicks * TICK_US)
  world.trace.line('--', 'everything is made good')
  ensemble.nemesis.relent()
  ensemble.rest()
  const begun = agenda.now
  const deadline = begun + (LIVENESS_TICKS + 3 * knobs.initLimitTicks) * TICK_US
  let missing: string | undefined
  do {
    // A tick at least: what was made good must have been noticed.
    agenda.runUntil(agenda.now + TICK_US)
    missing = whatIsMissing(ensemble)
  } while (missing !== undefined && agenda.now < deadline)
  holds(missing === undefined, 'Liveness', () => `in spite of all being well, ${missing}`)
  world.trace.line('--', 'together again')
  world.counters.add('ticks to find together', Math.round((agenda.now - begun) / TICK_US))
  checkStays(world, ensemble)
  const { peers, execution } = ensemble
  const chosen = peers[world.seed % peers.length]!
  checkTree(chosen, execution)
  checkDisk(chosen)
}

/** Why the ensemble has not found together yet. */
function whatIsMissing(ensemble: SimEnsemble): string | undefined {
  const { zxid } = ensemble.check.chronicle.end
  for (const { sid, serving, zab, tree, disk, trusted } of ensemble.peers) {
    if (!serving || zab === undefined || tree === undefined) {
      return `P${sid} serves nobody (${zab?.lastReason})`
    }
    const { last, committed } = zab.history
    if (last.zxid !== zxid || committed !== zxid || tree.zxid !== zxid) {
      return `P${sid} is at ${shortZxid(tree.zxid)} of ${shortZxid(zxid)}`
    }
    if (disk.safe.last.zxid !== zxid) return `P${sid} has not everything on disk`
    if (!trusted) return `P${sid} is not trusted`
  }
  for (const { name, core, served } of ensemble.clients()) {
    if (!served || core.pending > 0) return `${name} has ${core.pending} calls pending`
  }
  const open = [...ensemble.execution.sessions.values()].filter(session => session.open)
  const alive = new Set(ensemble.clients().map(({ core }) => core.sessionId))
  const orphan = open.find(({ id }) => !alive.has(id))
  return orphan === undefined ? undefined : `session ${orphan.id}, whose client is gone, is open`
}

/** With nothing wrong, nobody gives up a leader and no session expires. */
function checkStays({ agenda, counters }: World, { check }: SimEnsemble): void {
  const { chronicle } = check
  const { reigns } = chronicle
  const expired = counters.get('sessions expired')
  agenda.runUntil(agenda.now + STABLE_TICKS * TICK_US)
  holds(chronicle.reigns === reigns, 'Liveness', () => 'a leader was given up without cause')
  holds(counters.get('sessions expired') === expired, 'SessionLife', () => {
    return 'a session expired without cause'
  })
}
