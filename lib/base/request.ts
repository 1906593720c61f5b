/**
 * What a client says to its peer, and what a peer passes on to the leader. Both are packed frames; a frame holds any
 * number of messages. Paths and sizes were checked by the client's handle; the receiving peer trusts its own process.
 *
 * Every write of a session carries a `cxid`, counted from 1 without gaps over the whole life of the session. The
 * replicated state remembers the last one applied, so a write that is sent again after a fail-over is done once.
 */

import type { Acl } from './acl.ts'
import { readAcl, writeAcl } from './acl-codec.ts'
import { assert } from './assert.ts'
import { type ByteReader, type ByteWriter, MalformedError } from './bytes.ts'
import type { ZPath } from './path.ts'
import type { SessionId, Sid, Zxid } from './zxid.ts'

export interface CreateRequest {
  readonly kind: 'create'
  /** The final path, or the prefix of a sequential one (which may end in `/`). */
  readonly path: ZPath
  readonly data: Uint8Array
  readonly acl: Acl
  readonly ephemeral: boolean
  readonly sequential: boolean
  /** Create missing ancestors too, persistent, empty and open, in the same transaction. */
  readonly parents: boolean
}

export interface DeleteRequest {
  readonly kind: 'delete'
  readonly path: ZPath
  /** Expected data version, or -1 for any. */
  readonly version: number
}

export interface SetRequest {
  readonly kind: 'set'
  readonly path: ZPath
  readonly data: Uint8Array
  /** Expected data version, or -1 for any. */
  readonly version: number
}

/** A quorum round that changes nothing: what is read after its reply is at least as new as its call. */
export interface SyncRequest {
  readonly kind: 'sync'
}

export interface CloseSessionRequest {
  readonly kind: 'closeSession'
}

export type WriteRequest =
  | CreateRequest
  | DeleteRequest
  | SetRequest
  | SyncRequest
  | CloseSessionRequest

export interface ReadRequest {
  readonly kind: 'get' | 'exists' | 'children'
  readonly path: ZPath
  readonly watch: boolean
}

export function isRead(request: ReadRequest | WriteRequest): request is ReadRequest {
  return request.kind === 'get' || request.kind === 'exists' || request.kind === 'children'
}

/** First message on a connection: a new session, or an old one that comes from another peer. */
export type Hello =
  | { readonly kind: 'open'; readonly timeoutMs: number; readonly password: Uint8Array }
  | { readonly kind: 'attach'; readonly sessionId: SessionId; readonly password: Uint8Array }

/** Watches a client held when it lost its peer; what changed since `since` is told at once. */
export interface SetWatches {
  readonly kind: 'setWatches'
  readonly since: Zxid
  readonly data: readonly ZPath[]
  readonly exist: readonly ZPath[]
  readonly child: readonly ZPath[]
}

/** The session goes on elsewhere: the connection's end must not be taken for the client's death. */
export interface Leave {
  readonly kind: 'leave'
}

export type ClientMessage =
  | Hello
  | SetWatches
  | Leave
  | { readonly kind: 'read'; readonly xid: number; readonly request: ReadRequest }
  | {
      readonly kind: 'write'
      readonly xid: number
      readonly cxid: number
      /** Writes of the session sent but not yet answered, this one included: older results may be forgotten. */
      readonly unanswered: number
      readonly request: WriteRequest
    }

/**
 * What a peer submits to the leader, for a session or (open, attach, abandon) about one. `connection` is a number that
 * no other connection of that peer ever had, not even before a restart: it tells the peer whom the outcome is for.
 */
export type Submission =
  | {
      readonly kind: 'write'
      readonly sessionId: SessionId
      readonly cxid: number
      readonly unanswered: number
      readonly request: WriteRequest
    }
  | {
      readonly kind: 'open'
      readonly owner: Sid
      readonly connection: number
      readonly timeoutMs: number
      readonly password: Uint8Array
    }
  | {
      readonly kind: 'attach'
      readonly owner: Sid
      readonly connection: number
      readonly sessionId: SessionId
      readonly password: Uint8Array
    }
  /** The client's thread is gone: close the session, unless another peer owns it by now. */
  | {
      readonly kind: 'abandon'
      readonly owner: Sid
      readonly connection: number
      readonly sessionId: SessionId
    }

/** First byte of each message. */
const CODES = {
  create: 1,
  delete: 2,
  set: 3,
  sync: 4,
  closeSession: 5,
  get: 16,
  exists: 17,
  children: 18,
  open: 32,
  attach: 33,
  setWatches: 34,
  leave: 35,
  abandon: 36,
} as const

const EPHEMERAL = 1
const SEQUENTIAL = 2
const PARENTS = 4

function writeRequestBody(out: ByteWriter, request: WriteRequest): void {
  switch (request.kind) {
    case 'create':
      out.u8(
        (request.ephemeral ? EPHEMERAL : 0) |
          (request.sequential ? SEQUENTIAL : 0) |
          (request.parents ? PARENTS : 0),
      )
      out.text(request.path)
      out.bytes(request.data)
      writeAcl(out, request.acl)
      return
    case 'delete':
      out.text(request.path)
      out.i32(request.version)
      return
    case 'set':
      out.text(request.path)
      out.bytes(request.data)
      out.i32(request.version)
      return
    default:
      return
  }
}

