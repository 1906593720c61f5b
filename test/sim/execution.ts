/**
 * The committed transactions as one execution: each must be what its session's next request comes to in the state
 * before it, and be there once. So every acknowledged write is linearised by its zxid, and what a client is told can be
 * looked up.
 */

import { PERMISSIONS } from '../../lib/base/acl.ts'
import type { ErrorCode } from '../../lib/base/errors.ts'
import type { Group } from '../../lib/base/group.ts'
import { parentOf, ROOT, type ZPath } from '../../lib/base/path.ts'
import type { Outcome } from '../../lib/base/reply.ts'
import type { CreateRequest, WriteRequest } from '../../lib/base/request.ts'
import type { Txn, TxnBody } from '../../lib/base/txn.ts'
import { NO_SESSION, type SessionId, type Zxid } from '../../lib/base/zxid.ts'
import { decodePayload } from '../support/payload.ts'
import { Book, isAllowed } from './book.ts'
import { shortZxid } from './describe.ts'
import { holds, Violation } from './violation.ts'

export interface SessionPast {
  readonly id: SessionId
  readonly password: Uint8Array
  /** How its writes ended; the first one's cxid is 1. */
  readonly outcomes: Outcome[]
  open: boolean
  /** The transaction that ended it. */
  closedAt: Zxid | undefined
}

/** The request a client made under a cxid; undefined when it never made one. */
export type FindRequest = (password: Uint8Array, cxid: number) => WriteRequest | undefined

type Resolved = { readonly code: ErrorCode } | { readonly body: Partial<TxnBody>; apply(): Outcome }

export class Execution {
  readonly book = new Book()
  readonly sessions = new Map<SessionId, SessionPast>()
  readonly #findRequest: FindRequest
  readonly #dataBytesMax: number
  #zxid = 0 as Zxid
  #time = 0

  constructor(findRequest: FindRequest, dataBytesMax: number) {
    this.#findRequest = findRequest
    this.#dataBytesMax = dataBytesMax
  }

  get zxid(): Zxid {
    return this.#zxid
  }

  /** Returns the transactions of the group. */
  apply(group: Group): readonly Txn[] {
    const { time, txns } = decodePayload(group.payload)
    this.#time = time
    txns.forEach((txn, at) => {
      this.#zxid = (group.first + at) as Zxid
      this.#applyOne(txn)
    })
    return txns
  }

