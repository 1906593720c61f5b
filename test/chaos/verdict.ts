/** What a round's history proves: each promise that was broken, in words. */

import { checkHistory, describeFindings } from '../check/check-history.ts'
import type { History } from '../check/history.ts'
import type { Counters } from './counters.ts'

export function findingsOf(history: History, counters: Counters): string[] {
  const { findings, counts } = checkHistory(history)
  counters.count('steps ordered', counts.steps ?? 0)
  counters.count('trees left', counts.treesLeft ?? 0)
  const problems: string[] = []
  for (const finding of findings) {
    // The search gave up: neither right nor wrong.
    if (finding.promise === 'Undecided') counters.count('undecided')
    else problems.push(describeFindings([finding]))
  }
  for (const { session, index, operation, result } of history.calls) {
    const what = `${session}#${index} ${operation.kind}`
    if (result === undefined) problems.push(`${what} was never answered`)
    if (result?.code === 'PEER_FAILED') problems.push(`${what}: the session broke an invariant`)
  }
  return problems
}
