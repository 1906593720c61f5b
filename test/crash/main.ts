/**
 * Kills a whole process, all peers at once, with SIGKILL at random moments, again and again on the same directory, and
 * checks after each start that nothing acknowledged is missing: `npm run test:crash -- --cycles 50 --seed 1`.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { countArgument } from '../../bench/util/arguments.ts'
import { Prng } from '../support/prng.ts'
import { Journal } from './journal.ts'
import type { Plan } from './messages.ts'
import { Victim } from './victim.ts'

const LOAD_MS_MAX = 800
/** From the start of the process: it loads its modules, opens, recovers, elects and reads back. */
const RECOVERY_MS = { min: 200, max: 1500 }
const RECOVERY_KILL_PROBABILITY = 0.15
const PEER_KILL_PROBABILITY = 0.3
const DELETED_SHARE = 0.5

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '50' },
    peers: { type: 'string', default: '3' },
    durability: { type: 'string', default: 'power' },
    seed: { type: 'string', default: String(Date.now() % 1e9) },
  },
})
const cycles = countArgument('cycles', values.cycles, 1)
const peers = countArgument('peers', values.peers, 1)
const { durability } = values
const prng = new Prng(countArgument('seed', values.seed, 0))
const journal = new Journal()
let completed = 0
let killedWhileRecovering = 0

function planOf(dataDir: string, cycle: number): Plan {
  return { dataDir, peers, durability, cycle, reader: prng.between(1, peers) }
}

function start(plan: Plan): Victim {
  return new Victim(plan, write => journal.acknowledge(write))
}

/** Verifies, lets it write for a while and kills it. */
async function writeAndCrash(plan: Plan): Promise<void> {
  const victim = start(plan)
  try {
    const observed = await victim.observed()
    journal.verify(observed)
    if (journal.findings.length > 0) return
    victim.order({
      kind: 'write',
      registers: observed.registers,
      deletions: journal.chooseDeletions(paths => paths.filter(() => prng.chance(DELETED_SHARE))),
      peerToKill:
        peers > 2 && prng.chance(PEER_KILL_PROBABILITY) ? prng.between(1, peers) : undefined,
    })
    await victim.writing()
    await pause(prng.between(0, LOAD_MS_MAX))
  } finally {
    await victim.kill()
  }
}

async function crashWhileRecovering(plan: Plan): Promise<void> {
  const victim = start(plan)
  await pause(prng.between(RECOVERY_MS.min, RECOVERY_MS.max))
  await victim.kill()
  killedWhileRecovering++
}

/** After the last crash everything is verified once more, closed, and verified again. */
async function verifyAndClose(plan: Plan): Promise<void> {
  const victim = start(plan)
  journal.verify(await victim.observed())
  await victim.close()
}

async function run(dataDir: string): Promise<void> {
  for (let cycle = 0; cycle < cycles; cycle++) {
    const plan = planOf(dataDir, cycle)
    if (cycle > 0 && prng.chance(RECOVERY_KILL_PROBABILITY)) await crashWhileRecovering(plan)
    else await writeAndCrash(plan)
    if (journal.findings.length > 0) return
    completed++
    if (completed % 10 === 0) console.log(`${completed} cycles, ${journal.acknowledged} writes`)
  }
  await verifyAndClose(planOf(dataDir, cycles))
  await verifyAndClose(planOf(dataDir, cycles))
}

function summarize(dataDir: string): void {
  const { acknowledged, checked, findings } = journal
  console.log(`
cycles    ${completed}, of them ${killedWhileRecovering} killed while recovering
seed      ${values.seed}
writes    ${acknowledged} acknowledged
checked   ${checked} facts
losses    ${findings.length}`)
  for (const finding of findings.slice(0, 20)) console.log(`  ${finding}`)
  if (findings.length > 0) console.log(`data      ${dataDir}`)
}

const dataDir = mkdtempSync(join(tmpdir(), 'quorumtree-crash-'))
try {
  await run(dataDir)
  summarize(dataDir)
  process.exitCode = journal.findings.length > 0 ? 1 : 0
} catch (error) {
  summarize(dataDir)
  console.error(error, `\ndata: ${dataDir}`)
  process.exitCode = 1
}
if (process.exitCode === 0) rmSync(dataDir, { recursive: true, force: true })
