/**
 * One run: a safety phase, in which anything may happen, then everything is made good and a liveness phase, in which the
 * ensemble must find together within a bounded time.
 */

import { setVerifying } from '../../lib/base/assert.ts'
import { Agenda } from './agenda.ts'
import { Counters } from './counters.ts'
import { shortZxid } from './describe.ts'
import { SimEnsemble } from './ensemble.ts'
import { drawKnobs, type Knobs, TICK_US } from './knobs.ts'
import { type MutationName, mutationOf } from './mutations.ts'
import { checkDisk, checkTree } from './end-check.ts'
import { Trace } from './trace.ts'
import { holds, Violation } from './violation.ts'
import type { World } from './world.ts'

/** Longest pause between two notifications of an election, and some rounds of it. */
const LIVENESS_TICKS = 1_000
/** After the ensemble has found together, it stays together for so long. */
const STABLE_TICKS = 15
/** One run in so many makes the costly checks too. */
const VERIFY_EVERY = 16
const WALL_START_MS = 1_700_000_000_000

export interface RunOptions {
  readonly seed: number
  readonly mutation?: MutationName | undefined
  /** Lines of trace to keep. */
  readonly traceLines?: number | undefined
  readonly knobs?: Partial<Knobs> | undefined
}

export interface RunResult {
  readonly seed: number
  readonly violation: Violation | undefined
  readonly traceHash: number
  readonly trace: readonly string[]
  readonly counters: Readonly<Record<string, number>>
}

export function run({ seed, mutation = 'none', traceLines = 0, knobs }: RunOptions): RunResult {
  const agenda = new Agenda()
  const trace = new Trace(traceLines)
  trace.setClock(() => agenda.now)
  const counters = new Counters()
  let skewMs = 0
  const world: World = {
    seed,
    agenda,
    knobs: { ...drawKnobs(seed), ...knobs },
    trace,
    counters,
    mutation: mutationOf(mutation),
    wallMs: () => WALL_START_MS + skewMs + Math.floor(agenda.now / 1000),
  }
  const ensemble = new SimEnsemble(world, byMs => {
    skewMs += byMs
  })
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
  const deadline = agenda.now + (LIVENESS_TICKS + 4 * knobs.initLimitTicks) * TICK_US
  let missing = whatIsMissing(ensemble)
  while (missing !== undefined && agenda.now < deadline) {
    agenda.runUntil(agenda.now + TICK_US)
    missing = whatIsMissing(ensemble)
  }
  holds(missing === undefined, 'Liveness', () => `after ${LIVENESS_TICKS} ticks: ${missing}`)
  world.trace.line('--', 'together again')
  checkStays(world, ensemble)
  const { peers, execution } = ensemble
  const chosen = peers[world.seed % peers.length]!
  checkTree(chosen, execution)
  checkDisk(chosen)
}

/** Why the ensemble has not found together yet. */
function whatIsMissing(ensemble: SimEnsemble): string | undefined {
  const { zxid } = ensemble.check.chronicle.end
  for (const { sid, serving, zab, tree, disk, trustedNow } of ensemble.peers) {
    if (!serving || zab === undefined || tree === undefined) {
      return `P${sid} serves nobody (${zab?.lastReason})`
    }
    const { last, committed } = zab.history
    if (last.zxid !== zxid || committed !== zxid || tree.zxid !== zxid) {
      return `P${sid} is at ${shortZxid(tree.zxid)} of ${shortZxid(zxid)}`
    }
    if (disk.safe.last.zxid !== zxid) return `P${sid} has not everything on disk`
    if (!trustedNow) return `P${sid} is not trusted`
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