  #applyOne(txn: Txn): void {
    const { body, sessionId, cxid } = txn
    if (body.type === 'open') {
      const { password } = body
      const past = {
        id: sessionId,
        password: password.slice(),
        outcomes: [],
        open: true,
        closedAt: undefined,
      }
      this.sessions.set(sessionId, past)
      return
    }
    const session = this.sessions.get(sessionId)
    if (body.type === 'attach') {
      holds(!body.granted || session?.open === true, 'SessionLife', () => {
        return `${this.#here} attaches a client to session ${sessionId}, which is closed`
      })
      return
    }
    holds(session?.open === true, 'SessionLife', () => `${this.#here} is of a closed session`)
    if (body.type === 'close') this.#close(session, body.ephemerals)
    if (cxid > 0) this.#write(session, txn)
  }

  #write(session: SessionPast, { cxid, body }: Txn): void {
    holds(cxid === session.outcomes.length + 1, 'ExactlyOnce', () => {
      return `${this.#here} is write ${cxid} of its session, after ${session.outcomes.length}`
    })
    const request = this.#findRequest(session.password, cxid)
    holds(request !== undefined, 'Integrity', () => `${this.#here} was asked for by nobody`)
    if (request.kind === 'closeSession') {
      holds(body.type === 'close', 'Resolution', () => `${this.#here} should close`)
      session.outcomes.push({ zxid: this.#zxid })
      return
    }
    const resolved = this.#resolve(request, session.id)
    const expected = 'code' in resolved ? { type: 'error', code: resolved.code } : resolved.body
    for (const [name, value] of Object.entries(expected)) {
      const found = (body as unknown as Record<string, unknown>)[name]
      holds(same(found, value), 'Resolution', () => {
        const became = `${JSON.stringify(body)}, not ${JSON.stringify(expected)}`
        return `${this.#here}: ${JSON.stringify(request)} became ${became}`
      })
    }
    session.outcomes.push(
      'code' in resolved ? { zxid: this.#zxid, code: resolved.code } : resolved.apply(),
    )
  }

  #close(session: SessionPast, ephemerals: readonly ZPath[]): void {
    const expected = this.book.ephemeralsOf(session.id).sort()
    holds(same([...ephemerals].sort(), expected), 'EphemeralOwner', () => {
      return `${this.#here} closes with ${ephemerals.join()}, its session owns ${expected.join()}`
    })
    for (const path of ephemerals) this.book.delete(path, this.#zxid)
    session.open = false
    session.closedAt = this.#zxid
  }

  #resolve(request: WriteRequest, owner: SessionId): Resolved {
    const { book } = this
    const zxid = this.#zxid
    switch (request.kind) {
      case 'create':
        return this.#resolveCreate(request, owner)
      case 'set': {
        const { path, data } = request
        if (data.length > this.#dataBytesMax) return { code: 'DATA_TOO_LARGE' }
        const node = book.now(path)
        if (node === undefined) return { code: 'NO_NODE' }
        if (!isAllowed(node, PERMISSIONS.WRITE)) return { code: 'NO_AUTH' }
        const { version } = node.stat
        if (request.version !== -1 && request.version !== version) return { code: 'BAD_VERSION' }
        return {
          body: { type: 'set', path, data, version: version + 1 },
          apply: () => ({ zxid, stat: book.set(path, data, zxid, this.#time).stat }),
        }
      }
      case 'delete': {
        const { path } = request
        if (path === ROOT) return { code: 'BAD_ARGUMENTS' }
        const parent = book.now(parentOf(path))
        if (parent === undefined) return { code: 'NO_NODE' }
        if (!isAllowed(parent, PERMISSIONS.DELETE)) return { code: 'NO_AUTH' }
        const node = book.now(path)
        if (node === undefined) return { code: 'NO_NODE' }
        const { version } = node.stat
        if (request.version !== -1 && request.version !== version) return { code: 'BAD_VERSION' }
        if (node.names.length > 0) return { code: 'NOT_EMPTY' }
        const apply = (): Outcome => {
          book.delete(path, zxid)
          return { zxid }
        }
        return { body: { type: 'delete', path }, apply }
      }
      case 'sync':
        return { body: { type: 'sync' }, apply: () => ({ zxid }) }
      case 'closeSession':
        throw new Violation('Resolution', 'a close is not resolved')
    }
  }

  #resolveCreate(request: CreateRequest, session: SessionId): Resolved {
    const { book } = this
    const zxid = this.#zxid
    const { data, acl, ephemeral } = request
    if (data.length > this.#dataBytesMax) return { code: 'DATA_TOO_LARGE' }
    const missing: ZPath[] = []
    let ancestor = parentOf(request.path)
    for (; book.now(ancestor) === undefined; ancestor = parentOf(ancestor))
      missing.unshift(ancestor)
    if (missing.length > 0 && !request.parents) return { code: 'NO_NODE' }
    const parent = book.now(ancestor)!
    if (!isAllowed(parent, PERMISSIONS.CREATE)) return { code: 'NO_AUTH' }
    const creates = missing.length > 0 ? 0 : parent.creates
    const path = request.sequential ? book.sequential(request.path, creates) : request.path
    if (book.now(path) !== undefined) return { code: 'NODE_EXISTS' }
    if (parent.stat.ephemeralOwner !== NO_SESSION) return { code: 'NO_CHILDREN_FOR_EPHEMERALS' }
    const apply = (): Outcome => {
      for (const above of missing) {
        book.create(above, new Uint8Array(0), NO_SESSION, zxid, this.#time)
      }
      const owner = ephemeral ? session : NO_SESSION
      const { stat } = book.create(path, data, owner, zxid, this.#time, acl)
      return { zxid, path, stat }
    }
    return { body: { type: 'create', path, data, acl, ephemeral, parents: missing.length }, apply }
  }

  get #here(): string {
    return `transaction ${shortZxid(this.#zxid)}`
  }
}

/** Deep equality of the plain values that transactions and answers are made of. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  const keys = Object.keys(a)
  const other = b as Record<string, unknown>
  if (keys.length !== Object.keys(b).length) return false
  return keys.every(key => same((a as Record<string, unknown>)[key], other[key]))
}
