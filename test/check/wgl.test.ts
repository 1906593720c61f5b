/** The search by itself, on a register: against known histories, and against trying all orders. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { findOrder, type Lane, type Model, type Step } from './wgl.ts'

type Act = { readonly write: number } | { readonly read: number }

const REGISTER: Model<Act, number> = {
  initial: 0,
  step: (state, act) => {
    if ('write' in act) return act.write
    return act.read === state ? state : undefined
  },
  isInert: act => 'read' in act,
  keyOf: String,
}

function step(op: Act, start: number, end: number, more: Partial<Step<Act>> = {}): Step<Act> {
  return { op, start, end, required: true, hint: end, after: 0, ...more }
}

function outcomeOf(...lanes: Step<Act>[][]): string {
  return findOrder(
    lanes.map(steps => ({ steps })),
    REGISTER,
    100_000,
  ).kind
}

describe('the search for an order', () => {
  test('takes overlapping operations in the order that fits', () => {
    assert.equal(outcomeOf([step({ write: 1 }, 0, 10)], [step({ read: 0 }, 1, 2)]), 'ok')
    assert.equal(outcomeOf([step({ write: 1 }, 0, 10)], [step({ read: 1 }, 1, 2)]), 'ok')
  })

  test('refuses a read of what was overwritten before', () => {
    const writes = [step({ write: 1 }, 0, 1), step({ write: 2 }, 2, 3)]
    assert.equal(outcomeOf(writes, [step({ read: 1 }, 4, 5)]), 'illegal')
    assert.equal(outcomeOf(writes, [step({ read: 2 }, 4, 5)]), 'ok')
  })

  test('refuses two readers who see two writes in different orders', () => {
    const writers = [[step({ write: 1 }, 0, 100)], [step({ write: 2 }, 0, 100)]]
    const one = [step({ read: 1 }, 10, 11), step({ read: 2 }, 12, 13)]
    const other = [step({ read: 2 }, 10, 11), step({ read: 1 }, 12, 13)]
    assert.equal(outcomeOf(...writers, one, other), 'illegal')
    assert.equal(outcomeOf(...writers, one, one), 'ok')
  })

  test('lets what was not answered happen late, or never', () => {
    const maybe = [step({ write: 1 }, 0, Number.POSITIVE_INFINITY, { required: false })]
    assert.equal(outcomeOf(maybe, [step({ read: 0 }, 5, 6), step({ read: 1 }, 7, 8)]), 'ok')
    assert.equal(outcomeOf(maybe, [step({ read: 0 }, 5, 6)]), 'ok')
    const gone = [step({ read: 1 }, 5, 6), step({ read: 0 }, 7, 8)]
    assert.equal(outcomeOf(maybe, gone), 'illegal')
  })

  test('keeps the order of a lane although times would allow another', () => {
    const lane = [step({ write: 1 }, 0, 10), step({ write: 2 }, 0, 10)]
    const reader = [step({ read: 2 }, 1, 2), step({ read: 1 }, 3, 4)]
    assert.equal(outcomeOf(lane, reader), 'illegal')
    assert.equal(outcomeOf([lane[0]!], [lane[1]!], reader), 'ok')
  })

  test('holds a lane back until its gate has passed', () => {
    const writes: Lane<Act> = { steps: [step({ write: 1 }, 0, 10)] }
    const early: Lane<Act> = { steps: [step({ read: 0 }, 0, 10)], gate: 0 }
    const late: Lane<Act> = { steps: [step({ read: 0 }, 0, 10, { after: 1 })], gate: 0 }
    assert.equal(findOrder([writes, early], REGISTER, 100).kind, 'ok')
    assert.equal(findOrder([writes, late], REGISTER, 100).kind, 'illegal')
  })

  test('says that it gave up', () => {
    const writers = Array.from({ length: 12 }, (_, at) => [step({ write: at + 1 }, 0, 100)])
    const impossible = [step({ read: 99 }, 50, 51)]
    assert.equal(
      findOrder(
        [...writers, impossible].map(steps => ({ steps })),
        REGISTER,
        1_000,
      ).kind,
      'undecided',
    )
  })
})

/** Tries all orders: the definition itself. */
function bruteForce(lanes: readonly Step<Act>[][], state: number): boolean {
  const heads = lanes.map(lane => lane[0])
  const rest = lanes.flat()
  if (rest.every(({ required }) => !required)) return true
  return heads.some((head, at) => {
    if (head === undefined) return false
    const without = lanes.map((lane, other) => (other === at ? lane.slice(1) : lane))
    if (!head.required && bruteForce(without, state)) return true
    if (rest.some(({ required, end }) => required && end < head.start)) return false
    const next = REGISTER.step(state, head.op, head.required)
    return next !== undefined && bruteForce(without, next)
  })
}

const acts = fc.oneof(
  fc.record({ write: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ read: fc.integer({ min: 0, max: 3 }) }),
)
const laneOfThree = fc
  .array(fc.tuple(acts, fc.integer({ min: 0, max: 5 }), fc.boolean()), { maxLength: 3 })
  .map(items => {
    let time = 0
    return items.map(([op, length, required]) => {
      const start = time
      time += length
      const surely = required || 'read' in op
      return step(op, start, surely ? time : Number.POSITIVE_INFINITY, { required: surely })
    })
  })

test('comes to the same end as trying all orders', () => {
  let legal = 0
  let illegal = 0
  fc.assert(
    fc.property(fc.array(laneOfThree, { minLength: 1, maxLength: 3 }), lanes => {
      const expected = bruteForce(lanes, 0)
      if (expected) legal++
      else illegal++
      assert.equal(outcomeOf(...lanes), expected ? 'ok' : 'illegal')
    }),
    { numRuns: 2_000, seed: 1 },
  )
  assert.ok(legal > 100 && illegal > 100, `${legal} legal, ${illegal} illegal`)
})
