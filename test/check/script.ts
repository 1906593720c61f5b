/** Histories written by hand, as short as they can be. Times and transactions are small numbers. */

import type { EventType, SessionId, Stat, Zxid } from '../../lib/index.ts'
import type { Call, Event, History, Operation, Result, Session } from './history.ts'

export type Span = readonly [start: number, end: number]

/** A stat with what matters; the rest as of a fresh persistent node of transaction `mzxid`. */
export function stat(
  mzxid: number,
  version: number,
  more: Partial<Record<keyof Stat, number>> = {},
) {
  const czxid = (more.czxid ?? (version === 0 ? mzxid : 1)) as Zxid
  return {
    czxid,
    mzxid: mzxid as Zxid,
    pzxid: (more.pzxid ?? czxid) as Zxid,
    ctime: 0,
    mtime: 0,
    version,
    cversion: more.cversion ?? 0,
    aversion: 0,
    ephemeralOwner: (more.ephemeralOwner ?? 0) as SessionId,
    dataLength: more.dataLength ?? 1,
    numChildren: more.numChildren ?? 0,
  } satisfies Stat
}

export class Script {
  readonly #sessions = new Map<string, Session>()
  readonly #calls: Call[] = []
  readonly #events: Event[] = []
  /** What each session was told so far. */
  readonly #told = new Map<string, number>()

  session(name: string, session: Partial<Session> = {}): this {
    this.#sessions.set(name, { name, id: 1_000 + this.#sessions.size, opened: 0, ...session })
    return this
  }

  /** Answers of one session come in the order in which they are written down here. */
  call(session: string, [start, end]: Span, operation: Operation, result: Result = {}): this {
    const answered = this.#place(session)
    this.#calls.push({
      session,
      index: this.#index(session),
      start,
      end,
      answered,
      operation,
      result,
    })
    return this
  }

  /** A call that is never answered. */
  lost(session: string, start: number, operation: Operation): this {
    this.#place(session)
    this.#calls.push({ session, index: this.#index(session), start, operation })
    return this
  }

  event(session: string, watch: number, type: EventType, path: string, zxid: number): this {
    const told = this.#place(session)
    const time = this.#calls.at(-1)?.end ?? 0
    this.#events.push({ session, watch, time, told, type, path, zxid })
    return this
  }

  history(): History {
    return { sessions: [...this.#sessions.values()], calls: this.#calls, events: this.#events }
  }

  #index(session: string): number {
    return this.#calls.filter(call => call.session === session).length
  }

  #place(session: string): number {
    if (!this.#sessions.has(session)) this.session(session)
    const told = this.#told.get(session) ?? 0
    this.#told.set(session, told + 1)
    return told
  }
}
