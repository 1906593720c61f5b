/**
 * The order of transactions against the order of time, without a search: cheaper than linearizability, and independent
 * of it. What was seen by anybody before a write was asked for comes before that write; what was seen before a read
 * was, or by its own session, the read must show too.
 */

import type { Stat } from '../../lib/index.ts'
import type { ChangeKind, Facts, Tale } from './facts.ts'
import { answerOf, type Call, describeCall, isRead } from './history.ts'
import type { Timeline } from './timeline.ts'
import type { Finding, Promised } from './verdict.ts'

export function checkZxids(facts: Facts, timelines: readonly Timeline[]): Finding[] {
  const findings: Finding[] = []
  const hold = (condition: boolean, promise: Promised, call: Call, why: string): void => {
    if (!condition) findings.push({ promise, message: `${why}: ${describeCall(call)}` })
  }
  for (const [one, other] of facts.twins) {
    hold(false, 'OneVersion', other, `its transaction is that of ${describeCall(one)}`)
  }
  for (const { writes, reads } of timelines) {
    let last = 0
    for (const { call } of writes) {
      const zxid = call === undefined ? undefined : facts.zxidOf(call)
      if (call === undefined || zxid === undefined) continue
      hold(zxid > last, 'SessionOrder', call, `transaction ${last} of its session came before`)
      const known = facts.known.before(call.start)
      hold(zxid > known, 'RealTimeOrder', call, `${known} was seen before it was asked for`)
      last = zxid
    }
    for (const { call, start } of reads) checkRead(facts, call!, facts.known.before(start), hold)
  }
  for (const tale of facts.tales) checkSession(facts, tale, hold)
  checkVersions(facts, hold)
  return findings
}

type Hold = (condition: boolean, promise: Promised, call: Call, why: string) => void

/** A read shows all changes up to a zxid that was seen before it could have been answered. */
function checkRead(facts: Facts, call: Call, known: number, hold: Hold): void {
  const { result } = call
  if (result?.zxid !== undefined) {
    hold(result.zxid >= known, 'NotRolledBack', call, `${known} was seen before`)
  }
  const missed = missedBy(facts, call, known)
  hold(missed === undefined, 'NotRolledBack', call, `does not show ${missed}, seen before`)
}

/** A change of what the read shows, up to a zxid, that it does not show. */
function missedBy(facts: Facts, { operation, result }: Call, upTo: number): number | undefined {
  if (!isRead(operation) || result?.stat === undefined) return undefined
  const { stat } = result
  const shown: readonly (readonly [ChangeKind, number])[] = [
    ['node', stat.mzxid],
    ['child', Math.max(stat.pzxid, stat.czxid)],
  ]
  for (const [kind, zxid] of shown) {
    const change = facts.lastChange(kind, operation.path, upTo)
    if (change > zxid) return change
  }
  return undefined
}

function checkSession(facts: Facts, { answers, seen }: Tale, hold: Hold): void {
  let written = 0
  for (const call of answers) {
    if (isRead(call.operation)) {
      const before = seen.before(call.answered!)
      const { zxid } = call.result!
      hold(zxid === undefined || zxid >= before, 'SessionOrder', call, `shows less than ${before}`)
      const own = missedBy(facts, call, written)
      hold(own === undefined, 'ReadYourWrites', call, `does not show ${own}, before its own write`)
      const earlier = own ?? missedBy(facts, call, before)
      const promise = own === undefined ? 'MonotonicReads' : 'ReadYourWrites'
      hold(earlier === undefined, promise, call, `does not show ${earlier}, seen by the session`)
    } else {
      written = Math.max(written, facts.zxidOf(call) ?? 0)
    }
  }
}

/** What two answers tell of the same version of a node is the same. */
function checkVersions(facts: Facts, hold: Hold): void {
  const versions = new Map<string, string>()
  const agree = (name: string, content: string, call: Call): void => {
    const known = versions.get(name)
    if (known === undefined) versions.set(name, content)
    hold((known ?? content) === content, 'OneVersion', call, `another answer says ${known}`)
  }
  for (const { answers } of facts.tales) {
    for (const call of answers) {
      const { operation } = call
      const answer = answerOf(call)
      if (answer?.stat === undefined || !('path' in operation)) continue
      const path = answer.path ?? operation.path
      const { stat } = answer
      agree(`${path} at ${stat.mzxid}`, versionOf(stat), call)
      agree(`${path} from ${stat.czxid}`, `owner ${stat.ephemeralOwner} since ${stat.ctime}`, call)
      const data = answer.data ?? ('data' in operation ? operation.data : undefined)
      if (data !== undefined) agree(`data of ${path} at ${stat.mzxid}`, data, call)
    }
  }
}

function versionOf({ version, czxid, mtime, dataLength }: Stat): string {
  return `version ${version} of ${czxid}, ${dataLength} bytes, changed at ${mtime}`
}
