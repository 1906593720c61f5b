/**
 * The replicated state: znodes and sessions, changed by transactions in zxid order and by nothing else. Applying needs
 * no clock, no choice and no check, since the leader resolved all of that; what is asserted here is that the leader and
 * this peer agree, down to the digest of the whole tree after every transaction.
 */

import { type Acl, OPEN_ACL } from '../base/acl.ts'
import { assert, InvariantError, unreachable } from '../base/assert.ts'
import { parentOf, ROOT, type ZPath } from '../base/path.ts'
import type { EventType, Outcome } from '../base/reply.ts'
import type { Txn, TxnBody } from '../base/txn.ts'
import {
  counterOf,
  formatZxid,
  NO_SESSION,
  type SessionId,
  ZXID_ZERO,
  type Zxid,
} from '../base/zxid.ts'
import { addDigest, nodeDigest, removeDigest, sessionDigest } from './digest.ts'
import { type ImageHead, Imager } from './image.ts'
import { NODE_RECORD_BYTES } from './image-codec.ts'
import type { ImageKind } from './ledger.ts'
import { Nodes } from './nodes.ts'
import { PackedPath } from './packed-path.ts'
import { NONE } from './rows.ts'
import { MutableSession, type SessionRecord } from './sessions.ts'
import { MutableZnode, type Znode } from './znode.ts'

/** One change that watches may wait for. */
export interface Change {
  readonly type: EventType
  readonly path: ZPath
  /** That of a node that is deleted. */
  readonly acl?: Acl
}

export interface Applied {
  /** Its stat is the znode's own: true until the next transaction is applied. */
  readonly outcome: Outcome
  /** In the order in which watches see them. */
  readonly changes: readonly Change[]
}

/** All there is in a tree. */
export interface TreeState {
  readonly nodes: Nodes
  readonly sessions: Map<SessionId, MutableSession>
  readonly zxid: Zxid
  readonly digest: number
}

const NO_BYTES = new Uint8Array(0)
const NO_CHANGES: readonly Change[] = []

function emptyState(): TreeState {
  const nodes = new Nodes()
  const root = new MutableZnode(
    nodes,
    nodes.add(new PackedPath().set(ROOT), NO_BYTES, OPEN_ACL),
    ROOT,
  )
  root.digest = nodeDigest(root)
  return { nodes, sessions: new Map(), zxid: ZXID_ZERO, digest: root.digest }
}

type Body<Type extends TxnBody['type']> = Extract<TxnBody, { readonly type: Type }>

export class Tree {
  readonly #nodes: Nodes
  readonly #sessions: Map<SessionId, MutableSession>
  readonly #images: Imager
  /** The path of a node that is added. */
  readonly #added = new PackedPath()
  /** Of the latest write: the next one is likely to be of the same. */
  #writer: MutableSession | undefined
  #zxid: Zxid
  /** Invariant: the sum of `digest` over all nodes and sessions. */
  #digest: number

  /** An empty tree, or one that goes on from a loaded state. */
  constructor(loaded?: TreeState) {
    const { nodes, sessions, zxid, digest } = loaded ?? emptyState()
    this.#nodes = nodes
    this.#sessions = sessions
    this.#zxid = zxid
    this.#digest = digest
    this.#images = new Imager(nodes, sessions, loaded === undefined ? undefined : zxid)
  }

  /** Of the last transaction applied. */
  get zxid(): Zxid {
    return this.#zxid
  }

  /** Equal on all peers that have applied the same transactions; below 2^52. */
  get digest(): number {
    return this.#digest
  }

  /** Number of znodes, the root included. */
  get nodeCount(): number {
    return this.#nodes.size
  }

  node(path: ZPath): Znode | undefined {
    return this.#nodes.node(path)
  }

  session(id: SessionId): SessionRecord | undefined {
    return this.#sessions.get(id)
  }

  sessions(): Iterable<SessionRecord> {
    return this.#sessions.values()
  }

  /** Applies the transaction at the place after `this.zxid`; `time` is the leader's clock. */
  apply(txn: Txn, zxid: Zxid, time: number): Applied {
    // These messages name a zxid, and formatting one for every transaction would cost more than applying it.
    if (!this.#precedes(zxid)) {
      throw new InvariantError(`${formatZxid(zxid)} does not follow ${formatZxid(this.#zxid)}`)
    }
    this.#zxid = zxid
    const applied = this.#execute(txn, zxid, time)
    if (txn.cxid > 0) this.#remember(txn, applied.outcome)
    if (this.#digest !== txn.digest) {
      throw new InvariantError(`digest mismatch at ${formatZxid(zxid)}`)
    }
    return applied
  }

