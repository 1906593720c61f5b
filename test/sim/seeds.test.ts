import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runJobs } from './jobs.ts'
import { MUTATIONS, type MutationName } from './mutations.ts'
import { run } from './run.ts'

const SEEDS = 150
/** A bug that this many runs do not find would stay unfound. */
const SEEDS_TO_FIND = 200
/** Seeds beyond those that each found a bug. */
const SEEDS_THAT_FOUND = [1_101_105]

test('equal seeds make equal runs, whether or not they are traced', () => {
  const first = run({ seed: 7 })
  const again = run({ seed: 7, traceLines: 100 })
  assert.equal(again.traceHash, first.traceHash)
  assert.deepEqual(again.counters, first.counters)
  assert.equal(again.trace.length, 100)
  assert.notEqual(run({ seed: 8 }).traceHash, first.traceHash)
})

test('the runs of a fixed set of seeds keep every promise, and are worth something', async () => {
  const result = await runJobs({ from: 1, count: SEEDS, mutation: 'none' }, 2)
  assert.equal(result.failed, undefined)
  assert.equal(result.runs, SEEDS)
  const worthwhile = ['reigns', 'snaps installed', 'truncations', 'log loads', 'watches fired']
  for (const what of worthwhile) assert.ok((result.counters[what] ?? 0) > 0, what)
})

for (const seed of SEEDS_THAT_FOUND) {
  test(`seed ${seed} keeps every promise`, () => {
    assert.equal(run({ seed }).violation, undefined)
  })
}

for (const mutation of Object.keys(MUTATIONS) as MutationName[]) {
  if (mutation === 'none') continue
  test(`the mutation ${mutation} is found`, async () => {
    const result = await runJobs({ from: 1, count: SEEDS_TO_FIND, mutation }, 1)
    assert.ok(result.failed, `none of ${SEEDS_TO_FIND} seeds failed`)
  })
}
