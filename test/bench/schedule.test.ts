/** The open loop's schedule: what is due when, whatever the loop has got done. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Schedule } from '../../bench/load/schedule.ts'

test('operations are due at an even rate, the first at once', () => {
  const schedule = new Schedule(1000, 2000, 0.01)
  assert.equal(schedule.length, 20)
  assert.deepEqual(
    [0, 1, 2, 19].map(at => schedule.dueAt(at)),
    [1000, 1000.5, 1001, 1009.5],
  )
  assert.deepEqual(
    [999, 1000, 1000.4, 1000.5, 1009.4, 5000].map(now => schedule.due(now)),
    [0, 1, 1, 2, 19, 20],
  )
})

test('what is due has a due time that is past, and the next one has not', () => {
  const rates = fc.integer({ min: 1, max: 100_000 })
  const times = fc.double({ min: 0, max: 20_000, noNaN: true })
  fc.assert(
    fc.property(rates, times, (opsPerSecond, now) => {
      const schedule = new Schedule(0, opsPerSecond, 10)
      const due = schedule.due(now)
      const tolerance = 1e-6
      if (due > 0) assert.ok(schedule.dueAt(due - 1) <= now + tolerance)
      if (due < schedule.length) assert.ok(schedule.dueAt(due) > now - tolerance)
    }),
  )
})
