/** What a peer of a `Cluster` has on its disk, and such disks made by hand. */

import { type Group, LOG_START, type LogPoint, makeGroup, pointOf } from '../../lib/base/group.ts'
import { type Epoch, epochOf, makeZxid } from '../../lib/base/zxid.ts'
import type { Epochs, Persist, SnapshotHead } from '../../lib/zab/types.ts'

export interface Disk {
  epochs: Epochs
  snapshot: SnapshotHead | undefined
  groups: Group[]
  /** Groups before this point are no longer held. */
  logStart: LogPoint
}

const NO_EPOCHS: Epochs = { acceptedEpoch: 0 as Epoch, currentEpoch: 0 as Epoch }

export function emptyDisk(): Disk {
  return { epochs: NO_EPOCHS, snapshot: undefined, groups: [], logStart: LOG_START }
}

/** A disk that was in `epoch` and logged `count` groups of one transaction in it. */
export function diskWith(epoch: number, count: number): Disk {
  const disk = emptyDisk()
  disk.epochs = { acceptedEpoch: epoch as Epoch, currentEpoch: epoch as Epoch }
  let point = LOG_START
  for (let counter = 1; counter <= count; counter++) {
    const zxid = makeZxid(epoch as Epoch, counter)
    const group = makeGroup(point, zxid, zxid, Buffer.from(`t${counter}`), counter)
    disk.groups.push(group)
    point = pointOf(group)
  }
  return disk
}

/** As `diskWith`, but the first `snapshotAt` groups are only to be had as a snapshot. */
export function diskWithSnapshot(epoch: number, count: number, snapshotAt: number): Disk {
  const disk = diskWith(epoch, count)
  const point = pointOf(disk.groups[snapshotAt - 1]!)
  disk.snapshot = { point, digest: 0, epochEnds: [point] }
  disk.logStart = point
  disk.groups = disk.groups.slice(snapshotAt)
  return disk
}

export function endsOf(disk: Disk): LogPoint[] {
  const ends: LogPoint[] = [...(disk.snapshot?.epochEnds ?? [])]
  for (const group of disk.groups) {
    if (ends.length > 0 && epochOf(ends.at(-1)!.zxid) === epochOf(group.last)) ends.pop()
    ends.push(pointOf(group))
  }
  return ends
}

export function apply(disk: Disk, persist: Persist): void {
  disk.epochs = persist.epochs
  if (persist.install !== undefined) {
    disk.snapshot = persist.install
    disk.logStart = persist.install.point
    disk.groups = []
  }
  const cut = persist.truncateAfter
  if (cut !== undefined) disk.groups = disk.groups.filter(group => group.last <= cut.zxid)
  disk.groups.push(...persist.groups)
}
