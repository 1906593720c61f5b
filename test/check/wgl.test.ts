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
function bruteForce<Op, State>(
  model: Model<Op, State>,
  lanes: readonly Step<Op>[][],
  state: State = model.initial,
): boolean {
  const heads = lanes.map(lane => lane[0])
  const rest = lanes.flat()
  if (rest.every(({ required }) => !required)) return true
  return heads.some((head, at) => {
    if (head === undefined) return false
    const without = lanes.map((lane, other) => (other === at ? lane.slice(1) : lane))
    if (!head.required && bruteForce(model, without, state)) return true
    if (rest.some(({ required, end }) => required && end < head.start)) return false
    const next = model.step(state, head.op, head.required)
    return next !== undefined && bruteForce(model, without, next)
  })
}

/** Two registers, one of which can be copied into the other: steps that have something in common, or nothing. */
type PairAct = { readonly at: 'x' | 'y' } & Act
type Copy = { readonly copy: true }

const PAIR: Model<PairAct | Copy, string> = {
  initial: '00',
  step: (state, act) => {
    if ('copy' in act) return `${state[0]}${state[0]}`
    const [x, y] = state
    if ('read' in act) return (act.at === 'x' ? x : y) === String(act.read) ? state : undefined
    return act.at === 'x' ? `${act.write}${y}` : `${x}${act.write}`
  },
  isInert: act => 'read' in act,
  keyOf: state => state,
}

function touchesOf(act: PairAct | Copy): readonly string[] {
  return 'copy' in act ? ['x', 'y'] : [act.at]
}

const acts = fc.oneof(
  fc.record({ write: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ read: fc.integer({ min: 0, max: 3 }) }),
)
const pairActs = fc.oneof(
  fc.record({ at: fc.constantFrom('x', 'y'), write: fc.integer({ min: 1, max: 2 }) }),
  fc.record({ at: fc.constantFrom('x', 'y'), read: fc.integer({ min: 0, max: 2 }) }),
  fc.constant({ copy: true } as const),
)

function laneOf<Op extends object>(
  ops: fc.Arbitrary<Op>,
  touches?: (op: Op) => readonly string[],
): fc.Arbitrary<Step<Op>[]> {
  const item = fc.tuple(ops, fc.integer({ min: 0, max: 5 }), fc.boolean())
  return fc.array(item, { maxLength: 3 }).map(items => {
    let time = 0
    return items.map(([op, length, answered]) => {
      const start = time
      time += length
      const required = answered || 'read' in op
      const end = required ? time : Number.POSITIVE_INFINITY
      return { op, start, end, required, hint: end, after: 0, touches: touches?.(op) }
    })
  })
}

function comparesWithAllOrders<Op extends object, State>(
  model: Model<Op, State>,
  lane: fc.Arbitrary<Step<Op>[]>,
  numRuns: number,
): void {
  let legal = 0
  let illegal = 0
  const lanes = fc.array(lane, { minLength: 1, maxLength: 3 })
  const property = fc.property(lanes, tried => {
    const expected = bruteForce(model, tried)
    if (expected) legal++
    else illegal++
    const outcome = findOrder(
      tried.map(steps => ({ steps })),
      model,
      100_000,
    )
    assert.equal(outcome.kind, expected ? 'ok' : 'illegal')
  })
  fc.assert(property, { numRuns, seed: 1 })
  assert.ok(legal > 100 && illegal > 100, `${legal} legal, ${illegal} illegal`)
}

test('comes to the same end as trying all orders', () => {
  comparesWithAllOrders(REGISTER, laneOf(acts), 2_000)
})

test('comes to the same end where steps that have nothing in common are left in one order', () => {
  comparesWithAllOrders(PAIR, laneOf(pairActs, touchesOf), 5_000)
})
