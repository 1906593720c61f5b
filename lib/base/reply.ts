/**
 * What a peer says to a client: replies in the order of the requests, and watch events before any reply that shows what
 * they tell of.
 */

import { type ByteReader, type ByteWriter, MalformedError } from './bytes.ts'
import { type ErrorCode, errorFromWire, errorToWire } from './errors.ts'
import type { ZPath } from './path.ts'
import type { Stat } from './stat.ts'
import type { SessionId, Zxid } from './zxid.ts'

export const EVENT_TYPES = ['created', 'deleted', 'dataChanged', 'childrenChanged'] as const
export type EventType = (typeof EVENT_TYPES)[number]

/** One firing of a watch. `zxid` is the transaction that caused it. */
export interface WatchEvent {
  readonly type: EventType
  readonly path: string
  readonly zxid: Zxid
}

/** How a write ended, equal on every peer; kept per session until the client has it for sure. */
export interface Outcome {
  readonly zxid: Zxid
  /** Absent when the write succeeded. */
  readonly code?: ErrorCode | undefined
  /** Final path of a create. */
  readonly path?: ZPath | undefined
  /** Of a create or set. */
  readonly stat?: Stat | undefined
}

/** Answer to one request. `zxid` is the last transaction the answering peer had applied. */
export interface Reply extends Outcome {
  readonly xid: number
  readonly data?: Uint8Array | undefined
  readonly names?: readonly string[] | undefined
}

export type PeerMessage =
  | { readonly kind: 'reply'; readonly reply: Reply }
  | { readonly kind: 'event'; readonly event: WatchEvent }
  /** The session is open (or attached) at this peer. */
  | {
      readonly kind: 'welcome'
      readonly sessionId: SessionId
      readonly timeoutMs: number
      readonly zxid: Zxid
    }
  /** This connection ends: the session expired, moved to another peer, or was refused. */
  | { readonly kind: 'goodbye'; readonly code: ErrorCode }

const REPLY = 1
const EVENT = 2
const WELCOME = 3
const GOODBYE = 4

const HAS_PATH = 1
const HAS_STAT = 2
const HAS_DATA = 4
const HAS_NAMES = 8

export function writeStat(out: ByteWriter, stat: Stat): void {
  out.u53(stat.czxid)
  out.u53(stat.mzxid)
  out.u53(stat.pzxid)
  out.u53(stat.ctime)
  out.u53(stat.mtime)
  out.i32(stat.version)
  out.i32(stat.cversion)
  out.i32(stat.aversion)
  out.u53(stat.ephemeralOwner)
  out.u32(stat.dataLength)
  out.u32(stat.numChildren)
}

export function readStat(from: ByteReader): Stat {
  return {
    czxid: from.u53() as Zxid,
    mzxid: from.u53() as Zxid,
    pzxid: from.u53() as Zxid,
    ctime: from.u53(),
    mtime: from.u53(),
    version: from.i32(),
    cversion: from.i32(),
    aversion: from.i32(),
    ephemeralOwner: from.u53() as SessionId,
    dataLength: from.u32(),
    numChildren: from.u32(),
  }
}

/** The outcome without its zxid, which the caller knows or writes itself. */
function writeBody(out: ByteWriter, body: Outcome | Reply): void {
  const { data, names } = body as Reply
  out.u8(errorToWire(body.code))
  out.u8(
    (body.path !== undefined ? HAS_PATH : 0) |
      (body.stat !== undefined ? HAS_STAT : 0) |
      (data !== undefined ? HAS_DATA : 0) |
      (names !== undefined ? HAS_NAMES : 0),
  )
  if (body.path !== undefined) out.text(body.path)
  if (body.stat !== undefined) writeStat(out, body.stat)
  if (data !== undefined) out.bytes(data)
  if (names !== undefined) {
    out.u32(names.length)
    for (const name of names) out.text(name)
  }
}

/** All at once: spreading one object into another costs more than reading it. */
function readReply(from: ByteReader, xid: number): Reply {
  const zxid = from.u53() as Zxid
  const code = errorFromWire(from.u8())
  const has = from.u8()
  return {
    xid,
    zxid,
    code,
    path: has & HAS_PATH ? (from.text() as ZPath) : undefined,
    stat: has & HAS_STAT ? readStat(from) : undefined,
    data: has & HAS_DATA ? from.bytes() : undefined,
    names: has & HAS_NAMES ? Array.from({ length: from.u32() }, () => from.text()) : undefined,
  }
}

export function writeOutcome(out: ByteWriter, outcome: Outcome): void {
  out.u53(outcome.zxid)
  writeBody(out, outcome)
}

export function readOutcome(from: ByteReader): Outcome {
  const { zxid, code, path, stat } = readReply(from, 0)
  return { zxid, code, path, stat }
}

export function encodeReply(
  out: ByteWriter,
  xid: number,
  body: Outcome | Omit<Reply, 'xid'>,
): void {
  out.u8(REPLY)
  out.u32(xid)
  out.u53(body.zxid)
  writeBody(out, body)
}

export function encodeEvent(out: ByteWriter, event: WatchEvent): void {
  out.u8(EVENT)
  out.u8(EVENT_TYPES.indexOf(event.type))
  out.text(event.path)
  out.u53(event.zxid)
}

export function encodeWelcome(
  out: ByteWriter,
  sessionId: SessionId,
  timeoutMs: number,
  zxid: Zxid,
): void {
  out.u8(WELCOME)
  out.u53(sessionId)
  out.u32(timeoutMs)
  out.u53(zxid)
}

export function encodeGoodbye(out: ByteWriter, code: ErrorCode): void {
  out.u8(GOODBYE)
  out.u8(errorToWire(code))
}

/** Data in the result is a view on the frame. */
export function decodePeerMessage(from: ByteReader): PeerMessage {
  const kind = from.u8()
  switch (kind) {
    case REPLY:
      return { kind: 'reply', reply: readReply(from, from.u32()) }
    case EVENT: {
      const type = EVENT_TYPES[from.u8()]
      if (type === undefined) throw new MalformedError('unknown event')
      return { kind: 'event', event: { type, path: from.text(), zxid: from.u53() as Zxid } }
    }
    case WELCOME:
      return {
        kind: 'welcome',
        sessionId: from.u53() as SessionId,
        timeoutMs: from.u32(),
        zxid: from.u53() as Zxid,
      }
    case GOODBYE: {
      const code = errorFromWire(from.u8())
      if (code === undefined) throw new MalformedError('goodbye without a code')
      return { kind: 'goodbye', code }
    }
    default:
      throw new MalformedError(`unknown message ${kind}`)
  }
}
