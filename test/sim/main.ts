/**
 * `npm run sim -- --seeds 1000 --from 1`: many runs, each from its seed; with `--jobs 4`, in so many processes.
 * `npm run sim -- --seed 17`: one run again, exactly, with the last `--lines` of its trace.
 * `--mutation NAME` switches on a bug that a run must find. Ends with code 1 when a promise was broken.
 */

import { parseArgs } from 'node:util'
import { runJobs } from './jobs.ts'
import { isMutationName, MUTATIONS, type MutationName } from './mutations.ts'
import { run } from './run.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    jobs: { type: 'string', default: '1' },
    lines: { type: 'string', default: '200' },
    mutation: { type: 'string', default: 'none' },
  },
})

function countOf(name: string, text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count > 0) return count
  throw new Error(`--${name} must be a positive integer, not ${text}`)
}

function mutationNamed(name: string): MutationName {
  if (isMutationName(name)) return name
  throw new Error(`--mutation must be one of ${Object.keys(MUTATIONS).join(', ')}, not ${name}`)
}

function show(counters: Readonly<Record<string, number>>): void {
  for (const [what, count] of Object.entries(counters)) {
    console.log(`${String(count).padStart(12)} ${what}`)
  }
}

/** Runs one seed with its trace. Returns whether every promise was kept. */
function replay(seed: number, mutation: MutationName): boolean {
  const result = run({ seed, mutation, traceLines: countOf('lines', values.lines) })
  const { violation } = result
  console.log(result.trace.join('\n'))
  show(result.counters)
  console.log(`seed ${seed}, trace ${result.traceHash.toString(16)}`)
  if (violation === undefined) return true
  console.log(violation.stack)
  if (violation.cause instanceof Error) console.log(`because of ${violation.cause.stack}`)
  return false
}

async function runMany(mutation: MutationName): Promise<boolean> {
  const from = countOf('from', values.from)
  const count = countOf('seeds', values.seeds)
  const begun = performance.now()
  const result = await runJobs({ from, count, step: 1, mutation }, countOf('jobs', values.jobs))
  const seconds = (performance.now() - begun) / 1000
  if (result.failed !== undefined) replay(result.failed.seed, mutation)
  else show(result.counters)
  console.log(`${result.runs} seeds, ${(result.runs / seconds).toFixed(1)} seeds/s`)
  if (result.failed === undefined) return true
  console.log(`seed ${result.failed.seed} failed: ${result.failed.message}`)
  return false
}

const mutation = mutationNamed(values.mutation)
const kept =
  values.seed === undefined
    ? await runMany(mutation)
    : replay(countOf('seed', values.seed), mutation)
process.exitCode = kept ? 0 : 1
