/**
 * Transactions: requests resolved by the leader so that applying them needs no clock, no choice and no check. A
 * group's payload is the leader's time followed by its transactions; the n-th has the zxid `group.first + n`.
 * A request that failed travels as an `error` transaction, so failures stand in the same total order as successes.
 */

import type { Acl } from './acl.ts'
import { readAcl, writeAcl } from './acl-codec.ts'
import { ByteReader, ByteWriter, MalformedError } from './bytes.ts'
import { type ErrorCode, errorFromWire, errorToWire } from './errors.ts'
import type { ZPath } from './path.ts'
import type { SessionId, Sid } from './zxid.ts'

/** What a transaction does. `path`s are final: sequence numbers are assigned, versions resolved. */
export type TxnBody =
  | {
      readonly type: 'open'
      readonly owner: Sid
      readonly connection: number
      readonly timeoutMs: number
      readonly password: Uint8Array
    }
  | {
      readonly type: 'attach'
      readonly owner: Sid
      readonly connection: number
      /** False when the session is unknown (expired) or the password wrong: only the answer travels. */
      readonly granted: boolean
    }
  /** Names each ephemeral it removes, so that every replay removes the same ones. */
  | { readonly type: 'close'; readonly ephemerals: readonly ZPath[] }
  | {
      readonly type: 'create'
      readonly path: ZPath
      readonly data: Uint8Array
      readonly acl: Acl
      readonly ephemeral: boolean
      /** How many of the nearest ancestors are missing and created first. */
      readonly parents: number
    }
  | { readonly type: 'delete'; readonly path: ZPath }
  | {
      readonly type: 'set'
      readonly path: ZPath
      readonly data: Uint8Array
      /** The version the node has afterwards. */
      readonly version: number
    }
  | { readonly type: 'sync' }
  | { readonly type: 'error'; readonly code: ErrorCode }

export interface TxnHeader {
  readonly sessionId: SessionId
  /** The session's count of writes; 0 for transactions that are not a client's write (open, attach, expiry). */
  readonly cxid: number
  /** Results older than `cxid - unanswered` are not needed any more. */
  readonly unanswered: number
  /** Digest of the whole tree after this transaction; compared by every peer when it applies it. */
  readonly digest: number
}

export type Txn = TxnHeader & { readonly body: TxnBody }

const TYPES = {
  open: 1,
  attach: 2,
  close: 3,
  create: 4,
  delete: 5,
  set: 6,
  sync: 7,
  error: 8,
} as const

function writeBody(out: ByteWriter, body: TxnBody): void {
  switch (body.type) {
    case 'open':
      out.u8(body.owner)
      out.u53(body.connection)
      out.u32(body.timeoutMs)
      out.bytes(body.password)
      return
    case 'attach':
      out.u8(body.owner)
      out.u53(body.connection)
      out.bool(body.granted)
      return
    case 'close':
      out.u32(body.ephemerals.length)
      for (const path of body.ephemerals) out.text(path)
      return
    case 'create':
      out.text(body.path)
      out.bytes(body.data)
      writeAcl(out, body.acl)
      out.bool(body.ephemeral)
      out.u16(body.parents)
      return
    case 'delete':
      out.text(body.path)
      return
    case 'set':
      out.text(body.path)
      out.bytes(body.data)
      out.i32(body.version)
      return
    case 'sync':
      return
    case 'error':
      out.u8(errorToWire(body.code))
  }
}

function readSessionBody(type: number, from: ByteReader): TxnBody {
  switch (type) {
    case TYPES.open:
      return {
        type: 'open',
        owner: from.u8() as Sid,
        connection: from.u53(),
        timeoutMs: from.u32(),
        password: from.bytes().slice(),
      }
    case TYPES.attach:
      return {
        type: 'attach',
        owner: from.u8() as Sid,
        connection: from.u53(),
        granted: from.bool(),
      }
    case TYPES.close:
      return {
        type: 'close',
        ephemerals: Array.from({ length: from.u32() }, () => from.text() as ZPath),
      }
    default:
      throw new MalformedError(`unknown transaction ${type}`)
  }
}

function readBody(type: number, from: ByteReader): TxnBody {
  switch (type) {
    case TYPES.set:
      return {
        type: 'set',
        path: from.text() as ZPath,
        data: from.bytes(),
        version: from.i32(),
      }
    case TYPES.create:
      return {
        type: 'create',
        path: from.text() as ZPath,
        data: from.bytes(),
        acl: readAcl(from),
        ephemeral: from.bool(),
        parents: from.u16(),
      }
    case TYPES.delete:
      return { type: 'delete', path: from.text() as ZPath }
    case TYPES.sync:
      return { type: 'sync' }
    case TYPES.error: {
      const code = errorFromWire(from.u8())
      if (code === undefined) throw new MalformedError('error transaction without a code')
      return { type: 'error', code }
    }
    default:
      return readSessionBody(type, from)
  }
}

function writeTxn(out: ByteWriter, txn: Txn): void {
  out.u8(TYPES[txn.body.type])
  out.u53(txn.sessionId)
  out.u53(txn.cxid)
  out.u16(txn.unanswered)
  out.u53(txn.digest)
  writeBody(out, txn.body)
}

const HEADER_BYTES = 12

/** Builds a group's payload, one transaction after the other. */
export class PayloadWriter {
  readonly #out = new ByteWriter(4096)
  #count = 0

  get count(): number {
    return this.#count
  }

  get length(): number {
    return this.#out.length
  }

  /** `time` is the leader's clock in milliseconds since 1970: one reading for the whole group. */
  begin(time: number): void {
    this.#out.reset()
    this.#out.u53(time)
    this.#out.u32(0)
    this.#count = 0
  }

  add(txn: Txn): void {
    writeTxn(this.#out, txn)
    this.#count++
  }

  take(): Uint8Array {
    this.#out.setU32(HEADER_BYTES - 4, this.#count)
    this.#count = 0
    return this.#out.take()
  }
}

/** Reads a group's payload, one transaction after the other. Data of creates and sets are views on it. */
export class PayloadReader {
  /** The leader's clock when it made the group. */
  readonly time: number
  readonly count: number
  readonly #from: ByteReader
  #left: number

  constructor(payload: Uint8Array) {
    const from = new ByteReader(payload)
    this.#from = from
    this.time = from.u53()
    this.count = from.u32()
    this.#left = this.count
  }

  /** Undefined after the last one. */
  next(): Txn | undefined {
    if (this.#left === 0) return undefined
    this.#left--
    const from = this.#from
    const type = from.u8()
    const sessionId = from.u53() as SessionId
    const cxid = from.u53()
    const unanswered = from.u16()
    const digest = from.u53()
    return { sessionId, cxid, unanswered, digest, body: readBody(type, from) }
  }
}
