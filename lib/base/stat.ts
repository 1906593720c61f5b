/** The metadata of a znode, as ZooKeeper's `Stat` record has it. */

import type { SessionId, Zxid } from './zxid.ts'

export interface Stat {
  /** zxid of the transaction that created the node. */
  readonly czxid: Zxid
  /** zxid of the last change of its data. */
  readonly mzxid: Zxid
  /** zxid of the last change of its list of children. */
  readonly pzxid: Zxid
  /** Milliseconds since 1970 at creation, by the leader's clock. */
  readonly ctime: number
  /** Milliseconds since 1970 at the last change of data, by the leader's clock. */
  readonly mtime: number
  /** Number of changes of the data. */
  readonly version: number
  /** Number of changes of the list of children: one for each child created and each deleted. */
  readonly cversion: number
  /** Number of changes of the ACL. */
  readonly aversion: number
  /** Session that owns an ephemeral node; 0 for the other kinds. */
  readonly ephemeralOwner: SessionId
  /** Bytes of data. */
  readonly dataLength: number
  readonly numChildren: number
}

/** The numbers as they are now, whoever holds them. */
export function copyStat(stat: Stat): Stat {
  return {
    czxid: stat.czxid,
    mzxid: stat.mzxid,
    pzxid: stat.pzxid,
    ctime: stat.ctime,
    mtime: stat.mtime,
    version: stat.version,
    cversion: stat.cversion,
    aversion: stat.aversion,
    ephemeralOwner: stat.ephemeralOwner,
    dataLength: stat.dataLength,
    numChildren: stat.numChildren,
  }
}
