/**
 * The leader's view of the state after everything it has proposed: ZooKeeper's `outstandingChanges`. What proposed
 * transactions change lies over the tree as entries, each of which vanishes when the last transaction that changed it
 * is applied, so the overlay is as large as what is under way. The digest of that state is kept along with it.
 *
 * Every change here mirrors what `Tree.apply` does later; a difference ends in a digest mismatch on every peer.
 * Nodes and sessions handed out are to be read, and handed back for a change, before the next change.
 */

import type { Acl } from '../base/acl.ts'
import { assert } from '../base/assert.ts'
import { parentOf, type ZPath } from '../base/path.ts'
import { NO_SESSION, type SessionId, type Sid, type Zxid } from '../base/zxid.ts'
import { addDigest, hashData, nodeDigest, removeDigest, sessionDigest } from '../tree/digest.ts'
import type { Tree } from '../tree/tree.ts'
import type { Znode } from '../tree/znode.ts'
import { Overlay } from './overlay.ts'
import { type Moment, PendingNode, PendingSession } from './pending-facts.ts'

const SPARE_NODES_MAX = 4096

export class PendingView {
  readonly #tree: Tree
  readonly #nodes = new Overlay<ZPath, PendingNode>()
  readonly #sessions = new Overlay<SessionId, PendingSession>()
  #digest: number
  readonly #spare: PendingNode[] = []
  readonly #onNodeGone = (node: PendingNode): void => {
    if (this.#spare.length < SPARE_NODES_MAX) this.#spare.push(node)
  }

  constructor(tree: Tree) {
    this.#tree = tree
    this.#digest = tree.digest
  }

  /** Of the state after the last proposed transaction. */
  get digest(): number {
    return this.#digest
  }

  /** Entries that lie over the tree. */
  get size(): number {
    return this.#nodes.size + this.#sessions.size
  }

  node(path: ZPath): PendingNode | undefined {
    const entry = this.#nodes.get(path)
    if (entry !== undefined) return entry.present ? entry : undefined
    const node = this.#tree.node(path)
    return node === undefined ? undefined : this.#copyOf(node)
  }

  session(id: SessionId): PendingSession | undefined {
    const entry = this.#sessions.get(id)
    if (entry !== undefined) return entry.present ? entry : undefined
    const session = this.#tree.session(id)
    return session === undefined ? undefined : PendingSession.copyOf(session)
  }

  createNode(
    parent: PendingNode,
    path: ZPath,
    data: Uint8Array,
    acl: Acl,
    at: Moment,
    owner?: PendingSession,
  ): PendingNode {
    parent.creates = (parent.creates + 1) | 0
    parent.numChildren++
    parent.pzxid = at.zxid
    this.#nodeChanged(parent, at.zxid)
    const node = this.#nodes.get(path) ?? PendingNode.absent(path)
    assert(!node.present, `${path} is not there yet`)
    node.create(data, acl, owner?.id ?? NO_SESSION, at)
    this.#nodeChanged(node, at.zxid)
    if (owner !== undefined) {
      // The owner's entry must outlive the creation: a close looks there for what the tree does not show yet.
      assert(owner.changedBy === at.zxid, 'creating an ephemeral node is a write of its owner')
      owner.created ??= new Set()
      owner.created.add(path)
    }
    return node
  }

  deleteNode(parent: PendingNode, node: PendingNode, zxid: Zxid): void {
    assert(node.numChildren === 0, `${node.key} has no children when it is deleted`)
    parent.numChildren--
    parent.pzxid = zxid
    this.#nodeChanged(parent, zxid)
    if (node.ephemeralOwner !== NO_SESSION) {
      this.#sessions.get(node.ephemeralOwner)?.created?.delete(node.key)
    }
    node.present = false
    this.#nodeChanged(node, zxid)
  }

  setData(node: PendingNode, data: Uint8Array, version: number, at: Moment): void {
    node.dataHash = hashData(data)
    node.version = version
    node.mzxid = at.zxid
    node.mtime = at.timeMs
    this.#nodeChanged(node, at.zxid)
  }

  openSession(session: PendingSession, zxid: Zxid): void {
    this.#sessionChanged(session, zxid)
  }

  attachSession(session: PendingSession, owner: Sid, connection: number, zxid: Zxid): void {
    session.owner = owner
    session.connection = connection
    this.#sessionChanged(session, zxid)
  }

  /** The session's next write, whatever becomes of it, counts. */
  countWrite(session: PendingSession, cxid: number, zxid: Zxid): void {
    assert(cxid === session.lastCxid + 1, 'writes of a session are proposed in order, each once')
    session.lastCxid = cxid
    this.#sessionChanged(session, zxid)
  }

  /** Ends the session, deletes its ephemeral nodes and returns their paths. */
  closeSession(session: PendingSession, zxid: Zxid): ZPath[] {
    const candidates = new Set(this.#tree.session(session.id)?.ephemerals)
    for (const path of session.created ?? []) candidates.add(path)
    const ephemerals: ZPath[] = []
    for (const path of candidates) {
      const node = this.node(path)
      // What the tree still shows may be deleted, or belong to another session, in a transaction under way.
      if (node?.ephemeralOwner !== session.id) continue
      const parent = this.node(parentOf(path))
      assert(parent !== undefined, `${path} has a parent`)
      this.deleteNode(parent, node, zxid)
      ephemerals.push(path)
    }
    session.present = false
    this.#sessionChanged(session, zxid)
    return ephemerals
  }

  /** Everything up to `zxid` is applied to the tree: drops what no later transaction changes. */
  settle(zxid: Zxid): void {
    this.#nodes.settle(zxid, this.#onNodeGone)
    this.#sessions.settle(zxid)
    if (this.size > 0) return
    assert(this.#digest === this.#tree.digest, 'with nothing under way, tree and view agree')
  }

  /** Entries come and go with every write: those that went are used again. */
  #copyOf(node: Znode): PendingNode {
    const spare = this.#spare.pop()
    if (spare === undefined) return PendingNode.copyOf(node)
    spare.become(node)
    return spare
  }

  #nodeChanged(node: PendingNode, zxid: Zxid): void {
    const digest = node.present ? nodeDigest(node) : 0
    this.#digest = addDigest(removeDigest(this.#digest, node.digest), digest)
    node.digest = digest
    this.#nodes.note(node, zxid)
  }

  #sessionChanged(session: PendingSession, zxid: Zxid): void {
    const digest = session.present ? sessionDigest(session) : 0
    this.#digest = addDigest(removeDigest(this.#digest, session.digest), digest)
    session.digest = digest
    this.#sessions.note(session, zxid)
  }
}
