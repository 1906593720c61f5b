/** A write costs no more wake-ups, frames, writes to the store and copied bytes than it did. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { COUNTS } from './model.ts'
import { readRecord } from './record.ts'
import { countAll } from './scenarios.ts'

const counted = countAll()
const recorded = readRecord()

test('every kind of work has its record', () => {
  assert.deepEqual(Object.keys(recorded), Object.keys(counted))
})

for (const [name, counts] of Object.entries(counted)) {
  test(`a thousand ${name}, cost what they did`, () => {
    for (const what of COUNTS) {
      const advice = 'better or worse, look why it changed; `npm run counts -- --record` takes it'
      assert.equal(counts[what], recorded[name]?.[what], `${what} has changed: ${advice}`)
    }
  })
}

test('counts are the same in every run', () => {
  assert.deepEqual(countAll(), counted)
})
