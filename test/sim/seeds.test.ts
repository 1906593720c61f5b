import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runJobs } from './jobs.ts'
import { MUTATIONS, type MutationName } from './mutations.ts'
import { run } from './run.ts'

const SEEDS = { dense: 80, long: 20 } as const
/** A bug that this many runs do not find would stay unfound. */
const SEEDS_TO_FIND = 200
/**
 * Each found a bug. All but the last, whose simulator is gone, play it out again before the commit that
 * docs/reliability.md names. A seed makes the same run only as long as the simulator draws the same from it, so each
 * bug has a test of its own, too.
 */
const SEEDS_THAT_FOUND = [
  177, 911, 30_006, 80_677, 165_247, 306_867, 406_503, 428_636, 1_002_711, 1_101_105,
]
/** In which a check was wrong, and said so of a peer that was right. */
const SEEDS_THAT_MISLED = [706]
/** What a set of runs must have been through to be worth something. */
const WORTHWHILE = [
  'reigns',
  'conversations',
  'proposals told late',
  'snaps installed',
  'truncations',
  'log loads',
  'watches fired',
  'sessions expired for silence',
  'rounds of costly checks',
  'reads answered in the thread',
  'seats taken with watches',
  'seats lost with an observer',
  'answers that waited for the observer',
  'events that waited for answers',
  'watched reads that waited',
  'snapshots fed',
  'log loads of feeds',
]
/** Of hurried worlds, which are dense ones. */
const WORTHWHILE_DENSE = ['learners left behind', 'trees replaced before a client']

test('equal seeds make equal runs, whether or not they are traced', () => {
  const options = { seed: 7, profile: 'dense' } as const
  const first = run(options)
  const again = run({ ...options, traceLines: 100 })
  assert.equal(again.traceHash, first.traceHash)
  assert.deepEqual(again.counters, first.counters)
  assert.equal(again.trace.length, 100)
  assert.notEqual(run({ ...options, seed: 8 }).traceHash, first.traceHash)
})

for (const profile of ['dense', 'long'] as const) {
  test(`${profile} runs of a set of seeds keep every promise, and are worth it`, async () => {
    const count = SEEDS[profile]
    const result = await runJobs({ from: 1, count, profile, mutation: 'none' }, 1)
    assert.equal(result.failed, undefined)
    assert.equal(result.runs, count)
    const worthwhile = profile === 'dense' ? [...WORTHWHILE, ...WORTHWHILE_DENSE] : WORTHWHILE
    for (const what of worthwhile) assert.ok((result.counters[what] ?? 0) > 0, what)
  })
}

for (const seed of [...SEEDS_THAT_FOUND, ...SEEDS_THAT_MISLED]) {
  test(`seed ${seed} keeps every promise`, () => {
    assert.equal(run({ seed, profile: 'dense' }).violation, undefined)
  })
}

for (const mutation of Object.keys(MUTATIONS) as MutationName[]) {
  if (mutation === 'none') continue
  test(`the mutation ${mutation} is found`, async () => {
    const options = { from: 1, count: SEEDS_TO_FIND, profile: 'dense', mutation } as const
    const result = await runJobs(options, 1)
    assert.ok(result.failed, `none of ${SEEDS_TO_FIND} seeds failed`)
  })
}

test('the lowest seed that fails is reported, whichever process ran it', async () => {
  const options = { from: 1, count: 30, profile: 'dense', mutation: 'skipTrunc' } as const
  const alone = await runJobs(options, 1)
  const together = await runJobs(options, 2)
  assert.ok(alone.failed)
  assert.deepEqual(together.failed, alone.failed)
})

test('runs add up to the same whichever way they are shared out', async () => {
  const options = { from: 40, count: 25, profile: 'dense', mutation: 'none' } as const
  const progress: number[] = []
  const alone = await runJobs(options, 1, ({ runs }) => progress.push(runs))
  assert.deepEqual(await runJobs(options, 2), alone)
  assert.deepEqual(progress, [20, 25])
})
