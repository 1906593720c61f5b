/**
 * Learners that need what only the store holds: long snapshots, snapshots that cannot be read, learners that go while
 * they are served, and a store that is behind the memory of its leader.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HISTORY_GROUPS_MAX } from '../../lib/base/limits.ts'
import { makeZxid } from '../../lib/base/zxid.ts'
import { Cluster, INIT_LIMIT_TICKS, SYNC_LIMIT_TICKS } from './cluster.ts'
import { diskWith, diskWithSnapshot } from './disks.ts'

/** Learners whose log is older than this can only be given a snapshot. */
const SNAPSHOT_AT = 4
const GROUPS = 6
/** Of one turn, however often a learner is turned away in it. */
const MESSAGES_PER_TICK_MAX = 50

const longLog = () => diskWithSnapshot(1, GROUPS, SNAPSHOT_AT)
const shortLog = () => diskWith(1, 1)

/** 2 and 3 serve; their logs begin with a snapshot. */
function establishedWithSnapshots(): Cluster {
  const cluster = new Cluster([1, 2, 3])
  cluster.start(2, longLog())
  cluster.start(3, longLog())
  cluster.tick(10)
  assert.equal(cluster.leader?.sid, 3)
  return cluster
}

test('a snapshot longer than initLimit arrives, though the quorum waits for it', () => {
  const cluster = new Cluster([1, 2, 3])
  cluster.snapshotChunks = INIT_LIMIT_TICKS + 10
  cluster.holdLoads = true
  cluster.start(3, longLog())
  cluster.start(1, shortLog())
  for (let ticks = 0; ticks < 2 * INIT_LIMIT_TICKS; ticks++) {
    cluster.tick()
    cluster.answerLoad()
  }
  assert.equal(cluster.leader?.sid, 3)
  assert.ok(cluster.peer(1).zab.view.serving)
  const snaps = cluster.kinds(3, 1).filter(kind => kind === 'snap')
  assert.equal(snaps.length, 1, 'begun once, and brought to its end')
})

test('a snapshot is let go when its learner went before it was open', () => {
  const cluster = establishedWithSnapshots()
  cluster.holdLoads = true
  cluster.start(1, shortLog())
  cluster.settle()
  cluster.crash(1)
  cluster.settle()
  assert.equal(cluster.leader?.sid, 3, 'the reign goes on')
  assert.deepEqual(cluster.released, [], 'nothing is open yet')
  assert.ok(cluster.answerLoad(), 'the snapshot was asked for')
  assert.deepEqual(
    cluster.released.map(({ sid }) => sid),
    [3],
  )
})

test('a leader that cannot read what a learner needs makes way for one that can', () => {
  const cluster = establishedWithSnapshots()
  cluster.holdLoads = true
  cluster.start(1, shortLog())
  cluster.settle()
  const { zab } = cluster.peer(3)
  const { reign } = zab.view
  cluster.tick(2 * SYNC_LIMIT_TICKS)
  assert.equal(zab.view.reign, reign)
  cluster.tick(2)
  assert.ok(zab.view.reign !== reign || zab.view.role === 'looking', 'its disk is stuck')
})

test('a snapshot is let go when the reign ended before it was open', () => {
  const cluster = new Cluster([1, 2, 3])
  cluster.holdLoads = true
  cluster.start(3, longLog())
  cluster.start(1, shortLog())
  cluster.tick(10)
  cluster.cut(1, 3)
  cluster.settle()
  assert.equal(cluster.peer(3).zab.view.role, 'looking', 'without its learner it has no quorum')
  assert.deepEqual(cluster.released, [], 'nothing is open yet')
  assert.ok(cluster.answerLoad(), 'the snapshot was asked for')
  assert.deepEqual(
    cluster.released.map(({ sid }) => sid),
    [3],
  )
})

/** Ticks, and sees that a learner that cannot be served comes back no more than a few times in each. */
function assertCalm(cluster: Cluster, ticks: number): void {
  for (let tick = 0; tick <= ticks; tick++) {
    const before = cluster.log.length
    if (tick === 0) cluster.settle()
    else cluster.tick()
    const messages = cluster.log.length - before
    assert.ok(messages <= MESSAGES_PER_TICK_MAX, `${messages} messages in one tick`)
  }
}

test('a learner that needs a snapshot nobody can read asks for it once a tick', () => {
  const cluster = establishedWithSnapshots()
  const { disk } = cluster.peer(3)
  const { snapshot } = disk
  disk.snapshot = undefined
  cluster.start(1, shortLog())
  assertCalm(cluster, INIT_LIMIT_TICKS)
  assert.equal(cluster.leader?.sid, 3, 'the others go on')
  assert.ok(!cluster.peer(1).zab.view.serving)
  disk.snapshot = snapshot
  cluster.tick(10)
  assert.ok(cluster.peer(1).zab.view.serving, 'it was still asking')
})

test('a leader whose store lost a part of the log does not read it for ever', () => {
  const cluster = new Cluster([1, 2, 3])
  const disks = [2, 3].map(sid => {
    const { snapshot } = longLog()
    // The whole log is on disk too; memory begins with the snapshot.
    const disk = { ...diskWith(1, GROUPS), snapshot }
    cluster.start(sid, disk)
    return disk
  })
  cluster.tick(10)
  assert.equal(cluster.leader?.sid, 3)
  const disk = disks[1]!
  disk.groups = disk.groups.slice(0, 2)
  cluster.start(1, shortLog())
  assertCalm(cluster, 20)
  assert.ok(!cluster.peer(1).zab.view.serving, 'it cannot be brought up to date')
})

test('a leader keeps in memory what its own disk does not have yet', () => {
  const cluster = new Cluster([1, 2, 3, 4, 5])
  for (const sid of cluster.voters) cluster.start(sid)
  cluster.tick(10)
  const leader = cluster.peer(5)
  const propose = (count: number) => {
    for (let at = 0; at < count; at++) cluster.propose(5, 'x')
    cluster.settle()
  }
  propose(50)
  cluster.slowDisks.add(5)
  propose(100)
  const learnerDisk = cluster.crash(4)
  const known = learnerDisk.groups.at(-1)!.last
  propose(HISTORY_GROUPS_MAX + 900)
  assert.ok(leader.zab.durableZxid < known, 'the learner has more on disk than its leader')
  cluster.start(4, learnerDisk, { committed: known })
  cluster.settle()
  const learner = cluster.peer(4)
  assert.ok(learner.zab.view.serving)
  assert.deepEqual(learner.staged, [], 'what was applied is not taken back')
  assert.equal(learner.zab.view.committed, leader.zab.view.committed)
  cluster.slowDisks.clear()
  cluster.settle()
  propose(1)
  assert.equal(leader.zab.durableZxid, leader.zab.view.last)
  const { base } = leader.zab.history
  assert.ok(base.zxid > makeZxid(leader.zab.view.epoch, 150), 'memory is bounded again')
})
