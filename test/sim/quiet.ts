/** For tests of the checks: an ensemble to which nothing happens, so that a test can do to it what no fault does. */

import { SimEnsemble } from './ensemble.ts'
import { type Knobs, TICK_US } from './knobs.ts'
import { World } from './world.ts'

export interface Quiet {
  readonly world: World
  readonly ensemble: SimEnsemble
}

/** Three voters and two clients, after so many ticks. */
export function quietEnsemble(ticks: number, knobs: Partial<Knobs> = {}): Quiet {
  const world = new World({
    seed: 1,
    profile: 'dense',
    knobs: {
      voters: 3,
      observers: 0,
      clients: 2,
      faults: [],
      tickPercent: { low: 100, high: 100 },
      tickJitterUs: [0],
      linkUs: { low: 100, high: 3_000 },
      diskUs: { low: 500, high: 10_000 },
      thinkUs: { low: 20_000, high: 300_000 },
      snapshotLogBytes: 1_000,
      ...knobs,
    },
  })
  const ensemble = new SimEnsemble(world)
  ensemble.start()
  world.agenda.runUntil(ticks * TICK_US)
  return { world, ensemble }
}

/** Everybody has everything, and the clients ask no more. */
export function restingEnsemble(): Quiet {
  const quiet = quietEnsemble(60)
  quiet.ensemble.rest()
  quiet.world.agenda.runUntil(quiet.world.agenda.now + 10 * TICK_US)
  return quiet
}
