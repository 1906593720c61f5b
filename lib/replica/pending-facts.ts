/**
 * Znodes and sessions as they will be once all that is proposed is applied: the entries of the pending view. Flat
 * records of exactly the facts that requests are checked against and that the digest is made of.
 */

import { type Acl, OPEN_ACL } from '../base/acl.ts'
import type { ZPath } from '../base/path.ts'
import { NO_SESSION, type SessionId, type Sid, ZXID_ZERO, type Zxid } from '../base/zxid.ts'
import { hashAcl, hashData, hashPath, type NodeFacts, type SessionFacts } from '../tree/digest.ts'
import type { SessionRecord } from '../tree/sessions.ts'
import type { Znode } from '../tree/znode.ts'
import type { OverlayEntry } from './overlay.ts'

/** A transaction's place in the order and on the leader's clock. */
export interface Moment {
  readonly zxid: Zxid
  readonly timeMs: number
}

/** A znode. A deleted one stays as an entry that says so until its deletion is applied. */
export class PendingNode implements NodeFacts, OverlayEntry<ZPath> {
  key: ZPath
  pathHash: number
  changedBy: Zxid = ZXID_ZERO
  present = false
  czxid: Zxid = ZXID_ZERO
  mzxid: Zxid = ZXID_ZERO
  pzxid: Zxid = ZXID_ZERO
  ctime = 0
  mtime = 0
  version = 0
  creates = 0
  aversion = 0
  ephemeralOwner: SessionId = NO_SESSION
  dataHash = 0
  aclHash = 0
  acl: Acl = OPEN_ACL
  numChildren = 0
  /** What it contributes to the digest; 0 while it is not present. */
  digest = 0

  private constructor(path: ZPath, pathHash: number) {
    this.key = path
    this.pathHash = pathHash
  }

  static absent(path: ZPath): PendingNode {
    return new PendingNode(path, hashPath(path))
  }

  static copyOf(node: Znode): PendingNode {
    const copy = new PendingNode(node.path, node.pathHash)
    copy.become(node)
    return copy
  }

  /** Stands for that znode from now on, whatever it stood for. */
  become(node: Znode): void {
    this.key = node.path
    this.pathHash = node.pathHash
    this.changedBy = ZXID_ZERO
    this.present = true
    this.czxid = node.czxid
    this.mzxid = node.mzxid
    this.pzxid = node.pzxid
    this.ctime = node.ctime
    this.mtime = node.mtime
    this.version = node.version
    this.creates = node.creates
    this.aversion = node.aversion
    this.ephemeralOwner = node.ephemeralOwner
    this.dataHash = node.dataHash
    this.aclHash = node.aclHash
    this.acl = node.acl
    this.numChildren = node.numChildren
    this.digest = node.digest
  }

  /** Comes into being, perhaps not for the first time. */
  create(data: Uint8Array, acl: Acl, owner: SessionId, at: Moment): void {
    this.present = true
    this.czxid = at.zxid
    this.mzxid = at.zxid
    this.pzxid = at.zxid
    this.ctime = at.timeMs
    this.mtime = at.timeMs
    this.version = 0
    this.creates = 0
    this.aversion = 0
    this.ephemeralOwner = owner
    this.dataHash = hashData(data)
    this.aclHash = hashAcl(acl)
    this.acl = acl
    this.numChildren = 0
  }
}

/** A session. */
export class PendingSession implements SessionFacts, OverlayEntry<SessionId> {
  readonly key: SessionId
  readonly id: SessionId
  readonly timeoutMs: number
  readonly password: Uint8Array
  changedBy: Zxid = ZXID_ZERO
  /** False from the moment its close is proposed: nothing of it is accepted any more. */
  present = true
  owner: Sid
  connection: number
  lastCxid = 0
  /** Ephemeral nodes it made in transactions under way and that are not deleted again. */
  created: Set<ZPath> | undefined = undefined
  /** What it contributes to the digest; 0 while it is not present. */
  digest = 0

  constructor(
    id: SessionId,
    timeoutMs: number,
    password: Uint8Array,
    owner: Sid,
    connection: number,
  ) {
    this.key = id
    this.id = id
    this.timeoutMs = timeoutMs
    this.password = password
    this.owner = owner
    this.connection = connection
  }

  static copyOf(session: SessionRecord): PendingSession {
    const { id, timeoutMs, password, owner, connection } = session
    const copy = new PendingSession(id, timeoutMs, password, owner, connection)
    copy.lastCxid = session.lastCxid
    copy.digest = session.digest
    return copy
  }
}
