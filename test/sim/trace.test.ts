import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeEvent } from './describe.ts'
import type { MutationName } from './mutations.ts'
import { optionsOf } from './recipe.ts'
import { type RunResult, run } from './run.ts'
import { TraceCheck, type TracePredicate } from './trace-check.ts'
import { type TraceEvent, toJson } from './trace-event.ts'

interface Traced {
  readonly result: RunResult
  readonly events: readonly TraceEvent[]
  readonly check: TraceCheck
}

function traced(seed: number, mutation: MutationName = 'none'): Traced {
  const events: TraceEvent[] = []
  const check = new TraceCheck()
  const onEvent = (event: TraceEvent): void => {
    events.push(event)
    check.line(toJson(event))
  }
  const options = optionsOf({ seed, mutation, profile: 'dense' })
  return { result: run({ ...options, onEvent }), events, check }
}

function predicatesOf(check: TraceCheck): Set<TracePredicate> {
  return new Set(check.findings.map(({ predicate }) => predicate))
}

test('a trace is enough to check the predicates, and changes nothing of the run', () => {
  const { result, check } = traced(7)
  assert.deepEqual(check.findings, [])
  assert.equal(result.traceHash, run({ seed: 7, profile: 'dense' }).traceHash)
  assert.equal(check.reigns, result.counters.reigns)
  assert.ok(check.groups >= (result.counters['groups committed'] ?? 0))
  assert.ok(check.groups > 0)
})

test('every event is one line of JSON, and at least one line to read', () => {
  const { events } = traced(7)
  const kinds = new Set(events.map(({ kind }) => kind))
  assert.deepEqual([...kinds].sort(), [
    'input',
    'note',
    'observer',
    'receive',
    'request',
    'run',
    'start',
    'turn',
  ])
  for (const event of events) {
    const json = toJson(event)
    assert.ok(!json.includes('\n'))
    const { at, actor, kind } = JSON.parse(json)
    assert.deepEqual([at, actor, kind], [event.at, event.actor, event.kind])
    assert.ok(describeEvent(event).length > 0)
  }
})

test('the trace of a run with a bug shows it without the simulator', () => {
  const { check } = firstWithFindings('quorumOfOne')
  const predicates = predicatesOf(check)
  assert.ok(predicates.size > 0)
})

/** What the simulator stops at need not be a predicate of Zab: the first run whose trace shows one. */
function firstWithFindings(mutation: MutationName): Traced {
  for (let seed = 1; seed <= 100; seed++) {
    const found = traced(seed, mutation)
    if (found.check.findings.length > 0) return found
  }
  throw new Error(`no trace of ${mutation} shows a predicate that fails`)
}

const TURN = { at: 1, kind: 'turn', life: 1 } as const

function chainAt(epoch: number, counter: number, chain = 1): object {
  return { first: [epoch, counter], last: [epoch, counter], chain }
}

/** A turn in which a peer leads `epoch`, which it began after `start`. */
function leads(
  actor: string,
  epoch: number,
  start: readonly number[],
  ...proposed: object[]
): object {
  const established = { zxid: start, chain: 1 }
  const view = { epoch, role: 'leading', serving: true }
  return { ...TURN, actor, view, established, proposed }
}

function delivers(actor: string, ...delivered: object[]): object {
  return { ...TURN, actor, view: { epoch: 1, role: 'following', serving: true }, delivered }
}

const [A1, A2, B1] = [chainAt(1, 1), chainAt(1, 2), chainAt(2, 1)]
const LED = leads('P1', 1, [0, 0], A1, A2)
const NEW_LEADER = [{ messages: [{ kind: 'newLeader', zxid: [1, 0] }] }]

const WRONG: Readonly<Record<TracePredicate, readonly object[]>> = {
  Leadership1: [LED, leads('P2', 1, [0, 0])],
  Leadership2: [
    { ...leads('P1', 1, [0, 0]), sends: NEW_LEADER },
    { ...delivers('P2'), sends: NEW_LEADER },
  ],
  PrefixConsistency: [
    LED,
    delivers('P1', A1),
    leads('P2', 2, [1, 1], B1),
    delivers('P1', A2),
    delivers('P2', A1, B1),
  ],
  Integrity: [LED, delivers('P1', chainAt(1, 1, 9))],
  Agreement: [LED, delivers('P1', A1), delivers('P2', chainAt(1, 1, 9))],
  TotalOrder: [LED, delivers('P1', A1, A2), delivers('P2', A2)],
  LocalPrimaryOrder: [LED, delivers('P1', A2)],
  GlobalPrimaryOrder: [LED, leads('P2', 2, [0, 0], B1), delivers('P2', B1, A1)],
  PrimaryIntegrity: [LED, delivers('P1', A1), leads('P2', 2, [0, 0])],
  ShouldNotBeTriggered: [{ ...delivers('P1'), reason: 'NEWLEADER out of place' }],
}

for (const [predicate, events] of Object.entries(WRONG)) {
  test(`a trace that is wrong on purpose: ${predicate}`, () => {
    const check = new TraceCheck()
    for (const event of events) check.line(JSON.stringify(event))
    assert.ok(predicatesOf(check).has(predicate as TracePredicate), JSON.stringify(check.findings))
  })
}

test('a trace without a mistake has no findings', () => {
  const check = new TraceCheck()
  const right = [
    LED,
    delivers('P1', A1, A2),
    delivers('P2', A1),
    leads('P2', 2, [1, 2], B1),
    delivers('P2', A2, B1),
    { at: 2, actor: 'P1', kind: 'start', base: { zxid: [1, 2], chain: 1 } },
    delivers('P1', B1),
  ]
  for (const event of right) check.line(JSON.stringify(event))
  assert.deepEqual(check.findings, [])
})
