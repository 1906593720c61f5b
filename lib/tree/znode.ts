/**
 * One znode, as a view on its row: `Znode` is what other rooms see, `MutableZnode` is what the tree changes it through.
 * A view is made when a node is asked for. It is good for nothing once the node is removed: another may have its row.
 */

import type { Acl } from '../base/acl.ts'
import type { ZPath } from '../base/path.ts'
import type { Stat } from '../base/stat.ts'
import type { SessionId, Zxid } from '../base/zxid.ts'
import type { NodeFacts } from './digest.ts'
import type { Nodes } from './nodes.ts'
import {
  ACL,
  AVERSION,
  CHILD_COUNT,
  CREATES,
  CTIME,
  CZXID,
  DATA_HASH,
  DATA_LENGTH,
  DIGEST,
  doublesAt,
  EPHEMERAL_OWNER,
  MTIME,
  MZXID,
  PATH_HASH,
  PZXID,
  VERSION,
  wordsAt,
} from './rows.ts'

/** Facts of a znode, its stat too, true until the next transaction is applied: do not keep one longer than that. */
export interface Znode extends NodeFacts, Stat {
  readonly path: ZPath
  /** A change of data may be written over it: copy what is to be kept. */
  readonly data: Uint8Array
  readonly acl: Acl
  /** What the node contributes to the tree's digest. */
  readonly digest: number
  /** Makes a list of the children's names, in no promised order. */
  childNames(): string[]
}

export class MutableZnode implements Znode {
  readonly slot: number
  readonly #path: ZPath | undefined
  readonly #nodes: Nodes
  /** The row: rows are never moved. */
  readonly #doubles: Float64Array
  readonly #words: Int32Array
  readonly #double: number
  readonly #word: number

  /** `path`: if it is at hand; it is not kept as a string. */
  constructor(nodes: Nodes, slot: number, path?: ZPath) {
    this.slot = slot
    this.#path = path
    this.#nodes = nodes
    this.#doubles = nodes.rows.doubles(slot)
    this.#words = nodes.rows.words(slot)
    this.#double = doublesAt(slot)
    this.#word = wordsAt(slot)
  }

  /** Its first facts; all others are 0. */
  beBorn(zxid: Zxid, time: number, owner: SessionId): void {
    this.czxid = zxid
    this.mzxid = zxid
    this.pzxid = zxid
    this.ctime = time
    this.mtime = time
    this.ephemeralOwner = owner
  }

  get path(): ZPath {
    return this.#path ?? this.#nodes.path(this.slot)
  }

  get pathHash(): number {
    return this.#words[this.#word + PATH_HASH]!
  }

  get data(): Uint8Array {
    return this.#nodes.data(this.slot)
  }

  get dataHash(): number {
    return this.#words[this.#word + DATA_HASH]!
  }

  get dataLength(): number {
    return this.#words[this.#word + DATA_LENGTH]!
  }

  get acl(): Acl {
    return this.#nodes.acls.acl(this.#words[this.#word + ACL]!)
  }

  get aclHash(): number {
    return this.#nodes.acls.hash(this.#words[this.#word + ACL]!)
  }

  get numChildren(): number {
    return this.#words[this.#word + CHILD_COUNT]!
  }

  /** Counts creations and deletions of children; deletions are creations that are no longer there. */
  get cversion(): number {
    return (2 * this.creates - this.numChildren) | 0
  }

  childNames(): string[] {
    return this.#nodes.childNames(this.slot)
  }

  get czxid(): Zxid {
    return this.#doubles[this.#double + CZXID] as Zxid
  }

  set czxid(value: Zxid) {
    this.#doubles[this.#double + CZXID] = value
  }

  get mzxid(): Zxid {
    return this.#doubles[this.#double + MZXID] as Zxid
  }

  set mzxid(value: Zxid) {
    this.#doubles[this.#double + MZXID] = value
  }

  get pzxid(): Zxid {
    return this.#doubles[this.#double + PZXID] as Zxid
  }

  set pzxid(value: Zxid) {
    this.#doubles[this.#double + PZXID] = value
  }

  get ctime(): number {
    return this.#doubles[this.#double + CTIME]!
  }

  set ctime(value: number) {
    this.#doubles[this.#double + CTIME] = value
  }

  get mtime(): number {
    return this.#doubles[this.#double + MTIME]!
  }

  set mtime(value: number) {
    this.#doubles[this.#double + MTIME] = value
  }

  get ephemeralOwner(): SessionId {
    return this.#doubles[this.#double + EPHEMERAL_OWNER] as SessionId
  }

  set ephemeralOwner(value: SessionId) {
    this.#doubles[this.#double + EPHEMERAL_OWNER] = value
  }

  get digest(): number {
    return this.#doubles[this.#double + DIGEST]!
  }

  set digest(value: number) {
    this.#doubles[this.#double + DIGEST] = value
  }

  get version(): number {
    return this.#words[this.#word + VERSION]!
  }

  set version(value: number) {
    this.#words[this.#word + VERSION] = value
  }

  get creates(): number {
    return this.#words[this.#word + CREATES]!
  }

  set creates(value: number) {
    this.#words[this.#word + CREATES] = value
  }

  get aversion(): number {
    return this.#words[this.#word + AVERSION]!
  }

  set aversion(value: number) {
    this.#words[this.#word + AVERSION] = value
  }

  /** In place, unless another length needs more room, or much less. */
  setData(data: Uint8Array): void {
    this.#nodes.setData(this.slot, data)
  }
}
