/** Histories of a correct ensemble are taken, whatever overlaps; the same with one thing wrong are not. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Prng } from '../support/prng.ts'
import { checkHistory, describeFindings } from './check-history.ts'
import { type Corruption, corruptCall, corruptEvent } from './corrupt.ts'
import { Faultless } from './faultless.ts'
import type { History } from './history.ts'

const options = fc.record({
  sessions: fc.integer({ min: 1, max: 6 }),
  calls: fc.integer({ min: 1, max: 150 }),
  window: fc.constantFrom(1, 3, 8),
  zxids: fc.boolean(),
})

test('what a correct ensemble does is accepted', () => {
  let events = 0
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 31 }), options, (seed, drawn) => {
      const history = new Faultless(new Prng(seed), drawn).run()
      events += history.events.length
      assert.equal(describeFindings(checkHistory(history).findings), '')
    }),
    { numRuns: 120, seed: 2 },
  )
  assert.ok(events > 100, `${events} events`)
})

test('a history survives being written down', () => {
  const history = new Faultless(new Prng(3), {
    sessions: 3,
    calls: 80,
    window: 3,
    zxids: true,
  }).run()
  const read = JSON.parse(JSON.stringify(history)) as History
  assert.deepEqual(checkHistory(read), checkHistory(history))
})

type Corrupt = (history: History, prng: Prng) => Corruption | undefined

/** Spoils one thing in each of many histories; returns how many of them were found, and what was not. */
function spoilMany(corrupt: Corrupt, zxids: boolean): { found: number; missed: string[] } {
  const prng = new Prng(4)
  const missed: string[] = []
  let found = 0
  while (found + missed.length < 120) {
    const history = new Faultless(prng, { sessions: 4, calls: 120, window: 3, zxids }).run()
    for (let tries = 0; tries < 40; tries++) {
      const corruption = corrupt(history, prng)
      if (corruption === undefined) continue
      const { findings } = checkHistory(corruption.history, { budget: 200_000 })
      assert.ok(findings.every(({ promise }) => promise !== 'Undecided'))
      if (findings.length > 0) found++
      else missed.push(corruption.what)
    }
  }
  return { found, missed }
}

/** Some single faults leave a history that a correct ensemble could have made. */
function assertShare(found: number, missed: readonly string[], share: number): void {
  const rate = found / (found + missed.length)
  assert.ok(rate >= share, `${(100 * rate).toFixed(1)} % found; not: ${missed.join(', ')}`)
}

for (const zxids of [true, false]) {
  const view = zxids ? 'with the zxids of replies' : 'as the public API tells it'
  test(`a wrong answer is found, ${view}`, t => {
    const { found, missed } = spoilMany(corruptCall, zxids)
    t.diagnostic(`${found} found, ${missed.length} not`)
    assertShare(found, missed, 0.93)
  })
}

test('a wrong event is found', t => {
  const { found, missed } = spoilMany(corruptEvent, true)
  t.diagnostic(`${found} found, ${missed.length} not`)
  assertShare(found, missed, 0.85)
})
