/**
 * The histories of all clients of a run against what any client may rely on, apart from the book of committed
 * transactions: a second opinion, formed from questions and answers alone. It costs more than the run itself, so only
 * some runs have it.
 */

import { checkHistory } from '../check/check-history.ts'
import { type History, mergeHistories } from '../check/history.ts'
import type { Counters } from './counters.ts'
import { Violation } from './violation.ts'

/** One run in so many keeps its history: then checking them takes less than a tenth of the time of all. */
const RECORD_EVERY = 63

/** Most histories are ordered after a few thousand steps; the few that are not would take millions, or for ever. */
const BUDGET = 10_000

export function isRecorded(seed: number): boolean {
  return seed % RECORD_EVERY === 0
}

export function checkClients(histories: readonly History[], counters: Counters): void {
  const verdict = checkHistory(mergeHistories(histories), { budget: BUDGET })
  const { counts } = verdict
  counters.add('histories checked')
  const { calls = 0, events = 0, tried = 0 } = counts
  counters.add('calls in histories', calls)
  counters.add('events in histories', events)
  counters.add('steps tried to order histories', tried)
  const findings = verdict.findings.filter(({ promise }) => promise !== 'Undecided')
  if (findings.length < verdict.findings.length) counters.add('histories not decided')
  const [first] = findings
  if (first !== undefined) throw new Violation('History', `${first.promise}: ${first.message}`)
}
