/**
 * Harm to a real ensemble, real threads on a real disk, round after round under a checked workload:
 * `npm run chaos -- --minutes 10 --seed 1`. The seed draws the same rounds and, where the peers take the same roles,
 * the same faults again; how the threads interleave cannot be repeated.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { countArgument, numberArgument } from '../../bench/util/arguments.ts'
import type { Durability } from '../../lib/index.ts'
import { Campaign } from './campaign.ts'
import { Counters } from './counters.ts'

const DURABILITIES: readonly Durability[] = ['power', 'process', 'memory']

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Date.now() % 1e9) },
    peers: { type: 'string', default: '3' },
    observers: { type: 'string', default: '0' },
    durability: { type: 'string', default: 'power' },
  },
})
const minutes = numberArgument('minutes', values.minutes, 0)
const seed = countArgument('seed', values.seed, 0)
const durability = DURABILITIES.find(name => name === values.durability)
if (durability === undefined) throw new Error(`--durability is one of ${DURABILITIES.join(', ')}`)

const counters = new Counters()
const directory = mkdtempSync(join(tmpdir(), 'quorumtree-chaos-'))
const campaign = new Campaign({
  directory,
  seed,
  voters: countArgument('peers', values.peers, 1),
  observers: countArgument('observers', values.observers, 0),
  durability,
  counters,
})

function summarize(problems: readonly string[]): void {
  const sum = (name: string) => counters.of(name)
  const peak = (name: string) => Math.round(counters.peakOf(name))
  console.log(`
seed        ${seed}, ${values.peers} peers, ${values.observers} observers, ${durability}
rounds      ${sum('rounds')} (${counters.list('round: ')}), ${sum('openings')} openings, ${sum('reigns')} reigns
faults      kill    ${counters.list('kill: ')}
            pause   ${counters.list('pause: ')}
            cut     ${counters.list('cut: ')}
            delay   ${counters.list('delay: ')}
            heal    ${counters.list('heal: ')}
            host    ${counters.list('host: ')}
            close   ${counters.list('close: ')}
operations  ${counters.total('operation: ')} (${counters.list('operation: ')})
outcomes    ${counters.list('outcome: ')}
            ${sum('maybe')} writes whose outcome was not told
ordered     ${sum('steps ordered')} steps, ${sum('undecided')} searches undecided,
            ${sum('trees left')} trees too large
watches     ${sum('watches')} left, ${sum('events')} events
sessions    ${sum('sessions')}, ${sum('sessions expired')} expired
longest     ${peak('unavailable ms')} ms without an acknowledged write, ${peak('serve again ms')} ms to serve again,
            ${peak('rest ms')} ms more to come to rest,
            ${peak('main thread blocked ms')} ms main thread blocked; ${peak('rss MiB')} MiB
violations  ${problems.length}`)
  for (const problem of problems.slice(0, 20)) console.log(`  ${problem}`)
}

const problems: string[] = []
try {
  const until = performance.now() + minutes * 60_000
  do {
    const { history, plan, serveAgainMs, problems: found } = await campaign.round()
    problems.push(...found)
    const { calls, sessions } = history
    const after = `served again after ${Math.round(serveAgainMs)} ms`
    const did = `${calls.length} calls of ${sessions.length} sessions`
    console.log(`round ${counters.of('rounds')}, ${plan.kind}: ${did}, ${after}`)
    if (found.length > 0) {
      const file = join(directory, 'violation.json')
      writeFileSync(file, JSON.stringify({ seed, plan, problems: found, history }))
      console.log(`\nviolation in round ${counters.of('rounds')}, its history is in ${file}`)
    }
  } while (performance.now() < until && problems.length === 0)
  await campaign.close()
} catch (error) {
  problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
}
summarize(problems)
if (problems.length === 0) rmSync(directory, { recursive: true, force: true })
// A thread that hangs must not keep a failed run from ending.
process.exit(problems.length === 0 ? 0 : 1)
