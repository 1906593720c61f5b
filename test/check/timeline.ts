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
 * - Known transactions tell more of the time, which holds across all parts that the history may be taken apart into:
 *   who was shown a transaction was shown it after all before it, and a session that was shown one reads nothing older.
 */

import type { Ascending, Facts } from './facts.ts'
import { Hints } from './hints.ts'
import { answerOf, type Call, type History, isRead, type Session } from './history.ts'

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

/** The timelines of all sessions that made a call. */
export function timelinesOf(history: History, facts: Facts): Timeline[] {
  const seen = new Map(facts.tales.map(tale => [tale.session, tale.seen]))
  const hints = new Hints(history)
  const bySession = new Map<string, Call[]>()
  for (const call of history.calls) {
    const calls = bySession.get(call.session)
    if (calls === undefined) bySession.set(call.session, [call])
    else calls.push(call)
  }
  return history.sessions.flatMap(session => {
    const calls = bySession.get(session.name)?.sort((a, b) => a.index - b.index)
    return calls === undefined
      ? []
      : [timelineOf(session, calls, hints, new Bounds(facts, seen.get(session)!))]
  })
}

/** What known transactions tell of the times of one session's calls. */
class Bounds {
  readonly #facts: Facts
  readonly #seen: Ascending

  constructor(facts: Facts, seen: Ascending) {
    this.#facts = facts
    this.#seen = seen
  }

  /** An answered read shows what was asked for by then. */
  startOf(read: Call): number {
    return this.#facts.begun.before(this.#seen.before(read.answered!) + 1)
  }

  /** An answered write was done by then, whenever its own session was told. */
  endOf(write: Call): number {
    const zxid = this.#facts.zxidOf(write)
    const shown = zxid === undefined ? undefined : this.#facts.known.keyReaching(zxid)
    return Math.min(write.end!, shown ?? NEVER)
  }
}

function timelineOf(
  session: Session,
  calls: readonly Call[],
  hints: Hints,
  bounds: Bounds,
): Timeline {
  const writes: Timed[] = []
  const reads: Timed[] = []
  let knownFrom = session.opened
  let closed = false
  let closing = false
  for (const call of calls) {
    // What is asked after the close is refused on the spot.
    if (closing && answerOf(call) === undefined) continue
    const answer = answerOf(call)
    const read = isRead(call.operation)
    if (read && answer === undefined) continue
    if (!read && answer !== undefined) knownFrom = call.start
    const timed: Timed = {
      call,
      session,
      isEnd: call.operation.kind === 'close',
      start: read ? Math.max(knownFrom, bounds.startOf(call)) : call.start,
      end: answer === undefined ? NEVER : read ? call.end! : bounds.endOf(call),
      required: answer !== undefined,
      place: call.index,
      hint: hints.of(call),
    }
    if (timed.isEnd) closing = true
    if (timed.isEnd && timed.required) closed = true
    if (read) reads.push(timed)
    else writes.push(timed)
  }
  if (!closed) writes.push(endOf(session, knownFrom, hints))
  return { session, writes: tightened(writes), reads: tightened(reads) }
}

/** A session that was not closed may have been given up at any time, and has been when its client was told so. */
function endOf(session: Session, start: number, hints: Hints): Timed {
  const { expired } = session
  return {
    call: undefined,
    session,
    isEnd: true,
    start,
    end: expired ?? NEVER,
    required: expired !== undefined,
    place: NEVER,
    hint: hints.ofEnd(session),
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
