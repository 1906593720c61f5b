/**
 * A session's calls as the search for an order needs them: between which moments each took effect, what must have
 * happened and what only may have, and what comes before what.
 *
 * - Writes of a session take effect in the order of its calls, also those that were not answered.
 * - A read shows a state at least as new as the session's last answered write, `sync` among them, and as every earlier
 *   read. So it may be placed anywhere between that write's call and its own answer: a plain read may be stale, a read
 *   after a `sync` may not.
 * - A read that had to be asked again after the loss of a peer may show a later write of its own session; so no read is
 *   held to come before a write unless it was over by then.
 * - The session's end takes its ephemeral nodes, after all its answered writes and before its client was told.
 */

import { answerOf, type Call, type History, isRead, type Session, zxidOf } from './history.ts'

export interface Timed {
  /** Undefined for the end of a session that its client did not ask for, and for a fence. */
  readonly call: Call | undefined
  readonly session: Session
  readonly isEnd: boolean
  readonly start: number
  readonly end: number
  readonly required: boolean
  /** `index` of the call; beyond all others for the end. */
  readonly place: number
  readonly hint: number
}

export interface Timeline {
  readonly session: Session
  readonly writes: readonly Timed[]
  readonly reads: readonly Timed[]
}

const NEVER = Number.POSITIVE_INFINITY

/** A place in the order for each call, by the transactions that are known: writes are tried in this order. */
export class Hints {
  /** Transactions that set the data of a node, by path and data. */
  readonly #seen = new Map<string, number>()
  /** Ends of answered writes, and the largest transaction known by then. */
  readonly #ends: number[] = []
  readonly #zxids: number[] = []

  constructor(calls: readonly Call[]) {
    for (const { operation, result } of calls) {
      if (operation.kind !== 'get' || result?.stat === undefined) continue
      this.#seen.set(`${operation.path}\n${result.data}`, result.stat.mzxid)
    }
    let largest = 0
    const ended = calls.filter(call => call.end !== undefined && zxidOf(call) !== undefined)
    for (const call of ended.sort((a, b) => a.end! - b.end!)) {
      largest = Math.max(largest, zxidOf(call)!)
      this.#ends.push(call.end!)
      this.#zxids.push(largest)
    }
  }

  of(call: Call): number {
    const known = zxidOf(call) ?? this.#observed(call)
    if (known !== undefined) return known
    return answerOf(call) === undefined ? NEVER : this.#by(call.end!)
  }

  #observed({ operation, result }: Call): number | undefined {
    if (operation.kind !== 'create' && operation.kind !== 'set') return undefined
    return this.#seen.get(`${result?.path ?? operation.path}\n${operation.data}`)
  }

  #by(time: number): number {
    let low = 0
    let high = this.#ends.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#ends[middle]! <= time) low = middle + 1
      else high = middle
    }
    return (this.#zxids[low - 1] ?? 0) + 0.5
  }
}

/** The timelines of all sessions that made a call. */
export function timelinesOf(history: History): Timeline[] {
  const hints = new Hints(history.calls)
  const bySession = new Map<string, Call[]>()
  for (const call of history.calls) {
    const calls = bySession.get(call.session)
    if (calls === undefined) bySession.set(call.session, [call])
    else calls.push(call)
  }
  return history.sessions.flatMap(session => {
    const calls = bySession.get(session.name)?.sort((a, b) => a.index - b.index)
    return calls === undefined ? [] : [timelineOf(session, calls, hints)]
  })
}

function timelineOf(session: Session, calls: readonly Call[], hints: Hints): Timeline {
  const writes: Timed[] = []
  const reads: Timed[] = []
  let knownFrom = session.opened
  let closed = false
  for (const call of calls) {
    const answer = answerOf(call)
    const read = isRead(call.operation)
    if (read && answer === undefined) continue
    if (!read && answer !== undefined) knownFrom = call.start
    const timed: Timed = {
      call,
      session,
      isEnd: call.operation.kind === 'close',
      start: read ? knownFrom : call.start,
      end: answer === undefined ? NEVER : call.end!,
      required: answer !== undefined,
      place: call.index,
      hint: hints.of(call),
    }
    if (timed.isEnd && timed.required) closed = true
    if (read) reads.push(timed)
    else writes.push(timed)
  }
  if (!closed) writes.push(endOf(session, knownFrom))
  return { session, writes: tightened(writes), reads: tightened(reads) }
}

/** A session that was not closed may have been given up at any time, and has been when its client was told so. */
function endOf(session: Session, start: number): Timed {
  const { expired } = session
  return {
    call: undefined,
    session,
    isEnd: true,
    start,
    end: expired ?? NEVER,
    required: expired !== undefined,
    place: NEVER,
    hint: NEVER,
  }
}

/** What comes before something has happened when that has. */
function tightened(line: readonly Timed[]): Timed[] {
  let end = NEVER
  return line
    .toReversed()
    .map(timed => {
      if (timed.required) end = Math.min(end, timed.end)
      return { ...timed, end: timed.required ? end : timed.end }
    })
    .reverse()
}

/** For each write, the next one that must have happened. */
export function nextRequired(writes: readonly Timed[]): (Timed | undefined)[] {
  const next: (Timed | undefined)[] = []
  let required: Timed | undefined
  for (let at = writes.length - 1; at >= 0; at--) {
    next[at] = required
    if (writes[at]!.required) required = writes[at]
  }
  return next
}