  /** Whether the next image must be a full one: nothing, or nothing certain, was written before. */
  get needsFullImage(): boolean {
    return this.#images.needsFull
  }

  /** About as many bytes has a full image, sessions left out: what is kept beside it in deltas is measured by that. */
  get imageBytes(): number {
    return this.#nodes.usedBytes + this.#nodes.size * NODE_RECORD_BYTES
  }

  /** Cuts an image of the tree as it is now; a delta holds what changed since the previous cut. One at a time. */
  beginImage(kind: ImageKind): ImageHead {
    this.#images.begin(kind, this.#zxid)
    return { kind, zxid: this.#zxid, digest: this.#digest }
  }

  /**
   * The next part of the image, whatever was applied since the cut; undefined after the last one. It passes `maxBytes`
   * by one record, and by what was applied since the call before.
   */
  nextImageChunk(maxBytes: number): Uint8Array | undefined {
    return this.#images.nextChunk(maxBytes)
  }

  /** The image last begun, whether complete or not, did not get to where it was meant to be kept. */
  abandonImage(): void {
    this.#images.abandon()
  }

  #precedes(zxid: Zxid): boolean {
    return zxid === this.#zxid + 1 || (zxid > this.#zxid && counterOf(zxid) === 1)
  }

  #execute(txn: Txn, zxid: Zxid, time: number): Applied {
    const { body, sessionId } = txn
    switch (body.type) {
      case 'set':
        return this.#set(body, zxid, time)
      case 'create':
        return this.#create(body, sessionId, zxid, time)
      case 'delete':
        return this.#delete(body.path, zxid)
      case 'open':
        return this.#open(body, sessionId, zxid)
      case 'attach':
        return this.#attach(body, sessionId, zxid)
      case 'close':
        return this.#close(txn, body.ephemerals, zxid)
      case 'sync':
        return { outcome: { zxid }, changes: NO_CHANGES }
      case 'error':
        return { outcome: { zxid, code: body.code }, changes: NO_CHANGES }
      default:
        return unreachable(body)
    }
  }

  #set(body: Body<'set'>, zxid: Zxid, time: number): Applied {
    const node = this.#expectNode(body.path)
    this.#images.nodes.beforeChange(node.slot)
    node.setData(body.data)
    node.version = body.version
    node.mzxid = zxid
    node.mtime = time
    this.#redigestNode(node)
    return {
      outcome: { zxid, stat: node },
      changes: [{ type: 'dataChanged', path: body.path }],
    }
  }

  #create(body: Body<'create'>, sessionId: SessionId, zxid: Zxid, time: number): Applied {
    const changes: Change[] = []
    for (const path of missingAncestors(body.path, body.parents)) {
      this.#insert(path, NO_BYTES, OPEN_ACL, NO_SESSION, zxid, time, changes)
    }
    const owner = body.ephemeral ? sessionId : NO_SESSION
    const node = this.#insert(body.path, body.data, body.acl, owner, zxid, time, changes)
    if (body.ephemeral) this.#expectSession(sessionId).ephemerals.add(body.path)
    return { outcome: { zxid, path: body.path, stat: node }, changes }
  }

  #delete(path: ZPath, zxid: Zxid): Applied {
    const changes: Change[] = []
    const owner = this.#remove(path, zxid, changes)
    if (owner !== NO_SESSION) this.#expectSession(owner).ephemerals.delete(path)
    return { outcome: { zxid }, changes }
  }

  #open(body: Body<'open'>, id: SessionId, zxid: Zxid): Applied {
    assert((id as number) === zxid, 'a session has the zxid of its opening as its id')
    const { timeoutMs, password, owner, connection } = body
    const session = new MutableSession(id, timeoutMs, password, owner, connection)
    this.#sessions.set(id, session)
    this.#images.sessions.created(session, id)
    this.#redigestSession(session)
    return { outcome: { zxid }, changes: NO_CHANGES }
  }

  #attach(body: Body<'attach'>, id: SessionId, zxid: Zxid): Applied {
    if (body.granted) {
      const session = this.#expectSession(id)
      this.#images.sessions.beforeChange(session)
      session.owner = body.owner
      session.connection = body.connection
      this.#redigestSession(session)
    }
    return { outcome: { zxid }, changes: NO_CHANGES }
  }

  #close(txn: Txn, ephemerals: readonly ZPath[], zxid: Zxid): Applied {
    const session = this.#expectSession(txn.sessionId)
    assert(txn.cxid === 0 || txn.cxid === session.lastCxid + 1, 'a close comes after all writes')
    this.#images.sessions.beforeRemoval(session, session.id)
    const changes: Change[] = []
    for (const path of ephemerals) {
      this.#remove(path, zxid, changes)
      assert(session.ephemerals.delete(path), 'a close names only nodes of its session')
    }
    assert(session.ephemerals.size === 0, 'a close names every ephemeral node of its session')
    this.#sessions.delete(session.id)
    if (this.#writer === session) this.#writer = undefined
    this.#digest = removeDigest(this.#digest, session.digest)
    return { outcome: { zxid }, changes }
  }

  #remember(txn: Txn, outcome: Outcome): void {
    if (txn.body.type === 'close') return
    const session = this.#expectWriter(txn.sessionId)
    this.#images.sessions.beforeChange(session)
    session.remember(txn.cxid, txn.unanswered, outcome)
    this.#redigestSession(session)
  }

  #insert(
    path: ZPath,
    data: Uint8Array,
    acl: Acl,
    owner: SessionId,
    zxid: Zxid,
    time: number,
    changes: Change[],
  ): MutableZnode {
    const packed = this.#added.set(path)
    assert(this.#nodes.find(packed) === NONE, 'a node is created once')
    const parent = this.#expectNode(parentOf(path))
    assert(parent.ephemeralOwner === NO_SESSION, 'an ephemeral node has no children')
    this.#images.nodes.beforeChange(parent.slot)
    const node = new MutableZnode(this.#nodes, this.#nodes.add(packed, data, acl), path)
    this.#nodes.linkChild(parent.slot, node.slot)
    parent.creates = (parent.creates + 1) | 0
    parent.pzxid = zxid
    this.#redigestNode(parent)
    node.beBorn(zxid, time, owner)
    this.#images.nodes.created(node.slot, path)
    this.#redigestNode(node)
    changes.push({ type: 'created', path }, { type: 'childrenChanged', path: parent.path })
    return node
  }

  /** Returns the session that owned the node. */
  #remove(path: ZPath, zxid: Zxid, changes: Change[]): SessionId {
    assert(path !== ROOT, 'the root stays')
    const node = this.#expectNode(path)
    assert(node.numChildren === 0, 'a node that is deleted has no children')
    const parent = this.#expectNode(parentOf(path))
    const { slot, ephemeralOwner, acl } = node
    this.#images.nodes.beforeRemoval(slot, path)
    this.#digest = removeDigest(this.#digest, node.digest)
    this.#images.nodes.beforeChange(parent.slot)
    this.#nodes.unlinkChild(parent.slot, slot)
    this.#nodes.remove(slot, path)
    parent.pzxid = zxid
    this.#redigestNode(parent)
    changes.push({ type: 'deleted', path, acl }, { type: 'childrenChanged', path: parent.path })
    return ephemeralOwner
  }

  #expectNode(path: ZPath): MutableZnode {
    const node = this.#nodes.node(path)
    if (node === undefined) throw new InvariantError(`${path} does not exist`)
    return node
  }

  #expectSession(id: SessionId): MutableSession {
    const session = this.#sessions.get(id)
    if (session === undefined) throw new InvariantError(`session ${id} does not exist`)
    return session
  }

  #expectWriter(id: SessionId): MutableSession {
    if (this.#writer?.id !== id) this.#writer = this.#expectSession(id)
    return this.#writer
  }

  #redigestNode(node: MutableZnode): void {
    const digest = nodeDigest(node)
    this.#digest = addDigest(removeDigest(this.#digest, node.digest), digest)
    node.digest = digest
  }

  #redigestSession(session: MutableSession): void {
    const digest = sessionDigest(session)
    this.#digest = addDigest(removeDigest(this.#digest, session.digest), digest)
    session.digest = digest
  }
}

/** The `count` nearest ancestors of a path, topmost first. */
function missingAncestors(path: ZPath, count: number): ZPath[] {
  const ancestors: ZPath[] = []
  let ancestor = path
  for (let i = 0; i < count; i++) {
    ancestor = parentOf(ancestor)
    ancestors.push(ancestor)
  }
  return ancestors.reverse()
}
