/**
 * How soon there is a leader when candidates die, links flap and disks are slow while an election or the first steps of
 * a reign are under way. The patience of `initLimitTicks` is for slow peers, not for those that are known to be gone.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FINALIZE_WAIT_TICKS } from '../../lib/base/limits.ts'
import { Cluster, INIT_LIMIT_TICKS, SYNC_LIMIT_TICKS } from './cluster.ts'
import { type Disk, diskWith } from './disks.ts'

/** One wait for a better vote, and a little. */
const FEW_TICKS = FINALIZE_WAIT_TICKS + 2

function assertLeadsSoon(cluster: Cluster): void {
  const ticks = cluster.ticksToLeader(INIT_LIMIT_TICKS + SYNC_LIMIT_TICKS)
  assert.ok(ticks <= FEW_TICKS, `${ticks} ticks without a leader`)
}

function startAll(cluster: Cluster, disks: ReadonlyMap<number, Disk> = new Map()): void {
  for (const sid of cluster.voters) cluster.start(sid, disks.get(sid))
}

function established(...voters: number[]): Cluster {
  const cluster = new Cluster(voters)
  startAll(cluster)
  cluster.tick(10)
  assert.equal(cluster.leader?.sid, voters.at(-1))
  return cluster
}

/** Three peers, of which 1 and 2 have just heard the vote of 3, whose log is the best. */
function aboutToElect3(): Cluster {
  const cluster = new Cluster([1, 2, 3])
  const disk = (count: number) => diskWith(1, count)
  const disks = [disk(1), disk(1), disk(2)].map((each, at) => [at + 1, each] as const)
  startAll(cluster, new Map(disks))
  while (cluster.deliverOne(sent => sent.from === 3));
  return cluster
}

test('a candidate that dies while the votes for it are under way is not waited for', () => {
  const cluster = aboutToElect3()
  cluster.crash(3)
  cluster.settle()
  assertLeadsSoon(cluster)
})

test('a candidate that dies and is back at once is not waited for either', () => {
  const cluster = aboutToElect3()
  const disk = cluster.crash(3)
  cluster.settle()
  cluster.start(3, disk)
  cluster.settle()
  assertLeadsSoon(cluster)
  for (const sid of [1, 2, 3]) assert.ok(cluster.peer(sid).zab.view.serving, `peer ${sid} serves`)
})

test('the leader dies, then the one that all would elect in its place', () => {
  const cluster = established(1, 2, 3, 4, 5)
  cluster.crash(5)
  while (cluster.deliverOne(sent => sent.from === 4));
  cluster.crash(4)
  cluster.settle()
  assertLeadsSoon(cluster)
})

test('nobody votes for a candidate known by hearsay only', () => {
  const cluster = new Cluster([1, 2, 3])
  cluster.start(1, diskWith(1, 1))
  cluster.start(2, diskWith(1, 1))
  cluster.start(3, diskWith(1, 2), { linkedTo: [1] })
  while (cluster.deliverOne(sent => sent.from === 3));
  cluster.settle()
  assert.equal(cluster.leader?.sid, 3)
  assert.notEqual(cluster.peer(2).zab.view.leader, 3, '2 has no link to 3 and cannot follow it')
  cluster.crash(3)
  cluster.settle()
  assertLeadsSoon(cluster)
})

test('a voter whose link flaps while its promise is being written finds a leader again', () => {
  const cluster = new Cluster([1, 2, 3])
  cluster.slowDisks.add(1)
  cluster.start(1)
  cluster.start(3)
  cluster.tick(FINALIZE_WAIT_TICKS)
  assert.ok(cluster.kinds(3, 1).includes('leaderInfo'), 'the promise is asked for')
  assert.ok(!cluster.kinds(1, 3).includes('ackEpoch'), 'and not made yet')
  cluster.cut(1, 3)
  cluster.settle()
  cluster.slowDisks.clear()
  cluster.link(1, 3)
  cluster.settle()
  assertLeadsSoon(cluster)
})

test('a voter whose link flaps while it is being synchronised finds a leader again', () => {
  const cluster = new Cluster([1, 2, 3])
  cluster.start(1)
  cluster.start(3, diskWith(1, 2))
  cluster.drop = sent => sent.message.kind === 'newLeader'
  cluster.tick(FINALIZE_WAIT_TICKS)
  assert.ok(cluster.kinds(3, 1).includes('newLeader'), 'the epoch has its quorum')
  cluster.drop = () => false
  cluster.cut(1, 3)
  cluster.settle()
  cluster.link(1, 3)
  cluster.settle()
  assertLeadsSoon(cluster)
})

