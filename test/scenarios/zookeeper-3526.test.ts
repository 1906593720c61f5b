/**
 * ZOOKEEPER-3526: while a server had no quorum it served reads only, through an object that kept its own idea of how
 * far the committed log in memory went. The leader it became later used those bounds: they said that its log ended
 * before it began, and a follower was told to cut off committed transactions.
 *
 * Here there is no read-only mode yet, and the bounds are those of the one log. A leader that was alone for long
 * brings a follower up to date wherever its memory and its stored log begin and wherever the follower's log ends:
 * nothing committed is ever cut, and what can be had from the log is not sent as a snapshot.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LOG_START, type LogPoint, pointOf } from '../../lib/base/group.ts'
import { makeEpoch } from '../../lib/base/zxid.ts'
import { Cluster, INIT_LIMIT_TICKS } from '../zab/cluster.ts'
import { type Disk, diskWith } from '../zab/disks.ts'
import { makeGroups } from './follower.ts'
import { findTogether, lastOf } from './zab-steps.ts'

const GROUPS = 4
const EPOCH = makeEpoch(1)

function pointAt(disk: Disk, count: number): LogPoint {
  return count === 0 ? LOG_START : pointOf(disk.groups[count - 1]!)
}

/** A log of which memory holds what follows `snapshotAt`, and the store what follows `logStart`. */
function leaderDisk(snapshotAt: number, logStart: number): Disk {
  const disk = diskWith(1, GROUPS)
  const point = pointAt(disk, snapshotAt)
  const start = pointAt(disk, logStart)
  const epochEnds = snapshotAt === 0 ? [] : [point]
  return {
    ...disk,
    snapshot: snapshotAt === 0 ? undefined : { point, digest: 0, epochEnds },
    logStart: start,
    groups: disk.groups.slice(logStart),
  }
}

/** The first `count` groups of the same log, all committed, and perhaps one that nobody else has. */
function learnerDisk(count: number, isForeign: boolean): Disk {
  const disk = diskWith(1, count)
  const epoch = makeEpoch(isForeign ? 2 : 1)
  if (isForeign) disk.groups.push(...makeGroups(1, 2, lastOf(disk)))
  return { ...disk, epochs: { acceptedEpoch: epoch, currentEpoch: epoch } }
}

test('a leader that was alone for long cuts nothing that is committed', () => {
  const said = new Map<string, number>()
  for (let snapshotAt = 0; snapshotAt <= GROUPS; snapshotAt++) {
    for (let logStart = 0; logStart <= snapshotAt; logStart++) {
      for (let count = 0; count <= GROUPS; count++) {
        for (const isForeign of [false, true]) {
          const cluster = new Cluster([1, 2, 3])
          // Elections go by the epoch: these have entered a later one than the follower, without a proposal in it.
          const epochs = { acceptedEpoch: makeEpoch(3), currentEpoch: makeEpoch(3) }
          const disk = { ...leaderDisk(snapshotAt, logStart), epochs }
          cluster.start(3, disk, { committed: pointAt(diskWith(EPOCH, GROUPS), GROUPS).zxid })
          cluster.tick(INIT_LIMIT_TICKS)
          cluster.start(1, learnerDisk(count, isForeign), {
            committed: pointAt(diskWith(EPOCH, GROUPS), count).zxid,
          })
          findTogether(cluster)
          const kinds = cluster.kinds(3, 1)
          const joined = ['diff', 'trunc', 'snap'].filter(kind => kinds.includes(kind))
          const expected = count < logStart ? 'snap' : isForeign ? 'trunc' : 'diff'
          assert.deepEqual(joined, [expected], `${snapshotAt} ${logStart} ${count} ${isForeign}`)
          said.set(expected, (said.get(expected) ?? 0) + 1)
          assert.ok(!kinds.includes('dismiss'))
          const last = cluster.peer(3).zab.history.last
          assert.deepEqual(cluster.peer(1).zab.history.last, last)
          assert.deepEqual(lastOf(cluster.peer(1).disk), last)
        }
      }
    }
  }
  assert.equal(said.size, 3, 'all three ways were taken')
})
