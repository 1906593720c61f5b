/** All that a history can be held to, in one call. */

import { checkAnswers } from './answer-check.ts'
import { Facts } from './facts.ts'
import type { History } from './history.ts'
import { checkLinearizable, type LinearizabilityOptions } from './linearizability.ts'
import { checkOwners, checkSequences } from './name-order.ts'
import { timelinesOf } from './timeline.ts'
import type { Finding } from './verdict.ts'
import { checkWatches } from './watch-check.ts'
import { checkZxids } from './zxid-order.ts'

export interface Verdict {
  /** Empty when every promise was kept. */
  readonly findings: readonly Finding[]
  /** How much there was to check: proof that a clean verdict is worth something. */
  readonly counts: Readonly<Record<string, number>>
}

export function checkHistory(history: History, options?: LinearizabilityOptions): Verdict {
  const facts = new Facts(history)
  const timelines = timelinesOf(history, facts)
  const { findings, ...order } = checkLinearizable(timelines, options)
  return {
    findings: [
      ...checkAnswers(history),
      ...checkZxids(facts, timelines),
      ...checkWatches(facts),
      ...checkSequences(history, facts),
      ...checkOwners(history, timelines),
      ...findings,
    ],
    counts: {
      sessions: history.sessions.length,
      calls: history.calls.length,
      events: history.events.length,
      ...order,
    },
  }
}

/** The findings as text; empty when there are none. */
export function describeFindings(findings: readonly Finding[]): string {
  return findings.map(({ promise, message }) => `${promise}: ${message}`).join('\n')
}