for (const stallTicks of [0, 5, 30, 60]) {
  test(`a voter whose disk was busy for ${stallTicks} ticks hears the better vote at once`, () => {
    const cluster = established(1, 2, 3)
    cluster.slowDisks.add(1)
    cluster.propose(3, 'x')
    cluster.settle()
    cluster.crash(3)
    cluster.settle()
    cluster.tick(stallTicks)
    assert.ok(!cluster.peer(2).zab.view.serving, 'the busy voter is missing')
    cluster.slowDisks.clear()
    cluster.settle()
    assert.equal(cluster.leader?.sid, 2, 'not only when 2 repeats its vote by itself')
  })
}

test('a leader whose disk hangs steps down, and takes in nothing more', () => {
  const cluster = established(1, 2, 3)
  const hung = cluster.peer(3)
  cluster.slowDisks.add(3)
  for (let ticks = 0; ticks <= 2 * SYNC_LIMIT_TICKS + 1; ticks++) {
    if (cluster.leader?.sid === 3) cluster.propose(3, `while 3 leads, ${ticks}`)
    cluster.tick()
  }
  assert.equal(hung.zab.view.role, 'looking')
  assertLeadsSoon(cluster)
  const { sid } = cluster.leader!
  assert.notEqual(sid, hung.sid)
  const { last } = hung.zab.view
  for (let ticks = 0; ticks < INIT_LIMIT_TICKS; ticks++) {
    cluster.propose(sid, `without 3, ${ticks}`)
    cluster.tick()
  }
  assert.equal(hung.zab.view.last, last, 'nothing piles up behind the write')
  cluster.slowDisks.clear()
  cluster.settle()
  cluster.tick(FEW_TICKS)
  assert.deepEqual(hung.texts, cluster.leader?.texts, 'with its disk back it catches up')
})

test('a follower whose disk hangs leaves its leader', () => {
  const cluster = established(1, 2, 3)
  cluster.slowDisks.add(1)
  cluster.propose(3, 'x')
  cluster.settle()
  cluster.tick(2 * SYNC_LIMIT_TICKS + 1)
  assert.equal(cluster.peer(1).zab.view.role, 'looking')
  const { last } = cluster.peer(1).zab.view
  cluster.propose(3, 'y')
  cluster.settle()
  assert.equal(cluster.peer(1).zab.view.last, last)
  cluster.slowDisks.clear()
  cluster.tick(FEW_TICKS)
  assert.deepEqual(cluster.peer(1).texts, ['x', 'y'])
})

test('a disk that was stuck is so no longer when its write is done', () => {
  const cluster = established(1, 2, 3)
  cluster.slowDisks.add(1)
  cluster.propose(3, 'x')
  cluster.settle()
  cluster.tick(2 * SYNC_LIMIT_TICKS + INIT_LIMIT_TICKS)
  assert.equal(cluster.peer(1).zab.view.role, 'looking')
  // Until the leader answers there is nothing to write.
  cluster.drop = ({ to, message }) => to === 1 && message.kind === 'leaderInfo'
  cluster.slowDisks.clear()
  cluster.settle()
  cluster.tick(2)
  assert.equal(cluster.peer(1).zab.view.role, 'following', 'it waits for the leader')
})

test('a leader nobody follows, and followers nobody leads, try again after syncLimit', () => {
  const cluster = new Cluster([1, 2, 3])
  cluster.drop = sent => sent.message.kind === 'followerInfo'
  startAll(cluster)
  cluster.tick(FEW_TICKS)
  assert.equal(cluster.peer(3).zab.view.role, 'leading')
  cluster.drop = () => false
  cluster.tick(SYNC_LIMIT_TICKS + FEW_TICKS)
  assert.ok(cluster.leader, 'there is a leader that serves')
})

test('a candidate that one voter alone can hear is not elected again and again', () => {
  const cluster = new Cluster([1, 2, 3, 4, 5])
  const cannotHear = new Set([1, 2, 4])
  const isLost = (a: number, b: number) => a === 5 && cannotHear.has(b)
  cluster.drop = ({ from, to }) => isLost(from, to) || isLost(to, from)
  startAll(cluster, new Map([[5, diskWith(1, 1)]]))
  const ticks = cluster.ticksToLeader(INIT_LIMIT_TICKS)
  assert.ok(ticks <= SYNC_LIMIT_TICKS + 2 * FEW_TICKS, `${ticks} ticks without a leader`)
})
