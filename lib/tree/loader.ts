/**
 * Builds a tree from images: a full one, then its deltas in order. Within an image a node may come before its parent,
 * and an ephemeral node before its session. A missing parent is added without its facts, for its children to be linked
 * to, and awaited; ephemeral nodes are set aside by session. That nothing is missing in the end, and nothing too many,
 * is what the digest proves.
 */

import { OPEN_ACL } from '../base/acl.ts'
import { unreachable } from '../base/assert.ts'
import { ByteReader, MalformedError } from '../base/bytes.ts'
import { parentOf, ROOT, type ZPath } from '../base/path.ts'
import { formatZxid, NO_SESSION, type SessionId, ZXID_ZERO, type Zxid } from '../base/zxid.ts'
import { addDigest, nodeDigest, removeDigest, sessionDigest } from './digest.ts'
import { type ImageRecord, readFacts, readRecord } from './image-codec.ts'
import { Nodes } from './nodes.ts'
import { PackedPath, type PathText } from './packed-path.ts'
import { NONE, PARENT } from './rows.ts'
import type { MutableSession } from './sessions.ts'
import { Tree } from './tree.ts'
import { MutableZnode } from './znode.ts'

const NO_BYTES = new Uint8Array(0)

type Of<Kind extends ImageRecord['kind']> = Extract<ImageRecord, { readonly kind: Kind }>

/** Only the root's path has one character. */
function isRoot(path: PathText): boolean {
  return path.length === ROOT.length
}

export class TreeLoader {
  readonly #nodes = new Nodes()
  /** The path of the node that is put, then of its parent. */
  readonly #packed = new PackedPath()
  readonly #sessions = new Map<SessionId, MutableSession>()
  /** Slots of parents that are there only for their children. */
  readonly #awaited = new Set<number>()
  /** The parent linked to last, if there is one: most nodes have the parent of the one before. */
  #lastParent = NONE
  /** Ephemeral nodes by session; the sets become those of the sessions. */
  readonly #ephemerals = new Map<SessionId, Set<ZPath>>()
  #digest = 0

  /** @throws MalformedError when the bytes are not a chunk of an image that can stand at this place. */
  load(chunk: Uint8Array): void {
    const from = new ByteReader(chunk)
    while (!from.done) {
      const record = readRecord(from)
      switch (record.kind) {
        case 'node':
          this.#putNode(record, from)
          break
        case 'nodeRemoved':
          this.#removeNode(record.path)
          break
        case 'session':
          this.#putSession(record.session)
          break
        case 'sessionRemoved':
          this.#removeSession(record.id)
          break
        default:
          unreachable(record)
      }
    }
  }

  /**
   * The tree, which goes on exactly as the one the images were made of. Without any, it is the empty tree: who never
   * took a snapshot has none to send, and its whole log follows.
   * @throws MalformedError when it does not have the digest of the last image.
   */
  finish(zxid: Zxid, digest: number): Tree {
    if (zxid === ZXID_ZERO && this.#nodes.size === 0) return new Tree()
    if (this.#digest !== digest) {
      throw new MalformedError(`the tree loaded does not have the digest of ${formatZxid(zxid)}`)
    }
    if (this.#awaited.size > 0) throw new MalformedError('the tree loaded lacks a node')
    return new Tree({ nodes: this.#nodes, sessions: this.#sessions, zxid, digest })
  }

  #putNode({ path, data, acl }: Of<'node'>, from: ByteReader): void {
    const nodes = this.#nodes
    const packed = this.#packed.set(path)
    const found = nodes.find(packed)
    const slot = found === NONE ? nodes.add(packed, data, acl) : found
    const node = new MutableZnode(nodes, slot)
    if (found !== NONE) {
      if (!this.#awaited.delete(slot)) this.#forget(node)
      nodes.setData(slot, data)
      nodes.setAcl(slot, acl)
    }
    readFacts(from, node)
    node.digest = nodeDigest(node)
    this.#digest = addDigest(this.#digest, node.digest)
    if (node.ephemeralOwner !== NO_SESSION) this.#ephemeralsOf(node.ephemeralOwner).add(node.path)
    if (nodes.rows.word(slot, PARENT) === NONE && !isRoot(path)) {
      nodes.linkChild(this.#parentOf(path), slot)
    }
  }

  #removeNode(path: ZPath): void {
    const nodes = this.#nodes
    const node = nodes.node(path)
    if (node === undefined || this.#awaited.has(node.slot)) {
      throw new MalformedError(`image removes ${path}, which is not there`)
    }
    if (node.numChildren > 0) throw new MalformedError(`image removes ${path}, not its children`)
    this.#forget(node)
    if (path !== ROOT) nodes.unlinkChild(nodes.rows.word(node.slot, PARENT), node.slot)
    nodes.remove(node.slot, path)
    this.#lastParent = NONE
  }

  #putSession(session: MutableSession): void {
    const before = this.#sessions.get(session.id)
    if (before !== undefined) this.#digest = removeDigest(this.#digest, before.digest)
    session.ephemerals = this.#ephemeralsOf(session.id)
    session.digest = sessionDigest(session)
    this.#digest = addDigest(this.#digest, session.digest)
    this.#sessions.set(session.id, session)
  }

  #removeSession(id: SessionId): void {
    const session = this.#sessions.get(id)
    if (session === undefined)
      throw new MalformedError(`image removes session ${id}, which is not there`)
    this.#digest = removeDigest(this.#digest, session.digest)
    this.#sessions.delete(id)
  }

  /** Takes back what a node added elsewhere, before it is replaced or removed. */
  #forget(node: MutableZnode): void {
    this.#digest = removeDigest(this.#digest, node.digest)
    if (node.ephemeralOwner !== NO_SESSION) {
      this.#ephemeralsOf(node.ephemeralOwner).delete(node.path)
    }
  }

  /** The slot of the parent, which is added if it is missing, of the node whose path is packed. */
  #parentOf(path: PathText): number {
    const nodes = this.#nodes
    const packed = this.#packed
    if (typeof path === 'string') packed.set(parentOf(path))
    else packed.cutToParent()
    const last = this.#lastParent
    if (last !== NONE && nodes.isAt(last, packed)) return last
    let slot = nodes.find(packed)
    if (slot === NONE) {
      slot = nodes.add(packed, NO_BYTES, OPEN_ACL)
      this.#awaited.add(slot)
    }
    this.#lastParent = slot
    return slot
  }

  #ephemeralsOf(id: SessionId): Set<ZPath> {
    const known = this.#ephemerals.get(id)
    if (known !== undefined) return known
    const paths = new Set<ZPath>()
    this.#ephemerals.set(id, paths)
    return paths
  }
}
