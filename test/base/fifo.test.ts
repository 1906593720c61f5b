/** The queue against an array. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Fifo } from '../../lib/base/fifo.ts'

test('a queue behaves as an array with push and shift', () => {
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.record({ push: fc.integer({ min: 1, max: 1500 }) }) },
    { weight: 8, arbitrary: fc.record({ shift: fc.integer({ min: 1, max: 1500 }) }) },
    { weight: 1, arbitrary: fc.constantFrom('drain' as const, 'clear' as const) },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), steps => {
      const queue = new Fifo<number>()
      let model: number[] = []
      let next = 0
      for (const each of steps) {
        if (each === 'clear') {
          queue.clear()
          model = []
        } else if (each === 'drain') {
          assert.deepEqual(queue.drain(), model)
          model = []
        } else if ('push' in each) {
          for (let at = 0; at < each.push; at++) {
            queue.push(next)
            model.push(next++)
          }
        } else {
          for (let at = 0; at < each.shift; at++) assert.equal(queue.shift(), model.shift())
        }
        assert.equal(queue.length, model.length)
        assert.equal(queue.first, model[0])
      }
      assert.deepEqual([...queue], model)
    }),
    { numRuns: 50 },
  )
})
