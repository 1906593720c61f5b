/** Claims and verdicts: a bound that is met counts, one side or the other; what was not measured is not reached. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Claim, claimsOf, verdictOf } from '../../bench/compare/claims.ts'
import { BLOCKING_SET, OURS, PIPELINED_SETS, ZOOKEEPER } from '../../bench/compare/names.ts'
import type { Findings } from '../../bench/compare/result.ts'
import type { Floors } from '../../bench/floors/probe.ts'
import type { Row } from '../../bench/load/row.ts'

const FLOORS: Floors = {
  peers: 3,
  durability: 'power',
  dataSyncP50us: 100,
  slowestPutP50us: 350,
  quorumPutP50us: 300,
  promisedHopP50us: 25,
  blockingHopP50us: 20,
  writeP50us: 400,
  logOnlyPerSecond: 600_000,
  logOnlyCreatesPerSecond: 66_000,
  lookUpsPerSecond: 12_000_000,
}

function row(name: string, system: string, figures: Partial<Row>): Row {
  return {
    ...{ name, system, peers: 3, durability: 'power', payloadBytes: 100, clients: 1, inFlight: 1 },
    ...{ opsPerSecond: 1, p50us: 1, p99us: 1, p999us: 1, maxus: 1, errors: 0 },
    ...figures,
  }
}

function claimOf(rows: readonly Row[], what: string): Claim {
  const findings: Findings = { floors: FLOORS, rows, failOver: undefined, firstWrite: undefined }
  const found = claimsOf(findings).find(claim => claim.what === what)
  assert.ok(found !== undefined, what)
  return found
}

function verdict(better: Claim['better'], reached: number, errors = 0): string {
  const bounds = better === 'more' ? { must: 10, goal: 20 } : { must: 20, goal: 10 }
  return verdictOf({ what: '', unit: '', better, ...bounds, reached, errors })
}

test('a bound that is just met is met', () => {
  const more = [9.99, 10, 19.99, 20].map(reached => verdict('more', reached))
  assert.deepEqual(more, ['MISSED', 'must', 'must', 'goal'])
  const less = [20.01, 20, 10.01, 10].map(reached => verdict('less', reached))
  assert.deepEqual(less, ['MISSED', 'must', 'must', 'goal'])
})

test('what was not measured, or failed, is not reached', () => {
  assert.equal(verdict('more', Number.NaN), 'not measured')
  assert.equal(verdict('less', 5, 1), 'ERRORS')
})

test('ratios are of the rows that they name', () => {
  const rows = [
    row(PIPELINED_SETS, OURS, { opsPerSecond: 150_000 }),
    row(PIPELINED_SETS, ZOOKEEPER, { opsPerSecond: 12_000 }),
    row(BLOCKING_SET, OURS, { p50us: 500 }),
    row(BLOCKING_SET, OURS, { p50us: 140, durability: 'process' }),
  ]
  const reached = (what: string) => claimOf(rows, what).reached
  assert.equal(reached('pipelined sets vs ZooKeeper'), 12.5)
  assert.equal(reached('share of what the log alone takes'), 0.25)
  assert.equal(reached('one set, p50 vs the floor'), 1.25)
  assert.equal(reached('one set, durability process, p50'), 140)
  assert.ok(Number.isNaN(reached('one set, p50 vs ZooKeeper')))
})

test('an error in a row that decides is told', () => {
  const rows = [
    row(PIPELINED_SETS, OURS, { opsPerSecond: 150_000, errors: 3 }),
    row(PIPELINED_SETS, ZOOKEEPER, { opsPerSecond: 1, errors: 1 }),
  ]
  assert.equal(verdictOf(claimOf(rows, 'pipelined sets vs ZooKeeper')), 'ERRORS')
  assert.equal(claimOf(rows, 'pipelined sets vs ZooKeeper').errors, 4)
})
