/** Records of an image as bytes: each is a znode or a session, or says that one is gone. Chunks hold whole records. */

import { readAcl, writeAcl } from '../base/acl-codec.ts'
import { type ByteReader, type ByteWriter, MalformedError } from '../base/bytes.ts'
import type { ZPath } from '../base/path.ts'
import { readOutcome, writeOutcome } from '../base/reply.ts'
import type { SessionId, Sid, Zxid } from '../base/zxid.ts'
import type { Records } from './ledger.ts'
import { MutableSession } from './sessions.ts'
import { MutableZnode } from './znode.ts'

const NODE = 1
const NODE_REMOVED = 2
const SESSION = 3
const SESSION_REMOVED = 4

export const NODE_RECORDS: Records<ZPath, MutableZnode> = {
  keyOf: node => node.path,
  bornAt: node => node.czxid,
  write: writeNode,
  writeTombstone(out, path) {
    out.u8(NODE_REMOVED)
    out.text(path)
  },
}

export const SESSION_RECORDS: Records<SessionId, MutableSession> = {
  keyOf: session => session.id,
  bornAt: session => session.id as number as Zxid,
  write: writeSession,
  writeTombstone(out, id) {
    out.u8(SESSION_REMOVED)
    out.u53(id)
  },
}

export type ImageRecord =
  | { readonly kind: 'node'; readonly node: MutableZnode }
  | { readonly kind: 'nodeRemoved'; readonly path: ZPath }
  | { readonly kind: 'session'; readonly session: MutableSession }
  | { readonly kind: 'sessionRemoved'; readonly id: SessionId }

export function readRecord(from: ByteReader): ImageRecord {
  const kind = from.u8()
  switch (kind) {
    case NODE:
      return { kind: 'node', node: readNode(from) }
    case NODE_REMOVED:
      return { kind: 'nodeRemoved', path: from.text() as ZPath }
    case SESSION:
      return { kind: 'session', session: readSession(from) }
    case SESSION_REMOVED:
      return { kind: 'sessionRemoved', id: from.u53() as SessionId }
    default:
      throw new MalformedError(`unknown image record ${kind}`)
  }
}

function writeNode(out: ByteWriter, node: MutableZnode): void {
  out.u8(NODE)
  out.text(node.path)
  out.bytes(node.data)
  writeAcl(out, node.acl)
  out.u53(node.czxid)
  out.u53(node.ctime)
  out.u53(node.ephemeralOwner)
  out.u53(node.mzxid)
  out.u53(node.pzxid)
  out.u53(node.mtime)
  out.i32(node.version)
  out.i32(node.creates)
  out.i32(node.aversion)
}

function readNode(from: ByteReader): MutableZnode {
  const path = from.text() as ZPath
  const data = from.bytes()
  const acl = readAcl(from)
  const czxid = from.u53() as Zxid
  const ctime = from.u53()
  const node = new MutableZnode(path, data, acl, czxid, ctime, from.u53() as SessionId)
  node.mzxid = from.u53() as Zxid
  node.pzxid = from.u53() as Zxid
  node.mtime = from.u53()
  node.version = from.i32()
  node.creates = from.i32()
  node.aversion = from.i32()
  return node
}

function writeSession(out: ByteWriter, session: MutableSession): void {
  out.u8(SESSION)
  out.u53(session.id)
  out.u32(session.timeoutMs)
  out.bytes(session.password)
  out.u8(session.owner)
  out.u53(session.connection)
  out.u32(session.lastCxid)
  out.u32(session.resultCount)
  for (const outcome of session.results()) writeOutcome(out, outcome)
}

function readSession(from: ByteReader): MutableSession {
  const id = from.u53() as SessionId
  const timeoutMs = from.u32()
  const password = from.bytes()
  const owner = from.u8() as Sid
  const session = new MutableSession(id, timeoutMs, password, owner, from.u53())
  const lastCxid = from.u32()
  const outcomes = Array.from({ length: from.u32() }, () => readOutcome(from))
  session.restore(lastCxid, outcomes)
  return session
}
