/** From measurements to a row: figures of a run, and the median of runs. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Figures, figuresOf, median, medianOf } from '../../bench/load/row.ts'
import { Latencies, LatencyLog } from '../../bench/util/latencies.ts'

test('the median of an even number is the mean of the middle two', () => {
  assert.equal(median([5]), 5)
  assert.equal(median([9, 1, 5]), 5)
  assert.equal(median([4, 1, 9, 2]), 3)
  assert.ok(Number.isNaN(median([])))
})

test('figures are medians one by one; errors add up, and the longest is kept', () => {
  const run = (opsPerSecond: number, p50us: number, maxus: number, errors: number): Figures => ({
    ...{ opsPerSecond, p50us, maxus, errors },
    p99us: p50us * 2,
    p999us: p50us * 3,
  })
  assert.deepEqual(medianOf([run(300, 10, 50, 1), run(100, 30, 900, 0), run(200, 20, 70, 2)]), {
    opsPerSecond: 200,
    p50us: 20,
    p99us: 40,
    p999us: 60,
    maxus: 900,
    errors: 3,
  })
})

test('figures of a run come from its latencies and its time', () => {
  const latencies = new Latencies()
  for (let ms = 1; ms <= 100; ms++) latencies.add(ms)
  const counts = { operations: 100, errors: 4, firstError: 'none', seconds: 2 }
  const { opsPerSecond, p50us, p99us, maxus, errors } = figuresOf({ ...counts, latencies })
  assert.equal(opsPerSecond, 50)
  assert.equal(errors, 4)
  const near = (found: number, expected: number) =>
    assert.ok(Math.abs(found / expected - 1) < 0.002, `${found}, not ${expected}`)
  near(p50us, 50_000)
  near(p99us, 99_000)
  near(maxus, 100_000)
})

test('a log of latencies keeps them all', () => {
  const log = new LatencyLog()
  for (let at = 0; at < 200_000; at++) log.add(at)
  assert.equal(log.values.length, 200_000)
  assert.equal(log.values[199_999], 199_999)
})
