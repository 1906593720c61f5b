/**
 * What clients of one ensemble did and were told: plain data, so that a thread or process can write it down and another
 * can check it later. Nothing here knows how the ensemble works inside; only types of the public results are used.
 *
 * Times are readings of one clock that all who write share, in any unit: `a.end < b.start` means that b was made when a
 * was over. Places (`answered`, `told`) count what one session was told, answers and watch events together, in order.
 */

import type { ErrorCode, EventType, Stat } from '../../lib/index.ts'

export type ReadKind = 'get' | 'exists' | 'children'

export interface Create {
  readonly kind: 'create'
  /** As given: of a sequential node, the beginning of its path. */
  readonly path: string
  readonly data: string
  readonly ephemeral?: boolean
  readonly sequential?: boolean
  readonly parents?: boolean
  /** What anyone may do with it; everything by default. */
  readonly permissions?: number
}

export interface Change {
  readonly kind: 'set' | 'delete'
  readonly path: string
  /** Of a set. */
  readonly data?: string
  /** Expected version, or -1 for any. */
  readonly version: number
}

export interface Read {
  readonly kind: ReadKind
  readonly path: string
  /** It leaves a watch when it is answered so; the watch is known by the read's `index`. */
  readonly watch?: boolean
}

export interface Sync {
  readonly kind: 'sync' | 'close'
}

export type Operation = Create | Change | Read | Sync

export interface Result {
  readonly code?: ErrorCode | undefined
  /** Of a create. */
  readonly path?: string | undefined
  /** Of a get. */
  readonly data?: string | undefined
  readonly stat?: Stat | undefined
  /** Of children. */
  readonly names?: readonly string[] | undefined
  /** The write's transaction, or the state a read was answered from, where the writer of the history can see it. */
  readonly zxid?: number | undefined
}

export interface Call {
  readonly session: string
  /** Place in the order in which the session's calls were made. */
  readonly index: number
  readonly start: number
  /** Absent when it was never answered. */
  readonly end?: number | undefined
  readonly answered?: number | undefined
  readonly operation: Operation
  readonly result?: Result | undefined
  /** Of a write not answered: the transaction it became, if the writer knows. Looked at first, not believed. */
  readonly guess?: number | undefined
}

/** A watch function was called. */
export interface Event {
  readonly session: string
  /** `index` of the read that left the watch. */
  readonly watch: number
  readonly time: number
  readonly told: number
  readonly type: EventType
  readonly path: string
  readonly zxid: number
}

export interface Session {
  readonly name: string
  /** The ensemble's number for it. */
  readonly id: number
  /** When it was asked for. */
  readonly opened: number
  /** When its client was told that the ensemble had given it up. */
  readonly expired?: number | undefined
  /** As `guess` of a call: the transaction that ended it. */
  readonly endGuess?: number | undefined
  /** Nothing ever came between it and its peer. */
  readonly steady?: boolean | undefined
}

export interface History {
  readonly sessions: readonly Session[]
  readonly calls: readonly Call[]
  readonly events: readonly Event[]
}

/** Ways to end that leave open whether a write was done. */
const UNCERTAIN: ReadonlySet<ErrorCode | undefined> = new Set([
  'CONNECTION_LOSS',
  'OPERATION_TIMEOUT',
  'SESSION_EXPIRED',
  'CLOSED',
  'PEER_FAILED',
] as const)

export function isRead(operation: Operation): operation is Read {
  const { kind } = operation
  return kind === 'get' || kind === 'exists' || kind === 'children'
}

/** The result, if the call has one that says what was done. */
export function answerOf(call: Call): Result | undefined {
  return call.result === undefined || UNCERTAIN.has(call.result.code) ? undefined : call.result
}

/** The transaction a write is known to have become. */
export function zxidOf(call: Call): number | undefined {
  const answer = answerOf(call)
  if (answer === undefined || isRead(call.operation)) return undefined
  return answer.zxid ?? (answer.code === undefined ? answer.stat?.mzxid : undefined)
}

export function parentPath(path: string): string {
  const cut = path.lastIndexOf('/')
  return cut <= 0 ? '/' : path.slice(0, cut)
}

/** Histories of the same ensemble as one. */
export function mergeHistories(parts: readonly History[]): History {
  return {
    sessions: parts.flatMap(part => part.sessions),
    calls: parts.flatMap(part => part.calls),
    events: parts.flatMap(part => part.events),
  }
}

/** A call as a line to read. */
export function describeCall(call: Call): string {
  const { session, index, operation, result, start, end } = call
  const asked = Object.entries(operation)
    .filter(([name]) => name !== 'kind')
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  const told = result === undefined ? 'no answer' : JSON.stringify(result)
  return `${session}#${index} ${operation.kind} ${asked.join(' ')} -> ${told} [${start}, ${end}]`
}
