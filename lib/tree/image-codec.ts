/** Records of an image as bytes: each is a znode or a session, or says that one is gone. Chunks hold whole records. */

import type { Acl } from '../base/acl.ts'
import { readAcl, writeAcl } from '../base/acl-codec.ts'
import { type AsciiText, type ByteReader, type ByteWriter, MalformedError } from '../base/bytes.ts'
import { SLASH, type ZPath } from '../base/path.ts'
import { readOutcome, writeOutcome } from '../base/reply.ts'
import type { SessionId, Sid, Zxid } from '../base/zxid.ts'
import type { Records } from './ledger.ts'
import type { Nodes } from './nodes.ts'
import type { PathText } from './packed-path.ts'
import { CZXID, MARK } from './rows.ts'
import { MutableSession } from './sessions.ts'
import { MutableZnode, type Znode } from './znode.ts'

const NODE = 1
const NODE_REMOVED = 2
const SESSION = 3
const SESSION_REMOVED = 4

/** Of a znode's record, what is not path or data: as `writeNode` has it, for a short path and an open ACL. */
export const NODE_RECORD_BYTES = 1 + 2 + 4 + 1 + 6 * 8 + 3 * 4

/** A node goes by its slot. */
export class NodeRecords implements Records<number, ZPath> {
  readonly #nodes: Nodes

  constructor(nodes: Nodes) {
    this.#nodes = nodes
  }

  all(): Iterable<number> {
    return this.#nodes.slots()
  }

  markOf(slot: number): number {
    return this.#nodes.rows.word(slot, MARK)
  }

  setMark(slot: number, mark: number): void {
    this.#nodes.rows.setWord(slot, MARK, mark)
  }

  bornAt(slot: number): Zxid {
    return this.#nodes.rows.double(slot, CZXID) as Zxid
  }

  write(out: ByteWriter, slot: number): void {
    writeNode(out, new MutableZnode(this.#nodes, slot))
  }

  writeTombstone(out: ByteWriter, path: ZPath): void {
    out.u8(NODE_REMOVED)
    out.text(path)
  }
}

export class SessionRecords implements Records<MutableSession, SessionId> {
  readonly #sessions: ReadonlyMap<SessionId, MutableSession>

  constructor(sessions: ReadonlyMap<SessionId, MutableSession>) {
    this.#sessions = sessions
  }

  all(): Iterable<MutableSession> {
    return this.#sessions.values()
  }

  markOf(session: MutableSession): number {
    return session.mark
  }

  setMark(session: MutableSession, mark: number): void {
    session.mark = mark
  }

  bornAt(session: MutableSession): Zxid {
    return session.id as number as Zxid
  }

  write(out: ByteWriter, session: MutableSession): void {
    writeSession(out, session)
  }

  writeTombstone(out: ByteWriter, id: SessionId): void {
    out.u8(SESSION_REMOVED)
    out.u53(id)
  }
}

/** A node's facts follow its record: read them into the node with `readFacts`. */
export type ImageRecord =
  | {
      readonly kind: 'node'
      readonly path: PathText
      readonly data: Uint8Array
      readonly acl: Acl
    }
  | { readonly kind: 'nodeRemoved'; readonly path: ZPath }
  | { readonly kind: 'session'; readonly session: MutableSession }
  | { readonly kind: 'sessionRemoved'; readonly id: SessionId }

/** Data and path in the record may be views on the chunk. */
export function readRecord(from: ByteReader): ImageRecord {
  const kind = from.u8()
  switch (kind) {
    case NODE:
      return {
        kind: 'node',
        path: checkPath(from.asciiOrText()),
        data: from.bytes(),
        acl: readAcl(from),
      }
    case NODE_REMOVED:
      return { kind: 'nodeRemoved', path: checkPath(from.text()) as ZPath }
    case SESSION:
      return { kind: 'session', session: readSession(from) }
    case SESSION_REMOVED:
      return { kind: 'sessionRemoved', id: from.u53() as SessionId }
    default:
      throw new MalformedError(`unknown image record ${kind}`)
  }
}

/** Whoever has a path cuts it to those of its parents, down to the root. */
function checkPath(path: string | AsciiText): PathText {
  const first = typeof path === 'string' ? path.charCodeAt(0) : path.bytes[path.at]
  if (path.length > 0 && first === SLASH) return path as PathText
  throw new MalformedError('a path that does not begin at the root')
}

function writeNode(out: ByteWriter, node: Znode): void {
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

export function readFacts(from: ByteReader, node: MutableZnode): void {
  node.czxid = from.u53() as Zxid
  node.ctime = from.u53()
  node.ephemeralOwner = from.u53() as SessionId
  node.mzxid = from.u53() as Zxid
  node.pzxid = from.u53() as Zxid
  node.mtime = from.u53()
  node.version = from.i32()
  node.creates = from.i32()
  node.aversion = from.i32()
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
