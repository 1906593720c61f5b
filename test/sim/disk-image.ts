/**
 * What is on a model disk: one peer's epochs, log and snapshots, and how each atomic batch of its store changes them.
 * `SimDisk` keeps two of these, one of what was written and one of what is safe.
 */

import { follows, type Group, LOG_START, type LogPoint } from '../../lib/base/group.ts'
import { EPOCH_ZERO, epochOf, ZXID_ZERO, type Zxid } from '../../lib/base/zxid.ts'
import type { Epochs, Persist, SnapshotHead } from '../../lib/zab/types.ts'
import { holds } from './violation.ts'

type Chunks = readonly Uint8Array[]

export interface Snapshot {
  readonly head: SnapshotHead
  /** A full image, then the deltas upon it; snapshots share the images they build on. */
  readonly images: readonly Chunks[]
}

function pointOf(group: Group): LogPoint {
  return { zxid: group.last, chain: group.chain }
}

export class DiskImage {
  epochs: Epochs = { acceptedEpoch: EPOCH_ZERO, currentEpoch: EPOCH_ZERO }
  committed: Zxid = ZXID_ZERO
  /** Where `groups` begin. */
  logStart: LogPoint = LOG_START
  groups: Group[] = []
  /** Oldest first. */
  snapshots: Snapshot[] = []
  /** Part of a snapshot that is not visible yet: received from a leader, or taken here. */
  #staged: Uint8Array[] = []
  #taken:
    | { readonly head: SnapshotHead; readonly full: boolean; readonly chunks: Uint8Array[] }
    | undefined

  get last(): LogPoint {
    const group = this.groups.at(-1)
    return group === undefined ? this.logStart : pointOf(group)
  }

  get newest(): Snapshot | undefined {
    return this.snapshots.at(-1)
  }

  /** Whether the group that ends at `point` is here, in the log or beneath what the log begins with. */
  contains(point: LogPoint): boolean {
    const index = this.indexAfter(point.zxid)
    const group = this.groups[index - 1]
    if (group !== undefined) return group.last === point.zxid && group.chain === point.chain
    return point.zxid <= this.logStart.zxid
  }

  /** Index of the first group that ends after `zxid`. */
  indexAfter(zxid: Zxid): number {
    let low = 0
    let high = this.groups.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.groups[middle]!.last <= zxid) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Groups directly after `after`, about `maxBytes` of them; undefined when they are not held. */
  groupsAfter(after: LogPoint, maxBytes: number): readonly Group[] | undefined {
    const index = this.indexAfter(after.zxid)
    const before = index === 0 ? this.logStart : pointOf(this.groups[index - 1]!)
    if (before.zxid !== after.zxid || before.chain !== after.chain) return undefined
    const found: Group[] = []
    let bytes = 0
    for (let at = index; at < this.groups.length && (at === index || bytes < maxBytes); at++) {
      found.push(this.groups[at]!)
      bytes += this.groups[at]!.payload.length
    }
    return found
  }

  write(persist: Persist): void {
    const { install, truncateAfter, groups, epochs } = persist
    if (install !== undefined) this.#install(install)
    else if (truncateAfter !== undefined) this.truncateAfter(truncateAfter)
    for (const group of groups) {
      holds(follows(this.last, group), 'LogContiguity', () => {
        return `${group.first} is written after ${this.last.zxid}`
      })
      this.groups.push(group)
    }
    const { acceptedEpoch, currentEpoch } = epochs
    holds(
      acceptedEpoch >= currentEpoch && currentEpoch >= epochOf(this.last.zxid),
      'EpochOrder',
      () => `accepted ${acceptedEpoch}, current ${currentEpoch}, log up to ${this.last.zxid}`,
    )
    holds(
      acceptedEpoch >= this.epochs.acceptedEpoch && currentEpoch >= this.epochs.currentEpoch,
      'EpochOrder',
      () => `epochs go back to ${acceptedEpoch}, ${currentEpoch}`,
    )
    this.epochs = epochs
    this.committed = persist.committed
  }

  /** Drops every group after the point, which must be where one ends. */
  truncateAfter(point: LogPoint): void {
    holds(this.contains(point), 'LogContiguity', () => `cut at ${point.zxid}, where no group ends`)
    const snapshotted = this.newest?.head.point.zxid ?? ZXID_ZERO
    holds(point.zxid >= snapshotted, 'PrefixConsistency', () => {
      return `cut at ${point.zxid} would leave the snapshot at ${snapshotted} ahead of the log`
    })
    this.groups.length = this.indexAfter(point.zxid)
  }

  stage(chunk: Uint8Array): void {
    this.#staged.push(chunk)
  }

  abortStaging(): void {
    this.#staged = []
  }

  beginSnapshot(head: SnapshotHead, full: boolean): void {
    this.#taken = { head, full, chunks: [] }
  }

  appendSnapshot(chunk: Uint8Array): void {
    this.#taken?.chunks.push(chunk)
  }

  commitSnapshot(): void {
    const taken = this.#taken
    holds(taken !== undefined, 'Recovery', () => 'a snapshot is committed that was not begun')
    this.#taken = undefined
    const { head, full, chunks } = taken
    const base = this.newest
    holds(full || base !== undefined, 'Recovery', () => 'a delta without a snapshot before it')
    const images = full || base === undefined ? [chunks] : [...base.images, chunks]
    this.snapshots.push({ head, images })
  }

  abortSnapshot(): void {
    this.#taken = undefined
  }

  /** Forgets all snapshots but the newest, and the log before them. */
  purge(kept: number): void {
    this.snapshots = this.snapshots.slice(-kept)
    const oldest = this.snapshots[0]?.head.point
    if (oldest === undefined || oldest.zxid <= this.logStart.zxid) return
    this.groups.splice(0, this.indexAfter(oldest.zxid))
    this.logStart = oldest
  }

  /** As recovery finds it: without what was never made visible. */
  copy(): DiskImage {
    const copy = new DiskImage()
    copy.epochs = this.epochs
    copy.committed = this.committed
    copy.logStart = this.logStart
    copy.groups = [...this.groups]
    copy.snapshots = [...this.snapshots]
    return copy
  }

  #install(head: SnapshotHead): void {
    const chunks = this.#staged
    this.#staged = []
    this.#taken = undefined
    this.groups = []
    this.logStart = head.point
    // Without a chunk it is the empty tree, from which the whole log follows.
    this.snapshots = chunks.length > 0 ? [{ head, images: [chunks] }] : []
  }
}
