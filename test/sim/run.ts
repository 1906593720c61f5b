/**
 * One run: a safety phase, in which anything may happen; then everything, or a core, is made good, and in a liveness
 * phase it must find together within a bounded time.
 */

import { setVerifying } from '../../lib/base/assert.ts'
import { checkAtRest } from './end-check.ts'
import { SimEnsemble } from './ensemble.ts'
import { checkClients, isRecorded } from './history-check.ts'
import { type Knobs, TICK_US } from './knobs.ts'
import { findTogether, stayTogether } from './liveness.ts'
import type { StruckFault } from './nemesis.ts'
import { Violation } from './violation.ts'
import { World, type WorldOptions } from './world.ts'

/** One run in so many makes the costly checks of the code itself too. */
const VERIFY_EVERY = 16

export interface RunResult {
  readonly seed: number
  readonly violation: Violation | undefined
  readonly traceHash: number
  readonly trace: readonly string[]
  readonly counters: Readonly<Record<string, number>>
  readonly knobs: Knobs
  /** What was done to it. */
  readonly faults: readonly StruckFault[]
  /** The tick it ended with. */
  readonly endTick: number
}

export function run(options: WorldOptions): RunResult {
  const world = new World(options)
  const { seed, agenda, trace, counters, knobs } = world
  const ensemble = new SimEnsemble(world)
  let violation: Violation | undefined
  setVerifying(seed % VERIFY_EVERY === 0)
  try {
    live(world, ensemble)
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    violation = error
    trace.fails(error)
  } finally {
    setVerifying(false)
  }
  ensemble.check.count(counters)
  const endTick = Math.ceil(agenda.now / TICK_US)
  counters.add('ticks', endTick)
  counters.add('events', agenda.done)
  return {
    seed,
    violation,
    traceHash: trace.hash,
    trace: trace.lines,
    counters: counters.toRecord(),
    knobs,
    faults: ensemble.nemesis.struck,
    endTick,
  }
}

function live(world: World, ensemble: SimEnsemble): void {
  const { agenda, knobs, trace } = world
  trace.begins(world.seed, knobs)
  ensemble.start()
  agenda.runUntil(knobs.safetyTicks * TICK_US)
  trace.line('--', 'the time for faults is over')
  ensemble.relieve()
  ensemble.rest()
  findTogether(world, ensemble)
  trace.line('--', 'together again')
  stayTogether(world, ensemble)
  for (const peer of ensemble.core) {
    // The others have a flaw on their disk that nothing has brought to light.
    if (ensemble.atlas.worthOf(peer) !== 'sound') continue
    checkAtRest(peer, ensemble.check.chronicle, ensemble.execution)
  }
  if (isRecorded(world.seed)) checkClients(ensemble.histories(), world.counters)
}
