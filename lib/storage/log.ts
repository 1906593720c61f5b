/** What both stores know of logs: where a write may stand, and where each epoch's part ends. Pure. */

import { assert } from '../base/assert.ts'
import { follows, type Group, type LogPoint, pointOf } from '../base/group.ts'
import { epochOf } from '../base/zxid.ts'
import type { EpochEnds, Epochs, Persist, SnapshotHead } from '../zab/types.ts'

/**
 * The end of the log after `batch`.
 * @param tail the end of the log before it
 * @param newest where the newest snapshot stands: what it holds is committed, and never truncated
 */
export function tailAfter(tail: LogPoint, newest: LogPoint, batch: Persist): LogPoint {
  const { install, truncateAfter, groups, epochs } = batch
  assert(install === undefined || truncateAfter === undefined, 'install and truncate exclude')
  assert(epochs.acceptedEpoch >= epochs.currentEpoch, 'acceptedEpoch >= currentEpoch')
  if (truncateAfter !== undefined) {
    assert(truncateAfter.zxid <= tail.zxid, 'a log is cut within its length')
    assert(truncateAfter.zxid >= newest.zxid, 'a log is not cut before a snapshot')
  }
  let end = install?.point ?? truncateAfter ?? tail
  for (const group of groups) {
    assert(follows(end, group), `group ${group.first} follows ${end.zxid}`)
    end = pointOf(group)
  }
  assert(epochs.currentEpoch >= epochOf(end.zxid), 'currentEpoch >= epoch of the last group')
  return end
}

/** The end of a log that begins at `start` and goes on with `groups`. */
export function endOf(start: LogPoint, groups: readonly Group[]): LogPoint {
  const last = groups.at(-1)
  return last === undefined ? start : pointOf(last)
}

export function areSameEpochs(one: Epochs, other: Epochs): boolean {
  return one.acceptedEpoch === other.acceptedEpoch && one.currentEpoch === other.currentEpoch
}

/** Ends of epochs of a log that begins with `snapshot`, or with nothing, and goes on with `groups`. */
export function epochEndsOf(
  snapshot: SnapshotHead | undefined,
  groups: readonly Group[],
): EpochEnds {
  const ends = [...(snapshot?.epochEnds ?? [])]
  const note = (point: LogPoint): void => {
    const before = ends.at(-1)
    if (before !== undefined && epochOf(before.zxid) === epochOf(point.zxid)) ends.pop()
    ends.push(point)
  }
  if (snapshot !== undefined && snapshot.point.zxid > 0) note(snapshot.point)
  for (const group of groups) note(pointOf(group))
  return ends
}
