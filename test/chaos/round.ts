/**
 * One round: a workload whose history is written down, harm of one kind meanwhile, then healing. The ensemble must come
 * to rest, every call must be answered, and the history must be one that the API's promises allow.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { type History, isRead } from '../check/history.ts'
import { startWorkload, type Workload } from '../check/workload.ts'
import { isUncertain } from '../check/workload-session.ts'
import type { Prng } from '../support/prng.ts'
import type { Counters } from './counters.ts'
import type { Host } from './host.ts'
import { type Battlefield, Nemesis } from './nemesis.ts'
import { comeToRest, serveAgain } from './rest.ts'
import { findingsOf } from './verdict.ts'

/** What is done to the ensemble: anything; only what its own process does to it; nothing. */
export type RoundKind = 'faults' | 'careless host' | 'calm'

export interface RoundPlan {
  readonly kind: RoundKind
  readonly base: string
  readonly seed: number
  readonly ms: number
  readonly trees: number
  readonly sessionTimeoutMs: number
}

export interface RoundResult {
  readonly problems: readonly string[]
  readonly serveAgainMs: number
  readonly history: History
}

const SESSIONS = 3
const THREADS = 2
const THINK_MS = 20

export async function runRound(
  field: Battlefield,
  plan: RoundPlan,
  prng: Prng,
  counters: Counters,
): Promise<RoundResult> {
  const workload = startWorkload(field.ensemble, {
    sessions: SESSIONS,
    threads: THREADS,
    base: plan.base,
    trees: plan.trees,
    thinkMs: THINK_MS,
    timeoutMs: plan.sessionTimeoutMs,
    operationTimeoutMs: 60_000,
    peers: prng.shuffle(field.tower.sids),
    seed: plan.seed,
    steady: plan.kind === 'calm',
  })
  // The first failure is the round's, wherever it comes from.
  workload.done.catch(() => undefined)
  await harm(field, plan, prng, counters, workload)
  const problems: string[] = []
  await field.host.settle()
  const again = await serveAgain(field.ensemble, field.tower)
  counters.peak('serve again ms', again.ms)
  if (again.problem !== undefined) problems.push(again.problem)
  const history = await workload.stop()
  const rest = await comeToRest(field.ensemble, field.tower)
  counters.peak('rest ms', rest.ms)
  if (rest.problem !== undefined) problems.push(rest.problem)
  problems.push(...findingsOf(history, counters))
  if (plan.kind !== 'faults') problems.push(...lostSessions(history))
  account(history, counters)
  return { problems, serveAgainMs: again.ms, history }
}

async function harm(
  field: Battlefield,
  { kind, ms }: RoundPlan,
  prng: Prng,
  counters: Counters,
  workload: Workload,
): Promise<void> {
  switch (kind) {
    case 'faults':
      return await new Nemesis(field, prng, counters).torment(ms)
    case 'careless host':
      return await abuse(field.host, prng, ms, field.sessionTimeoutMs)
    case 'calm':
      await Promise.race([sleep(ms), workload.done])
  }
}

async function abuse(host: Host, prng: Prng, ms: number, sessionTimeoutMs: number): Promise<void> {
  const until = performance.now() + ms
  while (performance.now() < until) {
    await sleep(prng.between(0, 500))
    if (prng.chance(0.4)) host.saturatePool(prng.between(10, 40))
    if (prng.chance(0.3)) host.litter(prng.between(50, 1_000))
    if (prng.chance(0.4)) host.burden(prng.between(1, 8))
    // Beyond the time-out of the sessions, those of this thread and those of others.
    if (prng.chance(0.4)) host.block(prng.between(100, 1.5 * sessionTimeoutMs))
  }
}

/** However the host behaves, as long as no peer dies, no session may be lost. */
function lostSessions({ sessions }: History): string[] {
  return sessions
    .filter(({ expired }) => expired !== undefined)
    .map(({ name }) => `session ${name} expired although all peers lived`)
}

function account(history: History, counters: Counters): void {
  const acknowledged: number[] = []
  for (const { operation, result, end } of history.calls) {
    const code = result === undefined ? 'unanswered' : (result.code ?? 'done')
    const maybe = result === undefined || isUncertain(result)
    counters.count(`operation: ${operation.kind}`)
    counters.count(`outcome: ${code}`)
    if (maybe && !isRead(operation)) counters.count('maybe')
    const wrote = !isRead(operation) && operation.kind !== 'close' && !maybe
    if (wrote && end !== undefined) acknowledged.push(end)
  }
  acknowledged.sort((a, b) => a - b)
  acknowledged.forEach((end, at) => {
    if (at > 0) counters.peak('unavailable ms', (end - acknowledged[at - 1]!) / 1e6)
  })
  counters.count('sessions', history.sessions.length)
  const expired = history.sessions.filter(session => session.expired !== undefined)
  counters.count('sessions expired', expired.length)
  counters.count('watches', history.calls.filter(call => hasWatch(call.operation)).length)
  counters.count('events', history.events.length)
}

function hasWatch(operation: History['calls'][number]['operation']): boolean {
  return 'watch' in operation && operation.watch === true
}
