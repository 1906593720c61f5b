import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimEnsemble } from './ensemble.ts'
import { FAULT_CLASSES, TICK_US } from './knobs.ts'
import type { StruckFault } from './nemesis.ts'
import { World } from './world.ts'

/** What strikes a small ensemble within some ticks. */
function faultsOf(skippedFaults: ReadonlySet<number>): readonly StruckFault[] {
  const faultEveryTicks = { low: 1, high: 5 }
  const knobs = { voters: 3, observers: 0, faults: FAULT_CLASSES, faultEveryTicks }
  const world = new World({ seed: 11, profile: 'dense', knobs, skippedFaults })
  const ensemble = new SimEnsemble(world)
  ensemble.start()
  world.agenda.runUntil(150 * TICK_US)
  return ensemble.nemesis.struck
}

test('a fault that is left out changes neither when the others strike nor what they are', () => {
  const all = new Map(faultsOf(new Set()).map(fault => [fault.ordinal, fault]))
  const skipped = new Set([...all.keys()].filter(ordinal => ordinal % 3 === 0))
  const [first] = skipped
  assert.ok(first !== undefined && skipped.size > 5)
  const fewer = faultsOf(skipped)
  assert.ok(fewer.length > 20)
  for (const { ordinal, fault, atTick, detail } of fewer) {
    assert.ok(!skipped.has(ordinal))
    const same = all.get(ordinal)
    if (same === undefined) continue
    assert.deepEqual([fault, atTick], [same.fault, same.atTick])
    if (ordinal < first) assert.equal(detail, same.detail)
  }
})
