/** All that a history can be held to, in one call. */

import type { History } from './history.ts'
import { checkLinearizable, type LinearizabilityOptions } from './linearizability.ts'
import type { Finding } from './verdict.ts'

export interface Verdict {
  /** Empty when every promise was kept. */
  readonly findings: readonly Finding[]
  /** How much there was to check: proof that a clean verdict is worth something. */
  readonly counts: Readonly<Record<string, number>>
}

export function checkHistory(history: History, options?: LinearizabilityOptions): Verdict {
  const { findings, ...order } = checkLinearizable(history, options)
  return {
    findings,
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
