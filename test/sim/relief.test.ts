import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimEnsemble } from './ensemble.ts'
import { TICK_US } from './knobs.ts'
import { findTogether } from './liveness.ts'
import { World } from './world.ts'

const SEEDS = Array.from({ length: 25 }, (_, at) => at + 1)

/** A world at the end of its safety phase. */
function tired(seed: number, coreOnly: number): { world: World; ensemble: SimEnsemble } {
  const knobs = { voters: 5, coreOnly }
  const world = new World({ seed, profile: 'dense', knobs })
  const ensemble = new SimEnsemble(world)
  ensemble.start()
  world.agenda.runUntil(world.knobs.safetyTicks * TICK_US)
  ensemble.relieve()
  return { world, ensemble }
}

test('a core has a quorum of voters that are sound, and the others stay as they are', () => {
  const sizes = new Set<number>()
  const fates = new Set<string>()
  for (const seed of SEEDS) {
    const { world, ensemble } = tired(seed, 1)
    const { atlas, core, peers } = ensemble
    sizes.add(core.length)
    for (const fate of Object.keys(world.counters.toRecord())) {
      if (fate.startsWith('for good')) fates.add(fate)
    }
    const down = peers.filter(peer => !core.includes(peer) && !peer.up)
    world.agenda.runUntil(world.agenda.now + 100 * TICK_US)
    assert.ok(core.every(({ alive }) => alive))
    assert.ok(
      down.every(({ up }) => !up),
      'nobody starts again who stays down',
    )
    assert.ok(core.filter(peer => atlas.worthOf(peer) === 'sound').length >= atlas.quorum)
  }
  assert.ok(sizes.size > 1)
  assert.equal(fates.size, 4, 'all fates befall somebody')
})

test('with no core in particular everybody is healed', () => {
  const { ensemble, world } = tired(3, 0)
  assert.deepEqual(ensemble.core, ensemble.peers)
  ensemble.rest()
  findTogether(world, ensemble)
  assert.ok(ensemble.peers.every(({ serving, trusted }) => serving && trusted))
})

test('a core that is less than a quorum is found wanting', () => {
  const { ensemble, world } = tired(4, 1)
  const [survivor, ...others] = ensemble.core
  for (const peer of ensemble.peers) if (peer !== survivor && peer.up) peer.crash(false)
  assert.ok(others.length > 0)
  ensemble.core = [survivor!]
  ensemble.rest()
  assert.throws(() => findTogether(world, ensemble), /LeaderInTime/)
})