function readRequestBody(code: number, from: ByteReader): WriteRequest {
  switch (code) {
    case CODES.create: {
      const flags = from.u8()
      const path = from.text() as ZPath
      const data = from.bytes()
      const acl = readAcl(from)
      return {
        kind: 'create',
        path,
        data,
        acl,
        ephemeral: (flags & EPHEMERAL) !== 0,
        sequential: (flags & SEQUENTIAL) !== 0,
        parents: (flags & PARENTS) !== 0,
      }
    }
    case CODES.delete:
      return { kind: 'delete', path: from.text() as ZPath, version: from.i32() }
    case CODES.set:
      return { kind: 'set', path: from.text() as ZPath, data: from.bytes(), version: from.i32() }
    case CODES.sync:
      return { kind: 'sync' }
    case CODES.closeSession:
      return { kind: 'closeSession' }
    default:
      throw new MalformedError(`unknown request ${code}`)
  }
}

function writePaths(out: ByteWriter, paths: readonly ZPath[]): void {
  out.u32(paths.length)
  for (const path of paths) out.text(path)
}

function readPaths(from: ByteReader): ZPath[] {
  return Array.from({ length: from.u32() }, () => from.text() as ZPath)
}

export function encodeClientMessage(out: ByteWriter, message: ClientMessage): void {
  switch (message.kind) {
    case 'write':
      out.u8(CODES[message.request.kind])
      out.u32(message.xid)
      out.u53(message.cxid)
      out.u16(message.unanswered)
      writeRequestBody(out, message.request)
      return
    case 'read':
      out.u8(CODES[message.request.kind])
      out.u32(message.xid)
      out.text(message.request.path)
      out.bool(message.request.watch)
      return
    case 'open':
      out.u8(CODES.open)
      out.u32(message.timeoutMs)
      out.bytes(message.password)
      return
    case 'attach':
      out.u8(CODES.attach)
      out.u53(message.sessionId)
      out.bytes(message.password)
      return
    case 'setWatches':
      out.u8(CODES.setWatches)
      out.u53(message.since)
      writePaths(out, message.data)
      writePaths(out, message.exist)
      writePaths(out, message.child)
      return
    case 'leave':
      out.u8(CODES.leave)
  }
}

function readKindOf(code: number): ReadRequest['kind'] | undefined {
  if (code === CODES.get) return 'get'
  if (code === CODES.exists) return 'exists'
  return code === CODES.children ? 'children' : undefined
}

export function decodeClientMessage(from: ByteReader): ClientMessage {
  const code = from.u8()
  const readKind = readKindOf(code)
  if (readKind !== undefined) {
    const xid = from.u32()
    const request = { kind: readKind, path: from.text() as ZPath, watch: from.bool() }
    return { kind: 'read', xid, request }
  }
  switch (code) {
    case CODES.open:
      return { kind: 'open', timeoutMs: from.u32(), password: from.bytes().slice() }
    case CODES.attach:
      return {
        kind: 'attach',
        sessionId: from.u53() as SessionId,
        password: from.bytes().slice(),
      }
    case CODES.setWatches:
      return {
        kind: 'setWatches',
        since: from.u53() as Zxid,
        data: readPaths(from),
        exist: readPaths(from),
        child: readPaths(from),
      }
    case CODES.leave:
      return { kind: 'leave' }
    default: {
      const xid = from.u32()
      const cxid = from.u53()
      const unanswered = from.u16()
      return { kind: 'write', xid, cxid, unanswered, request: readRequestBody(code, from) }
    }
  }
}

export function encodeSubmission(out: ByteWriter, submission: Submission): void {
  switch (submission.kind) {
    case 'write':
      assert(submission.unanswered >= 1, 'a write counts itself as unanswered')
      out.u8(CODES[submission.request.kind])
      out.u53(submission.sessionId)
      out.u53(submission.cxid)
      out.u16(submission.unanswered)
      writeRequestBody(out, submission.request)
      return
    case 'open':
      out.u8(CODES.open)
      out.u8(submission.owner)
      out.u53(submission.connection)
      out.u32(submission.timeoutMs)
      out.bytes(submission.password)
      return
    case 'attach':
      out.u8(CODES.attach)
      out.u8(submission.owner)
      out.u53(submission.connection)
      out.u53(submission.sessionId)
      out.bytes(submission.password)
      return
    case 'abandon':
      out.u8(CODES.abandon)
      out.u8(submission.owner)
      out.u53(submission.connection)
      out.u53(submission.sessionId)
  }
}

export function decodeSubmission(from: ByteReader): Submission {
  const code = from.u8()
  switch (code) {
    case CODES.open:
      return {
        kind: 'open',
        owner: from.u8() as Sid,
        connection: from.u53(),
        timeoutMs: from.u32(),
        password: from.bytes(),
      }
    case CODES.attach:
      return {
        kind: 'attach',
        owner: from.u8() as Sid,
        connection: from.u53(),
        sessionId: from.u53() as SessionId,
        password: from.bytes(),
      }
    case CODES.abandon:
      return {
        kind: 'abandon',
        owner: from.u8() as Sid,
        connection: from.u53(),
        sessionId: from.u53() as SessionId,
      }
    default: {
      const sessionId = from.u53() as SessionId
      const cxid = from.u53()
      const unanswered = from.u16()
      return { kind: 'write', sessionId, cxid, unanswered, request: readRequestBody(code, from) }
    }
  }
}
