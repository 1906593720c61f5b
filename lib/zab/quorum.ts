/** Quorum arithmetic: small, total, table-tested. */

import { assert } from '../base/assert.ts'
import type { Sid, Zxid } from '../base/zxid.ts'
import { ZXID_ZERO } from '../base/zxid.ts'

/** Decides which sets of voters may act for all. Any two quorums share a voter. */
export interface Quorum {
  readonly voters: readonly Sid[]
  /** Whether the voters for whom `has` holds form a quorum. */
  reached(has: (voter: Sid) => boolean): boolean
  /** The highest zxid that a quorum has acknowledged. */
  acknowledged(acked: (voter: Sid) => Zxid): Zxid
}

/** More than half of the voters (ZooKeeper's QuorumMaj). */
export class Majority implements Quorum {
  readonly voters: readonly Sid[]

  constructor(voters: readonly Sid[]) {
    assert(voters.length > 0, 'a quorum needs voters')
    assert(new Set(voters).size === voters.length, 'voters are distinct')
    this.voters = voters
  }

  reached(has: (voter: Sid) => boolean): boolean {
    let count = 0
    for (const voter of this.voters) if (has(voter)) count++
    return count * 2 > this.voters.length
  }

  acknowledged(acked: (voter: Sid) => Zxid): Zxid {
    const descending = this.voters.map(acked).sort((a, b) => b - a)
    return descending[Math.floor(descending.length / 2)] ?? ZXID_ZERO
  }
}
