/**
 * One peer's log as agreement sees it: the recent groups in memory, the points where epochs end, and how far it is
 * committed. Older groups live in the store only.
 */

import { assert, verify } from '../base/assert.ts'
import {
  follows,
  type Group,
  LOG_START,
  type LogPoint,
  payloadBytesOf,
  pointOf,
} from '../base/group.ts'
import { HISTORY_BYTES_MAX, HISTORY_GROUPS_MAX } from '../base/limits.ts'
import { epochOf, type Zxid } from '../base/zxid.ts'
import { KeptPayloads } from './kept-payloads.ts'
import type { EpochEnds, SnapshotHead } from './types.ts'

export interface RecoveredHistory {
  /** Where the store's log begins: what precedes is only in snapshots. */
  readonly logStart: LogPoint
  /** Where `groups` begin: the snapshot the tree was loaded from. */
  readonly base: LogPoint
  readonly groups: readonly Group[]
  readonly epochEnds: EpochEnds
}

export class History {
  /** Groups in memory, oldest first; each follows the one before it, the first follows `#base`. */
  #groups: Group[]
  /** Of `#groups`, so many have their payload in `#payloads`: only for learners; they are committed, and durable. */
  #kept = 0
  #payloads = new KeptPayloads()
  readonly #groupsMax: number
  #base: LogPoint
  #bytes = 0
  #epochEnds: LogPoint[]
  /** Invariant: base <= committed <= last. Groups up to here have been delivered to the tree. */
  #committed: Zxid
  #logStart: LogPoint

  constructor(recovered: RecoveredHistory, groupsMax = HISTORY_GROUPS_MAX) {
    this.#groupsMax = groupsMax
    this.#logStart = recovered.logStart
    this.#base = recovered.base
    this.#committed = recovered.base.zxid
    this.#epochEnds = [...recovered.epochEnds]
    this.#groups = [...recovered.groups]
    this.#bytes = payloadBytesOf(this.#groups)
    verify(() => this.contiguous(), 'the recovered log has no hole')
  }

  get last(): LogPoint {
    const group = this.#groups[this.#groups.length - 1]
    return group === undefined ? this.#base : pointOf(group)
  }

  /** As in `last`, for those who ask with every step. */
  get lastZxid(): Zxid {
    return this.#groups[this.#groups.length - 1]?.last ?? this.#base.zxid
  }

  get committed(): Zxid {
    return this.#committed
  }

  get epochEnds(): EpochEnds {
    return this.#epochEnds
  }

  /** The oldest point from which memory can bring a learner up to date. */
  get base(): LogPoint {
    return this.#base
  }

  /** What precedes this point cannot be had of the store, except in a snapshot. */
  get logStart(): LogPoint {
    return this.#logStart
  }

