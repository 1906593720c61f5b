/**
 * `npm run sim -- --seeds 1000 --from 1`: many runs, each from its seed; with `--jobs 4` in so many processes, with
 * `--jobs all` in as many as there are cores; `--where` tells where the time goes. The first seed that fails is made
 * smaller before it is shown, but not with `--no-shrink`.
 * `npm run sim -- --seed 17`: one run again, exactly, with the last `--lines` of its trace; `--text FILE` and `--json
 * FILE` for all of it. `--ticks`, `--clients` and `--without` are what a smaller run is told by.
 * `--profile long` for either: some 2,000 ticks each, which without it one seed in sixteen has; `--profile dense`: a
 * tenth of that, and no rest.
 * `npm run sim -- --check-trace FILE`: Zab's predicates from a trace in JSON alone.
 * `--mutation NAME` switches on a bug that a run must find. Ends with code 1 when a promise was broken.
 */

import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { runJobs } from './jobs.ts'
import { isProfile, type Profile } from './knobs.ts'
import { isMutationName, MUTATIONS, type MutationName } from './mutations.ts'
import { optionsOf, parseOrdinals, type Recipe } from './recipe.ts'
import { progressLine, showCampaign, showCounters, showRun } from './report.ts'
import { type RunResult, run } from './run.ts'
import { shrink } from './shrink.ts'
import { checkTraceFile, TraceFiles } from './trace-file.ts'

/** Lines of trace for a run that was asked for, and for one that failed in a campaign. */
const LINES = { asked: 200, failed: 60 } as const

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    jobs: { type: 'string', default: '1' },
    lines: { type: 'string' },
    mutation: { type: 'string', default: 'none' },
    profile: { type: 'string' },
    ticks: { type: 'string' },
    clients: { type: 'string' },
    without: { type: 'string' },
    'no-shrink': { type: 'boolean', default: false },
    where: { type: 'boolean', default: false },
    json: { type: 'string' },
    text: { type: 'string' },
    'check-trace': { type: 'string' },
  },
})

function countOf(name: string, text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count > 0) return count
  throw new Error(`--${name} must be a positive integer, not ${text}`)
}

function optionalCount(name: 'ticks' | 'clients'): number | undefined {
  const text = values[name]
  return text === undefined ? undefined : countOf(name, text)
}

function jobsOf(text: string): number {
  return text === 'all' || text === '0' ? availableParallelism() : countOf('jobs', text)
}

function mutationNamed(name: string): MutationName {
  if (isMutationName(name)) return name
  throw new Error(`--mutation must be one of ${Object.keys(MUTATIONS).join(', ')}, not ${name}`)
}

function profileNamed(name: string | undefined): Profile | undefined {
  if (name === undefined || isProfile(name)) return name
  throw new Error(`--profile must be long or dense, not ${name}`)
}

function linesOf(otherwise: number): number {
  return values.lines === undefined ? otherwise : countOf('lines', values.lines)
}

function runOne(seed: number, mutation: MutationName): boolean {
  const without = values.without === undefined ? undefined : parseOrdinals(values.without)
  const ticks = optionalCount('ticks')
  const profile = profileNamed(values.profile)
  const recipe = { seed, mutation, profile, ticks, clients: optionalCount('clients'), without }
  const files = new TraceFiles(values.json, values.text)
  const traceLines = linesOf(LINES.asked)
  const result = run({ ...optionsOf(recipe), traceLines, onEvent: files.onEvent })
  files.close()
  showRun(recipe, result)
  showCounters(result.counters)
  return result.violation === undefined
}

/** A smaller run that fails by the same check, with the end of its trace. */
function showFailure(recipe: Recipe): void {
  const attempt = (other: Recipe): RunResult => run(optionsOf(other))
  const first = attempt(recipe)
  const { recipe: smaller, result, attempts } = shrink(recipe, first, attempt)
  showRun(smaller, run({ ...optionsOf(smaller), traceLines: linesOf(LINES.failed) }))
  const faults = `${result.faults.length} of ${first.faults.length} faults`
  const ticks = `${result.endTick} of ${first.endTick} ticks`
  console.log(`made smaller in ${attempts} runs: ${faults}, ${ticks}`)
}

async function runMany(mutation: MutationName): Promise<boolean> {
  const from = countOf('from', values.from)
  const count = countOf('seeds', values.seeds)
  const { where } = values
  const begun = performance.now()
  const profile = profileNamed(values.profile)
  const options = { from, count, mutation, profile, where }
  const result = await runJobs(options, jobsOf(values.jobs), progressLine(begun))
  const seconds = (performance.now() - begun) / 1000
  const { failed } = result
  showCounters(result.counters)
  if (failed !== undefined && !values['no-shrink'])
    showFailure({ seed: failed.seed, mutation, profile })
  showCampaign(result, seconds)
  if (failed === undefined) return true
  console.log(`seed ${failed.seed} failed: ${failed.message}`)
  return false
}

function main(): boolean | Promise<boolean> {
  const mutation = mutationNamed(values.mutation)
  const { 'check-trace': path, seed } = values
  if (path !== undefined) return checkTraceFile(path)
  return seed === undefined ? runMany(mutation) : runOne(countOf('seed', seed), mutation)
}

process.exitCode = (await main()) ? 0 : 1
