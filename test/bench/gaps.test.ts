/** Which gap belongs to which kill, and how much of it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gapsAfter } from '../../bench/load/gaps.ts'

test('each kill has the longest gap before the next one, from the kill on', () => {
  const gaps = [
    { from: 50, to: 90 },
    // Begins before the kill: the last answer came from the leader that dies.
    { from: 95, to: 130 },
    { from: 140, to: 150 },
    { from: 205, to: 260 },
  ]
  const found = gapsAfter([100, 200], gaps)
  assert.equal(found.count, 2)
  assert.equal(Math.round(found.percentileMs(50)), 30)
  assert.equal(Math.round(found.maxMs), 55)
})

test('a kill that nobody noticed counts, as no time', () => {
  const found = gapsAfter([100, 200], [{ from: 210, to: 220 }])
  assert.equal(found.count, 2)
  assert.ok(found.percentileMs(50) < 0.001)
})
