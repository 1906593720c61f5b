import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Sid } from '../../lib/base/zxid.ts'
import { DiskImage } from './disk-image.ts'
import { SimEnsemble } from './ensemble.ts'
import { type FaultClass, type Knobs, TICK_US } from './knobs.ts'
import { Violation } from './violation.ts'
import { World } from './world.ts'

const DATA_FAULTS: readonly FaultClass[] = [
  'rotLog',
  'rotSnapshot',
  'rotMeta',
  'lostRecord',
  'wipe',
  'crash',
  'crashAll',
  'crashInSync',
]

function ensembleOf(seed: number, knobs: Partial<Knobs>): { world: World; ensemble: SimEnsemble } {
  const world = new World({ seed, profile: 'dense', knobs: { observers: 0, ...knobs } })
  const ensemble = new SimEnsemble(world)
  ensemble.start()
  return { world, ensemble }
}

/** An ensemble of three that serves and has something to lose. */
function settled(): { world: World; ensemble: SimEnsemble } {
  const faults = { faults: [], grainUs: 1, tickJitterUs: [0] }
  const { world, ensemble } = ensembleOf(5, { voters: 3, clients: 2, ...faults })
  world.agenda.runUntil(60 * TICK_US)
  assert.ok(ensemble.check.chronicle.length > 0)
  return { world, ensemble }
}

const [P1, P2, P3] = [1, 2, 3] as [Sid, Sid, Sid]

test('a voter whose data are lost, or may be, is not sound before it is synchronised', () => {
  const { world, ensemble } = settled()
  const { atlas, peer } = ensemble
  const worths = (): string => [P1, P2, P3].map(sid => atlas.worthOf(peer(sid))).join(' ')
  assert.equal(worths(), 'sound sound sound')
  peer(P2).disk.safe.meta!.flaw = 'bad'
  assert.equal(atlas.worthOf(peer(P2)), 'lost', 'its next life would have no vote')
  assert.ok(!atlas.mayHarm(peer(P1)) && !atlas.mayHarm(peer(P3)))
  assert.ok(atlas.mayHarm(peer(P2)), 'there is nothing more to lose')
  peer(P2).crash(false)
  ensemble.net.died(P2, true)
  const known = ensemble.check.chronicle.end
  peer(P2).disk.replace(new DiskImage())
  peer(P2).start()
  let ticks = 0
  while (atlas.worthOf(peer(P2)) !== 'sound' && ticks++ < 400) {
    assert.ok(!atlas.mayHarm(peer(P1)))
    world.agenda.runUntil(world.agenda.now + TICK_US)
  }
  assert.equal(worths(), 'sound sound sound')
  assert.ok(peer(P2).disk.safe.contains(known))
  assert.ok(atlas.mayHarm(peer(P1)))
})

test('a flaw that does no harm yet makes a voter suspect', () => {
  const { world, ensemble } = settled()
  const { atlas, peer } = ensemble
  const { disk } = peer(P3)
  while (disk.safe.heads.length < 2) world.agenda.runUntil(world.agenda.now + TICK_US)
  disk.safe.heads.at(-1)!.flaw = 'bad'
  assert.notEqual(atlas.worthOf(peer(P3)), 'sound')
  disk.safe.heads.at(-1)!.flaw = undefined
  disk.safe.heads[0]!.flaw = 'bad'
  assert.equal(atlas.worthOf(peer(P3)), 'suspect')
})

test('nothing is harmed while the ensemble is being founded', () => {
  const { ensemble } = ensembleOf(1, { voters: 3 })
  assert.ok(ensemble.founding)
  assert.ok(ensemble.peers.every(peer => !ensemble.atlas.mayHarm(peer)))
})

test('whatever strikes, every quorum of what is sound knows all that is committed', () => {
  let harmed = 0
  for (let seed = 1; seed <= 12; seed++) {
    const faultEveryTicks = { low: 1, high: 4 }
    const { world, ensemble } = ensembleOf(seed, { faults: DATA_FAULTS, faultEveryTicks })
    const { atlas, check } = ensemble
    for (let tick = 1; tick <= 100; tick++) {
      world.agenda.runUntil(tick * TICK_US)
      assert.ok(atlas.sound().length >= atlas.quorum, `seed ${seed}, tick ${tick}`)
      assert.ok(atlas.holds(check.chronicle.end), `seed ${seed}, tick ${tick}`)
      if (atlas.sound().length < world.knobs.voters) harmed++
    }
  }
  assert.ok(harmed > 100, 'in many of these moments somebody is not sound')
})

test('without the atlas more would be lost than can be', () => {
  let broken = 0
  for (let seed = 1; seed <= 12 && broken === 0; seed++) {
    const faultEveryTicks = { low: 1, high: 4 }
    const { world, ensemble } = ensembleOf(seed, { faults: DATA_FAULTS, faultEveryTicks })
    const { atlas, check } = ensemble
    atlas.mayHarm = () => true
    try {
      for (let tick = 1; tick <= 100; tick++) {
        world.agenda.runUntil(tick * TICK_US)
        if (!atlas.holds(check.chronicle.end)) broken++
      }
    } catch (error) {
      assert.ok(error instanceof Violation)
      broken++
    }
  }
  assert.ok(broken > 0)
})
