/** The loops count what they call: every call is an operation or an error, never both, and none is left out. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blockingLoop, closedLoop } from '../../bench/load/closed-loop.ts'
import { Latencies } from '../../bench/util/latencies.ts'

const FOREVER = Number.POSITIVE_INFINITY

test('a closed loop keeps so many calls under way, and makes each once', async () => {
  const made: number[] = []
  let underWay = 0
  let mostUnderWay = 0
  const call = async (at: number): Promise<number> => {
    made.push(at)
    mostUnderWay = Math.max(mostUnderWay, ++underWay)
    await new Promise(resolve => setImmediate(resolve))
    underWay--
    return at
  }
  const latencies = new Latencies()
  const isRight = (result: number, at: number) => result === at
  const options = { inFlight: 7, seconds: FOREVER, callsMax: 100 }
  const { operations, errors } = await closedLoop({ call, isRight }, options, latencies)
  assert.deepEqual([operations, errors, latencies.count], [100, 0, 100])
  assert.deepEqual(
    made,
    Array.from({ length: 100 }, (_, at) => at),
  )
  assert.equal(mostUnderWay, 7)
})

test('a call that fails, throws or answers wrongly is an error and has no latency', async () => {
  const call = (at: number): Promise<number> => {
    if (at % 4 === 1) throw new Error('thrown')
    return at % 4 === 2 ? Promise.reject(new Error('rejected')) : Promise.resolve(at)
  }
  const isRight = (result: number) => result % 4 !== 3
  const latencies = new Latencies()
  const options = { inFlight: 3, seconds: FOREVER, callsMax: 40 }
  const counts = await closedLoop({ call, isRight }, options, latencies)
  assert.deepEqual([counts.operations, counts.errors, latencies.count], [10, 30, 10])
  assert.ok(counts.firstError !== undefined)
})

test('a blocking loop times one call in so many, and counts all', () => {
  let made = 0
  const call = (at: number): number => {
    made++
    if (at % 10 === 9) throw new Error('thrown')
    return at
  }
  const latencies = new Latencies()
  const target = { call, isRight: (result: number) => result % 10 !== 8 }
  const { operations, errors } = blockingLoop(target, { seconds: 0.01, timedOneIn: 10 }, latencies)
  assert.equal(operations + errors, made)
  assert.equal(errors, made / 5)
  assert.equal(latencies.count, made / 10)
})