  /** The store's log now begins here. */
  purged(logStart: LogPoint): void {
    if (logStart.zxid > this.#logStart.zxid) this.#logStart = logStart
  }

  /** The store cannot read its log any more: only what is in memory is to be had. */
  dropPast(): void {
    this.purged(this.#base)
  }

  /** Where a snapshot of everything committed stands, for a tree with this digest. */
  committedHead(digest: number): SnapshotHead {
    const point = this.pointAt(this.#committed)
    assert(point !== undefined, 'the commit point is in memory')
    const before = this.#epochEnds.filter(end => epochOf(end.zxid) < epochOf(point.zxid))
    return { point, digest, epochEnds: point.zxid === 0 ? [] : [...before, point] }
  }

  append(group: Group): void {
    assert(follows(this.last, group), `group ${group.first} does not follow ${this.last.zxid}`)
    this.#groups.push(group)
    this.#bytes += group.payload.length
    this.#noteEnd(pointOf(group))
    verify(() => this.contiguous(), 'the log has no hole')
  }

  /** The point at `zxid`, if a group in memory ends there. */
  pointAt(zxid: Zxid): LogPoint | undefined {
    if (zxid === this.#base.zxid) return this.#base
    const group = this.#groups[this.#indexAfter(zxid) - 1]
    return group?.last === zxid ? pointOf(group) : undefined
  }

  /**
   * Groups after `zxid`, if memory reaches back that far. Their payloads are to be used at once: with the next `trim`
   * they may be written over.
   */
  groupsAfter(zxid: Zxid): readonly Group[] | undefined {
    if (zxid < this.#base.zxid) return undefined
    return this.#groups.slice(this.#indexAfter(zxid))
  }

  /** Drops what was never committed; what is committed is never dropped. */
  truncateAfter(point: LogPoint): void {
    assert(point.zxid >= this.#committed, 'a committed group is never truncated')
    const kept = this.#indexAfter(point.zxid)
    for (const group of this.#groups.splice(kept)) this.#bytes -= group.payload.length
    assert(this.last.zxid === point.zxid, 'a log is cut where a group ends')
    while ((this.#epochEnds.at(-1)?.zxid ?? 0) > point.zxid) this.#epochEnds.pop()
    if (point.zxid > 0) this.#noteEnd(point)
  }

  /** The log is replaced by a snapshot. */
  install(head: SnapshotHead): void {
    this.#groups = []
    this.#kept = 0
    this.#payloads = new KeptPayloads()
    this.#bytes = 0
    this.#base = head.point
    this.#logStart = head.point
    this.#committed = head.point.zxid
    this.#epochEnds = [...head.epochEnds]
  }

  /** Moves the commit point; returns the groups that are committed by it, in order. */
  commit(zxid: Zxid): readonly Group[] {
    if (zxid <= this.#committed) return []
    const from = this.#indexAfter(this.#committed)
    const to = this.#indexAfter(zxid)
    assert(this.#groups[to - 1]?.last === zxid, `commit ${zxid} ends at a group we hold`)
    this.#committed = zxid
    return this.#groups.slice(from, to)
  }

  contiguous(): boolean {
    let point = this.#base
    for (const group of this.#groups) {
      if (!follows(point, group)) return false
      point = pointOf(group)
    }
    return true
  }

  /**
   * Forgets the oldest groups beyond the budget that are committed and, up to `durable`, to be had of the store. Of the
   * others that are both, moves the payloads to where they are kept: what is not durable is in memory for its write.
   */
  trim(durable: Zxid): void {
    const dispensable = Math.min(durable, this.#committed) as Zxid
    this.#dropOldest(dispensable)
    const end = this.#indexAfter(dispensable)
    for (; this.#kept < end; this.#kept++) {
      const group = this.#groups[this.#kept]!
      this.#groups[this.#kept] = { ...group, payload: this.#payloads.keep(group.payload) }
    }
  }

  #dropOldest(dispensable: Zxid): void {
    // To drop groups costs as much as to keep the others, so it is done for many at a time.
    const isRoomy = this.#groups.length <= this.#groupsMax + Math.floor(this.#groupsMax / 8)
    if (isRoomy && this.#bytes <= HISTORY_BYTES_MAX) return
    let dropped = 0
    while (
      this.#groups.length - dropped > this.#groupsMax ||
      (this.#bytes > HISTORY_BYTES_MAX && this.#groups.length - dropped > 0)
    ) {
      const group = this.#groups[dropped]!
      if (group.last > dispensable) break
      this.#bytes -= group.payload.length
      this.#base = pointOf(group)
      if (dropped < this.#kept) this.#payloads.drop(group.payload)
      dropped++
    }
    if (dropped === 0) return
    this.#groups.splice(0, dropped)
    this.#kept = Math.max(0, this.#kept - dropped)
  }

  #noteEnd(point: LogPoint): void {
    const before = this.#epochEnds.at(-1)
    if (before !== undefined && epochOf(before.zxid) === epochOf(point.zxid)) this.#epochEnds.pop()
    this.#epochEnds.push(point)
  }

  /** Index of the first group that ends after `zxid`. */
  #indexAfter(zxid: Zxid): number {
    let low = 0
    let high = this.#groups.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#groups[middle]!.last <= zxid) low = middle + 1
      else high = middle
    }
    return low
  }
}

/**
 * The last point two logs have in common. A leader's part of a log is the same wherever it is found, so in the latest
 * epoch that left something in both, the shorter part is common, and so is everything before it.
 */
export function joinPoint(leader: EpochEnds, learner: EpochEnds): LogPoint {
  let at = leader.length - 1
  for (let i = learner.length - 1; i >= 0; i--) {
    const theirs = learner[i]!
    while (at >= 0 && epochOf(leader[at]!.zxid) > epochOf(theirs.zxid)) at--
    const ours = leader[at]
    if (ours === undefined) break
    if (epochOf(ours.zxid) === epochOf(theirs.zxid)) return ours.zxid < theirs.zxid ? ours : theirs
  }
  return LOG_START
}
