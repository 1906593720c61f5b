/**
 * What one simulated client asked and was told, as a history that can be checked by others than the simulator's own
 * book. Times are the order in which things happened: in one thread, one by one.
 */

import { PERMISSIONS } from '../../lib/base/acl.ts'
import type { Reply, WatchEvent } from '../../lib/base/reply.ts'
import type { ReadRequest, WriteRequest } from '../../lib/base/request.ts'
import { NO_SESSION, type SessionId } from '../../lib/base/zxid.ts'
import type { Call, Event, History, Operation, Result } from '../check/history.ts'
import type { SessionPast } from './execution.ts'
import type { SimCall } from './sim-call.ts'

/** Numbers what happens to all clients of a run. */
export class Order {
  #last = 0

  next(): number {
    return ++this.#last
  }
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] }

const NOTHING: History = { sessions: [], calls: [], events: [] }

export class ClientRecord {
  readonly #name: string
  readonly #order: Order
  readonly #opened: number
  readonly #calls: Mutable<Call>[] = []
  readonly #byCall = new Map<SimCall, Mutable<Call>>()
  /** Calls whose end is not known, answered or not. */
  readonly #unsure = new Map<Mutable<Call>, SimCall>()
  readonly #events: Event[] = []
  #told = 0
  #expired: number | undefined

  constructor(name: string, order: Order) {
    this.#name = name
    this.#order = order
    this.#opened = order.next()
  }

  /** The number of the next call. */
  get next(): number {
    return this.#calls.length
  }

  asked(call: SimCall): void {
    const entry = {
      session: this.#name,
      index: this.#calls.length,
      start: this.#order.next(),
      operation: operationOf(call.request),
    }
    this.#calls.push(entry)
    this.#byCall.set(call, entry)
    this.#unsure.set(entry, call)
  }

  /** `sure`: its end is the ensemble's word, not only its client's. */
  settled(call: SimCall, sure: boolean): void {
    const entry = this.#byCall.get(call)
    if (entry === undefined) return
    this.#byCall.delete(call)
    const { reply, failure, request } = call
    entry.end = this.#order.next()
    entry.answered = this.#told++
    if (reply === undefined) entry.result = { code: failure }
    else entry.result = sure ? resultOf(request, reply) : { code: 'OPERATION_TIMEOUT' }
    if (reply !== undefined) this.#unsure.delete(entry)
  }

  /** The watch that the call with this number left was told. */
  told(index: number, { type, path, zxid }: WatchEvent): void {
    const told = this.#told++
    const time = this.#order.next()
    this.#events.push({ session: this.#name, watch: index, time, told, type, path, zxid })
  }

  expired(): void {
    this.#expired = this.#order.next()
  }

  /**
   * `steady`: one connection was all it ever had, and its peer never jumped. `past`: what became of the session, which
   * only says where to look first.
   */
  history(id: SessionId, steady: boolean, past: SessionPast | undefined): History {
    // Before a session has its number, nothing is asked of anybody.
    if (id === NO_SESSION) return NOTHING
    for (const [entry, { cxid }] of this.#unsure) {
      const outcome = past?.outcomes[cxid - 1]
      if (outcome !== undefined && outcome.code === undefined) entry.guess = outcome.zxid
    }
    const session = {
      name: this.#name,
      id,
      opened: this.#opened,
      expired: this.#expired,
      steady,
      endGuess: past?.closedAt,
    }
    return { sessions: [session], calls: this.#calls, events: this.#events }
  }
}

function textOf(data: Uint8Array): string {
  return Buffer.from(data).toString()
}

function operationOf(request: ReadRequest | WriteRequest): Operation {
  switch (request.kind) {
    case 'create': {
      const { kind, path, data, ephemeral, sequential, parents, acl } = request
      const permissions = acl[0]?.permissions ?? PERMISSIONS.ALL
      return { kind, path, data: textOf(data), ephemeral, sequential, parents, permissions }
    }
    case 'set':
      return { ...request, data: textOf(request.data) }
    case 'closeSession':
      return { kind: 'close' }
    default:
      return request
  }
}

function resultOf({ kind }: ReadRequest | WriteRequest, reply: Reply): Result {
  const { code, path, stat, names, data, zxid } = reply
  if (kind === 'closeSession') return { code }
  const text = data === undefined ? undefined : textOf(data)
  return { code, path, stat, names, data: text, zxid }
}
