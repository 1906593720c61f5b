/**
 * Builds a tree from images: a full one, then its deltas in order. Within an image a node may come before its parent,
 * and an ephemeral node before its session, so links to what is still missing are set aside. That nothing is missing in
 * the end, and nothing too many, is what the digest proves.
 */

import { unreachable } from '../base/assert.ts'
import { ByteReader, MalformedError } from '../base/bytes.ts'
import { nameOf, parentOf, ROOT, type ZPath } from '../base/path.ts'
import { formatZxid, NO_SESSION, type SessionId, ZXID_ZERO, type Zxid } from '../base/zxid.ts'
import { addDigest, nodeDigest, removeDigest, sessionDigest } from './digest.ts'
import { readRecord } from './image-codec.ts'
import type { MutableSession } from './sessions.ts'
import { Tree } from './tree.ts'
import type { MutableZnode } from './znode.ts'

export class TreeLoader {
  readonly #nodes = new Map<ZPath, MutableZnode>()
  readonly #sessions = new Map<SessionId, MutableSession>()
  /** Names of children whose parent is not there. */
  readonly #orphans = new Map<ZPath, Set<string>>()
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
          this.#putNode(record.node)
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
    return new Tree({ nodes: this.#nodes, sessions: this.#sessions, zxid, digest })
  }

  #putNode(node: MutableZnode): void {
    const { path } = node
    const before = this.#nodes.get(path)
    if (before !== undefined) this.#forget(before)
    node.names = before?.names ?? this.#orphans.get(path)
    this.#orphans.delete(path)
    node.digest = nodeDigest(node)
    this.#digest = addDigest(this.#digest, node.digest)
    this.#nodes.set(path, node)
    if (node.ephemeralOwner !== NO_SESSION) this.#ephemeralsOf(node.ephemeralOwner).add(path)
    if (path !== ROOT) this.#addChild(parentOf(path), nameOf(path))
  }

  #removeNode(path: ZPath): void {
    const node = this.#nodes.get(path)
    if (node === undefined) throw new MalformedError(`image removes ${path}, which is not there`)
    if (node.children.size > 0) throw new MalformedError(`image removes ${path}, not its children`)
    this.#forget(node)
    this.#nodes.delete(path)
    this.#nodes.get(parentOf(path))?.removeChild(nameOf(path))
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

  #addChild(parent: ZPath, name: string): void {
    const node = this.#nodes.get(parent)
    if (node !== undefined) {
      node.addChild(name)
      return
    }
    const names = this.#orphans.get(parent)
    if (names === undefined) this.#orphans.set(parent, new Set([name]))
    else names.add(name)
  }

  #ephemeralsOf(id: SessionId): Set<ZPath> {
    const known = this.#ephemerals.get(id)
    if (known !== undefined) return known
    const paths = new Set<ZPath>()
    this.#ephemerals.set(id, paths)
    return paths
  }
}
