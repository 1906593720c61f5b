/**
 * Voters that lost their log, or kept promises that nobody else knows of: what they say must not count before a leader
 * has synchronised them, and what they promised must hold all the same.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Epoch } from '../../lib/base/zxid.ts'
import { Cluster, type Sent } from './cluster.ts'
import { type Disk, diskWith, emptyDisk } from './disks.ts'

function leaderOf(cluster: Cluster): number | undefined {
  return cluster.leader?.sid
}

function withAccepted(disk: Disk, acceptedEpoch: number): Disk {
  disk.epochs = { ...disk.epochs, acceptedEpoch: acceptedEpoch as Epoch }
  return disk
}

/** The promises of a disk, without its log. */
function withoutLog(disk: Disk): Disk {
  return { ...emptyDisk(), epochs: disk.epochs }
}

test('a voter that lost its log elects nobody, not even itself', () => {
  // 2 has what 1 and 2 committed in epoch 2; 3 was not there.
  const cluster = new Cluster([1, 2, 3])
  cluster.start(1, withoutLog(diskWith(2, 3)), { trusted: false })
  cluster.start(3, diskWith(1, 1))
  cluster.tick(200)
  assert.equal(leaderOf(cluster), undefined, '1 and 3 know of no quorum')
  for (const sid of [1, 3]) assert.equal(cluster.peer(sid).zab.view.role, 'looking')
  cluster.start(2, diskWith(2, 3))
  cluster.tick(20)
  assert.equal(leaderOf(cluster), 2)
  for (const sid of [1, 3])
    assert.equal(cluster.peer(sid).zab.view.last, diskWith(2, 3).groups[2]!.last)
})

test('the acknowledgements of a voter count from its second joining on', () => {
  const cluster = new Cluster([1, 2, 3, 4, 5])
  for (const sid of [3, 4, 5]) cluster.start(sid)
  cluster.tick(10)
  assert.equal(leaderOf(cluster), 5)
  // It enters the reign and learns nothing of having done so.
  cluster.drop = ({ to, message }) => to === 1 && message.kind === 'upToDate'
  cluster.start(1, emptyDisk(), { trusted: false })
  cluster.settle()
  assert.ok(cluster.kinds(1, 5).includes('ack'), 'it is synchronised')
  cluster.slowDisks.add(3)
  cluster.propose(5, 'x')
  cluster.settle()
  assert.deepEqual(cluster.peer(5).texts, [], '4 and 5 are two of five')
  cluster.slowDisks.clear()
  cluster.settle()
  assert.deepEqual(cluster.peer(5).texts, ['x'])
})

test('the promise of a voter that lost its log makes no reign', () => {
  const cluster = new Cluster([1, 2, 3, 4, 5])
  cluster.slowDisks.add(3)
  for (const sid of [3, 4, 5]) cluster.start(sid, diskWith(1, sid))
  cluster.tick(10)
  assert.equal(cluster.peer(5).zab.view.role, 'leading')
  cluster.start(1, emptyDisk(), { trusted: false })
  cluster.tick(2)
  assert.ok(cluster.kinds(1, 5).includes('ackEpoch'), '1 has answered LEADERINFO')
  assert.ok(!cluster.kinds(5, 4).includes('newLeader'), '3 has not, and counts')
  cluster.slowDisks.clear()
  cluster.settle()
  assert.equal(leaderOf(cluster), 5)
})

test('a promise without a vote is not taken back when a reign with an earlier epoch begins', () => {
  const cluster = new Cluster([1, 2, 3])
  const disk = withAccepted(emptyDisk(), 100)
  const isLate = ({ from, message }: Sent) => from === 2 && message.kind === 'followerInfo'
  cluster.start(2)
  cluster.start(3)
  while (cluster.deliverOne(sent => !isLate(sent)));
  cluster.start(1, disk, { trusted: false })
  while (cluster.deliverOne(sent => !isLate(sent)));
  assert.ok(cluster.kinds(1, 3).includes('followerInfo'), '1 is there before the epoch is chosen')
  assert.ok(!cluster.kinds(3, 1).includes('leaderInfo'))
  for (let ticks = 0; ticks < 30; ticks++) {
    cluster.tick()
    assert.ok(
      disk.epochs.acceptedEpoch >= 100,
      `the promise of 100, not ${disk.epochs.acceptedEpoch}`,
    )
  }
  for (const sid of [1, 2, 3]) {
    const { serving, epoch } = cluster.peer(sid).zab.view
    assert.deepEqual([serving, epoch], [true, 101])
  }
})

test('the first epoch that a leader proposes is above all that its quorum has promised', () => {
  const cluster = new Cluster([1, 2, 3])
  cluster.start(1, withAccepted(diskWith(1, 1), 7))
  cluster.start(3, diskWith(1, 2))
  cluster.tick(5)
  assert.equal(leaderOf(cluster), 3)
  const proposed = cluster.log.flatMap(({ message }) =>
    message.kind === 'leaderInfo' ? [message.epoch] : [],
  )
  assert.deepEqual(proposed, [8])
})

test(`the leader's own promise counts when it is durable`, () => {
  const cluster = new Cluster([1, 2, 3])
  cluster.slowDisks.add(3)
  for (const sid of [1, 2, 3]) cluster.start(sid)
  cluster.tick(10)
  assert.ok(cluster.kinds(1, 3).includes('ackEpoch'))
  assert.ok(cluster.kinds(2, 3).includes('ackEpoch'))
  assert.ok(!cluster.kinds(3, 1).includes('diff'), 'nobody is synchronised yet')
  cluster.finishWrite(3)
  cluster.settle()
  assert.ok(cluster.kinds(3, 1).includes('diff'))
})

test('a reign ends before it begins when a voter with a better log turns up', () => {
  const cluster = new Cluster([1, 2, 3, 4, 5])
  cluster.slowDisks.add(5)
  for (const sid of [3, 4, 5]) cluster.start(sid, diskWith(1, 1))
  cluster.tick(10)
  assert.equal(cluster.peer(5).zab.view.role, 'leading')
  const disk = diskWith(1, 3)
  cluster.start(1, disk)
  cluster.settle()
  assert.ok(cluster.kinds(1, 5).includes('ackEpoch'), '1 tells 5 how long its log is')
  cluster.slowDisks.clear()
  cluster.settle()
  cluster.tick(20)
  assert.equal(leaderOf(cluster), 1)
  assert.ok(!cluster.kinds(5, 1).includes('trunc'))
  assert.equal(disk.groups.length, 3)
  assert.equal(cluster.peer(5).zab.view.last, disk.groups[2]!.last)
})
