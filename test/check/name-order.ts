/** Names and owners: sequence numbers grow and never come back, and no ephemeral node outlives its session. */

import type { Facts } from './facts.ts'
import { answerOf, type Call, describeCall, type History, isRead, parentPath } from './history.ts'
import type { Timeline } from './timeline.ts'
import type { Finding } from './verdict.ts'

const DIGITS = 10

/** Sequence numbers of one parent, as long as it cannot have been deleted: they begin again with a new parent. */
export function checkSequences({ calls }: History, facts: Facts): Finding[] {
  const byParent = new Map<string, Call[]>()
  for (const call of calls) {
    const path = answerOf(call)?.path
    if (call.operation.kind !== 'create' || !call.operation.sequential || path === undefined) {
      continue
    }
    const parent = parentPath(path)
    if (isOnDeletable(parent, facts)) continue
    const made = byParent.get(parent)
    if (made === undefined) byParent.set(parent, [call])
    else made.push(call)
  }
  return [...byParent.values()].flatMap(checkNumbers)
}

function isOnDeletable(path: string, facts: Facts): boolean {
  for (let at = path; at !== '/'; at = parentPath(at)) if (facts.mayHaveGone(at)) return true
  return false
}

function numberOf(call: Call): number {
  return Number(call.result!.path!.slice(-DIGITS))
}

function checkNumbers(calls: readonly Call[]): Finding[] {
  const findings: Finding[] = []
  const report = (call: Call, why: string): void => {
    findings.push({ promise: 'SequenceOrder', message: `${why}: ${describeCall(call)}` })
  }
  const used = new Map<number, Call>()
  const ofSession = new Map<string, number>()
  const byEnd = [...calls].sort((a, b) => a.end! - b.end!)
  let over = 0
  let largest = -1
  for (const call of [...calls].sort((a, b) => a.start - b.start || a.index - b.index)) {
    for (; over < byEnd.length && byEnd[over]!.end! < call.start; over++) {
      largest = Math.max(largest, numberOf(byEnd[over]!))
    }
    const number = numberOf(call)
    const twin = used.get(number)
    if (twin !== undefined) report(call, `${number} was given before`)
    used.set(number, call)
    const own = ofSession.get(call.session) ?? -1
    if (number <= Math.max(largest, own)) report(call, `${Math.max(largest, own)} came before`)
    ofSession.set(call.session, Math.max(own, number))
  }
  return findings
}

/** No answer shows an ephemeral node of a session that was known to be over, or of nobody. */
export function checkOwners(history: History, timelines: readonly Timeline[]): Finding[] {
  const findings: Finding[] = []
  const overAt = new Map<number, number>()
  for (const { session, writes } of timelines) {
    const end = writes.find(({ isEnd, required }) => isEnd && required)
    overAt.set(session.id, end?.end ?? Number.POSITIVE_INFINITY)
  }
  for (const { id } of history.sessions) {
    if (!overAt.has(id)) overAt.set(id, Number.POSITIVE_INFINITY)
  }
  for (const { reads } of timelines) {
    for (const { call, start } of reads) {
      const owner = call?.result?.stat?.ephemeralOwner ?? 0
      if (call === undefined || (owner as number) === 0 || !isRead(call.operation)) continue
      const over = overAt.get(owner)
      if (over !== undefined && over >= start) continue
      const why = over === undefined ? 'no session has this id' : `its owner ended by ${over}`
      findings.push({ promise: 'EphemeralOwner', message: `${why}: ${describeCall(call)}` })
    }
  }
  return findings
}
