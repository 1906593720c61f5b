/**
 * One znode. `Znode` is what other rooms see; `MutableZnode` is what the tree keeps, one per node, so it is small: the
 * set of children exists only for nodes that have some, and hashes are kept only of what is costly to hash again.
 */

import type { Acl } from '../base/acl.ts'
import type { ZPath } from '../base/path.ts'
import type { Stat } from '../base/stat.ts'
import type { SessionId, Zxid } from '../base/zxid.ts'
import { hashAcl, hashData, hashPath, type NodeFacts } from './digest.ts'

/** Facts of a znode, its stat too, true until the next transaction is applied: do not keep one longer than that. */
export interface Znode extends NodeFacts, Stat {
  readonly path: ZPath
  /** A change of data may be written over it: copy what is to be kept. */
  readonly data: Uint8Array
  readonly acl: Acl
  /** Names of the children, in no promised order. */
  readonly children: ReadonlySet<string>
  /** What the node contributes to the tree's digest. */
  readonly digest: number
}

const NO_CHILDREN: ReadonlySet<string> = new Set()
const NO_DATA = new Uint8Array(0)

/** Data arrives as a view on a frame; keeping the view would keep the whole frame. */
function own(data: Uint8Array): Uint8Array {
  return data.length === 0 ? NO_DATA : new Uint8Array(data)
}

export class MutableZnode implements Znode {
  readonly path: ZPath
  readonly pathHash: number
  readonly czxid: Zxid
  mzxid: Zxid
  pzxid: Zxid
  readonly ctime: number
  mtime: number
  version = 0
  creates = 0
  aversion = 0
  readonly ephemeralOwner: SessionId
  data: Uint8Array
  dataHash: number
  readonly acl: Acl
  readonly aclHash: number
  names: Set<string> | undefined = undefined
  digest = 0
  /** Last image that wrote this node, or change since: see `Ledger`. */
  mark = 0

  constructor(
    path: ZPath,
    data: Uint8Array,
    acl: Acl,
    czxid: Zxid,
    ctime: number,
    ephemeralOwner: SessionId,
  ) {
    this.path = path
    this.pathHash = hashPath(path)
    this.czxid = czxid
    this.mzxid = czxid
    this.pzxid = czxid
    this.ctime = ctime
    this.mtime = ctime
    this.ephemeralOwner = ephemeralOwner
    this.data = own(data)
    this.dataHash = hashData(data)
    this.acl = acl
    this.aclHash = hashAcl(acl)
  }

  get numChildren(): number {
    return this.names === undefined ? 0 : this.names.size
  }

  /** Counts creations and deletions of children; deletions are creations that are no longer there. */
  get cversion(): number {
    return (2 * this.creates - this.numChildren) | 0
  }

  get dataLength(): number {
    return this.data.length
  }

  get children(): ReadonlySet<string> {
    return this.names ?? NO_CHILDREN
  }

  /** Data of the same length takes the place of what was there: nothing is allocated, and nothing left for the GC. */
  setData(data: Uint8Array): void {
    if (data.length === this.data.length) this.data.set(data)
    else this.data = own(data)
    this.dataHash = hashData(data)
  }

  addChild(name: string): void {
    if (this.names === undefined) this.names = new Set()
    this.names.add(name)
  }

  removeChild(name: string): boolean {
    const removed = this.names?.delete(name) ?? false
    if (this.names?.size === 0) this.names = undefined
    return removed
  }
}
