/**
 * Kills a whole process, all peers at once, at random moments and at named failpoints, again and again on the same
 * directory, and checks after each start that nothing acknowledged is missing:
 *
 *   npm run test:crash -- --cycles 50 --seed 1
 *   npm run test:power -- --cycles 50                                a power cut takes what was not synced
 *   npm run test:power -- --durability process                       the last writes may be lost, but only the last
 *   npm run test:power -- --durability process --harsh               there may be holes, and then no quorum
 *   npm run test:power -- --durability process --expect loss         the control: must find something missing
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { countArgument } from '../../bench/util/arguments.ts'
import { Prng } from '../support/prng.ts'
import { Campaign, type Kind } from './campaign.ts'
import { describe, newCounters } from './counters.ts'
import { Coverage } from './coverage.ts'
import { Journal } from './journal.ts'
import { MODELS, type Model } from './loss.ts'
import { pointsOf } from './points.ts'
import { buildChild, buildShim } from './program.ts'
import { Window } from './window.ts'

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '50' },
    peers: { type: 'string', default: '3' },
    durability: { type: 'string', default: 'power' },
    /** What dies: the process, or the power supply. */
    loss: { type: 'string', default: 'process' },
    /** The model of power cuts; `mixed` are the two that file systems in use answer to. */
    model: { type: 'string', default: 'mixed' },
    /** `clean`, or `loss`: at least one acknowledged write must be found missing. */
    expect: { type: 'string', default: 'clean' },
    /** Without syncs: LevelDB changes its files all the time, and there are holes, too. */
    harsh: { type: 'boolean', default: false },
    /** Every failpoint must have killed. */
    'every-point': { type: 'boolean', default: false },
    seed: { type: 'string', default: String(Date.now() % 1e9) },
  },
})

function choice<T extends string>(name: keyof typeof values, known: readonly T[]): T {
  const found = known.find(candidate => candidate === values[name])
  if (found !== undefined) return found
  throw new Error(`--${name} must be one of ${known.join(', ')}, not '${values[name]}'`)
}

const cycles = countArgument('cycles', values.cycles, 1)
const peers = countArgument('peers', values.peers, 1)
const durability = choice('durability', ['power', 'process'])
const cutsPower = choice('loss', ['process', 'power']) === 'power'
const model = choice('model', ['mixed', ...MODELS])
const expectsLoss = choice('expect', ['clean', 'loss']) === 'loss'

/** Without syncs a power cut takes acknowledged writes, which is as documented, or what the control is to find. */
function kindOf(): Kind {
  if (expectsLoss) return 'control'
  if (!cutsPower || durability === 'power') return 'strict'
  return values.harsh ? 'harsh' : 'window'
}

function modelsOf(): readonly Model[] {
  if (!cutsPower) return []
  return model === 'mixed' ? ['tails', 'journal'] : [model]
}

interface Run {
  readonly campaign: Campaign
  readonly expectation: Journal | Window
  readonly coverage: Coverage
  readonly counters: ReturnType<typeof newCounters>
}

async function prepareRun(place: string): Promise<Run> {
  const shimFile = join(place, 'shim.so')
  const [program, noShim] = await Promise.all([
    buildChild(join(place, 'program')),
    buildShim(shimFile),
  ])
  if (noShim !== undefined) {
    if (cutsPower) throw new Error(`a power cut needs the shim, and ${noShim}`)
    console.log(`no failpoints at system calls: ${noShim}`)
  }
  const shim = noShim === undefined ? shimFile : undefined
  const kind = kindOf()
  const expectation = kind === 'window' || kind === 'harsh' ? new Window() : new Journal()
  const coverage = new Coverage(pointsOf(durability, shim !== undefined), peers)
  const counters = newCounters()
  const campaign = new Campaign(
    { place, program, shim, peers, durability, models: modelsOf(), kind },
    new Prng(countArgument('seed', values.seed, 0)),
    ...([expectation, coverage, counters] as const),
  )
  return { campaign, expectation, coverage, counters }
}

/** Until the last cycle or the first finding; where every failpoint is wanted, up to twice as long for the last. */
async function run({ campaign, expectation, coverage }: Run): Promise<void> {
  const wants = (): boolean =>
    campaign.lives < cycles ||
    (values['every-point'] && campaign.lives < 2 * cycles && coverage.missed.length > 0)
  while (wants() && expectation.findings.length === 0) {
    await campaign.cycle()
    if (campaign.lives % 25 === 0) {
      console.log(`${campaign.lives} lives, ${expectation.acknowledged} writes`)
    }
  }
  for (let again = 0; again < 2 && expectation.findings.length === 0; again++) {
    await campaign.checkOnce()
  }
}

function summarize({ campaign, expectation, coverage, counters }: Run, sinceMs: number): void {
  const { acknowledged, checked, findings } = expectation
  const seconds = (performance.now() - sinceMs) / 1000
  const isWindow = expectation instanceof Window
  const lost = isWindow
    ? `, ${expectation.lostWrites} lost, ${expectation.returned} times an earlier history was back`
    : ''
  const { missed } = coverage
  const { ledger } = campaign
  const lines: (readonly [string, string])[] = [
    [
      'run',
      `${peers} peers, durability ${durability}, loss of ${values.loss}, seed ${values.seed}`,
    ],
    ['lives', `${campaign.lives}, ${(seconds / campaign.lives).toFixed(2)} s each`],
    ...describe(counters),
    ['log syncs', `${ledger.logSyncs}, ${ledger.earlyLogSyncs} to a log whose name was not synced`],
    ['writes', `${acknowledged} acknowledged${lost}`],
    ['checked', `${checked} facts`],
    ['losses', String(findings.length)],
  ]
  console.log()
  for (const [label, text] of lines) console.log(`${label.padEnd(12)}${text}`)
  for (const finding of findings.slice(0, 20)) console.log(`  ${finding}`)
  console.log(`failpoints  ${coverage.fired} killed`)
  for (const line of coverage.lines()) console.log(line)
  console.log(`not hit     ${missed.join(', ') || 'none'}`)
}

/** Why the campaign as a whole has failed, if it has. */
function verdict({ expectation, coverage, campaign }: Run): string | undefined {
  const red = expectation.findings.length > 0
  if (expectsLoss && red) console.log(`\nas expected: loss found after ${campaign.lives} lives`)
  if (expectsLoss !== red) return red ? 'something was lost' : 'nothing was lost: the test is blind'
  const { missed } = coverage
  return values['every-point'] && missed.length > 0 ? 'not every failpoint was hit' : undefined
}

const place = mkdtempSync(join(tmpdir(), 'quorumtree-crash-'))
const sinceMs = performance.now()
const prepared = await prepareRun(place)
let failure: unknown
try {
  await run(prepared)
} catch (error) {
  failure = error
}
summarize(prepared, sinceMs)
failure ??= verdict(prepared)
if (failure === undefined) rmSync(place, { recursive: true, force: true })
else {
  console.error('\n', failure, `\ndata: ${place}`)
  process.exitCode = 1
}
