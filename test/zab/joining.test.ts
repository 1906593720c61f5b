/** Learners that join at an awkward moment, or with a log that is not what its zxids say. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32 } from '../../lib/base/crc32.ts'
import { LOG_START, type LogPoint, makeGroup, pointOf } from '../../lib/base/group.ts'
import type { Epoch, Sid } from '../../lib/base/zxid.ts'
import { makeZxid } from '../../lib/base/zxid.ts'
import { Cluster } from './cluster.ts'
import { type Disk, diskWith, diskWithSnapshot, emptyDisk } from './disks.ts'

function leaderOf(cluster: Cluster): number | undefined {
  return cluster.leader?.sid
}

/** Groups of one transaction each, from [epoch, text] to [epoch, text]. */
function diskOf(...groups: (readonly [epoch: number, text: string])[]): Disk {
  const disk = emptyDisk()
  let point: LogPoint = LOG_START
  let counter = 0
  let before = 0
  for (const [epoch, text] of groups) {
    counter = epoch === before ? counter + 1 : 1
    before = epoch
    const zxid = makeZxid(epoch as Epoch, counter)
    const payload = Buffer.from(text)
    const group = makeGroup(point, zxid, zxid, payload, crc32(payload))
    disk.groups.push(group)
    point = pointOf(group)
  }
  const epoch = before as Epoch
  disk.epochs = { acceptedEpoch: epoch, currentEpoch: epoch }
  return disk
}

function textsOn({ groups }: Disk): string[] {
  return groups.map(({ payload }) => Buffer.from(payload).toString())
}

test('a log with the same zxids and other groups is replaced, not continued', () => {
  const cluster = new Cluster([1, 2, 3])
  for (const sid of [2, 3]) cluster.start(sid, diskOf([1, 'a'], [1, 'b']))
  cluster.tick(10)
  const disk = diskOf([1, 'a'], [1, 'x'])
  cluster.start(1, disk)
  cluster.tick(10)
  assert.ok(cluster.kinds(3, 1).includes('snap'))
  assert.ok(cluster.peer(1).zab.view.serving)
  assert.deepEqual(textsOn(disk), ['a', 'b'])
})

test('a log that is longer and other than it seems is replaced, not cut', () => {
  const cluster = new Cluster([1, 2, 3])
  for (const sid of [2, 3]) cluster.start(sid, diskOf([1, 'a'], [1, 'b'], [2, 'c']))
  cluster.tick(10)
  const disk = diskOf([1, 'a'], [1, 'x'], [1, 'y'])
  cluster.start(1, disk)
  cluster.tick(10)
  assert.ok(cluster.kinds(3, 1).includes('trunc'), 'as the ends of its epochs would have it')
  assert.ok(cluster.kinds(3, 1).includes('snap'))
  assert.ok(cluster.peer(1).zab.view.serving)
  assert.deepEqual(textsOn(disk), ['a', 'b', 'c'])
})

test('a snapshot tells where the epochs before it ended', () => {
  const cluster = new Cluster([1, 2, 3])
  for (const sid of [2, 3]) cluster.start(sid, diskOf([1, 'a'], [1, 'b'], [2, 'c']))
  cluster.tick(10)
  const { point, epochEnds } = cluster.peer(3).zab.history.committedHead(0)
  const [, b, c] = cluster.peer(3).disk.groups
  assert.deepEqual(epochEnds, [pointOf(b!), pointOf(c!)])
  assert.deepEqual(point, pointOf(c!))
})

test('an observer that joins gets what is committed only', () => {
  const cluster = new Cluster([1, 2, 3], [9])
  for (const sid of [1, 2, 3]) cluster.start(sid)
  cluster.tick(10)
  cluster.propose(3, 'a')
  cluster.settle()
  cluster.slowDisks.add(1).add(2)
  cluster.propose(3, 'b')
  cluster.settle()
  const observer = cluster.start(9)
  cluster.settle()
  assert.ok(observer.zab.view.serving)
  assert.equal(observer.zab.view.last, observer.zab.view.committed)
  assert.deepEqual(textsOn(observer.disk), ['a'])
  cluster.slowDisks.clear()
  cluster.settle()
  assert.deepEqual(observer.texts, ['a', 'b'])
})

test('a follower serves when its reign has a quorum, not when it has entered it', () => {
  const cluster = new Cluster([1, 2, 3, 4, 5])
  cluster.slowDisks.add(4).add(5)
  for (const sid of [3, 4, 5]) cluster.start(sid)
  cluster.tick(5)
  // Their promises, and nothing after that.
  for (const sid of [4, 5]) cluster.finishWrite(sid)
  cluster.settle()
  assert.ok(cluster.kinds(3, 5).includes('ack'), '3 has entered')
  assert.ok(!cluster.kinds(4, 5).includes('ack'), '4 has not, nor has 5')
  assert.equal(leaderOf(cluster), undefined)
  assert.ok(!cluster.peer(3).zab.view.serving)
  cluster.slowDisks.clear()
  cluster.settle()
  assert.equal(leaderOf(cluster), 5)
  for (const sid of [3, 4, 5]) assert.ok(cluster.peer(sid).zab.view.serving)
})

test('what came of a snapshot before the link broke is dropped', () => {
  const cluster = new Cluster([1, 2, 3])
  cluster.snapshotChunks = 3
  for (const sid of [2, 3]) cluster.start(sid, diskWithSnapshot(1, 6, 4))
  cluster.tick(10)
  cluster.holdLoads = true
  const learner = cluster.start(1, diskWith(1, 1))
  cluster.settle()
  while (!learner.staged.includes('chunk')) {
    assert.ok(cluster.answerLoad())
    cluster.settle()
  }
  cluster.cut(1, 3)
  cluster.settle()
  cluster.holdLoads = false
  cluster.link(1, 3)
  cluster.tick(10)
  assert.ok(learner.zab.view.serving)
  assert.deepEqual(learner.staged, [
    'begin',
    'chunk',
    'abort',
    'begin',
    'chunk',
    'chunk',
    'chunk',
    'switch',
  ])
})

test('whoever acknowledges what it was never sent is dismissed', () => {
  const cluster = new Cluster([1, 2, 3])
  for (const sid of [1, 2, 3]) cluster.start(sid)
  cluster.tick(10)
  const leader = cluster.peer(3)
  const { connection } = cluster.log.findLast(
    (sent): sent is typeof sent & { message: { connection: number } } =>
      sent.from === 1 && sent.to === 3 && 'connection' in sent.message,
  )!.message
  const never = makeZxid(leader.zab.view.epoch, 5)
  leader.zab.step({
    kind: 'message',
    from: 1 as Sid,
    message: { kind: 'ack', connection, zxid: never },
  })
  cluster.slowDisks.add(1).add(2)
  for (let count = 0; count < 5; count++) cluster.propose(3, 'x')
  cluster.settle()
  assert.deepEqual(leader.texts, [], 'only the leader has them')
  assert.ok(cluster.kinds(3, 1).includes('dismiss'))
})

test(`the leader's own entry into its reign counts when it is durable`, () => {
  const cluster = new Cluster([1, 2, 3])
  cluster.slowDisks.add(3)
  for (const sid of [1, 3]) cluster.start(sid, diskWith(1, 2))
  cluster.tick(5)
  cluster.finishWrite(3)
  cluster.settle()
  assert.ok(cluster.kinds(1, 3).includes('ack'), '1 has entered')
  assert.equal(leaderOf(cluster), undefined, '1 alone is no quorum')
  assert.deepEqual(cluster.peer(3).texts, [])
  cluster.finishWrite(3)
  cluster.settle()
  assert.equal(leaderOf(cluster), 3)
  assert.deepEqual(cluster.peer(1).texts, ['t1', 't2'])
})

/** The first proposal to 1 from now on is lost. */
function loseOneProposal(cluster: Cluster): void {
  cluster.drop = ({ to, message }) => {
    const isLost = to === 1 && message.kind === 'proposal'
    if (isLost) cluster.drop = () => false
    return isLost
  }
}

test('a follower that misses a proposal takes no other one before it is synchronised', () => {
  const cluster = new Cluster([1, 2, 3])
  for (const sid of [1, 2, 3]) cluster.start(sid)
  cluster.tick(10)
  loseOneProposal(cluster)
  for (const text of ['a', 'b', 'c']) cluster.propose(3, text)
  cluster.settle()
  cluster.tick(10)
  const { disk, texts } = cluster.peer(1)
  assert.deepEqual(textsOn(disk), ['a', 'b', 'c'])
  assert.deepEqual(texts, ['a', 'b', 'c'])
})

test('a follower that misses a proposal while it is synchronised begins anew', () => {
  const cluster = new Cluster([1, 2, 3])
  for (const sid of [2, 3]) cluster.start(sid, diskWith(1, 3))
  cluster.tick(10)
  loseOneProposal(cluster)
  const learner = cluster.start(1, emptyDisk())
  cluster.tick(10)
  assert.deepEqual(textsOn(learner.disk), ['t1', 't2', 't3'])
  assert.deepEqual(learner.texts, ['t1', 't2', 't3'])
})

test('what was said to a peer that is gone is not told to its next life', () => {
  const cluster = new Cluster([1, 2, 3])
  for (const sid of [2, 3]) cluster.start(sid)
  cluster.tick(10)
  const { zab } = cluster.peer(3)
  const sid = 1 as Sid
  zab.step({ kind: 'linkUp', sid })
  const connection = 1
  const acceptedEpoch = 0 as Epoch
  const message = { kind: 'followerInfo', connection, acceptedEpoch, votes: true } as const
  zab.step({ kind: 'message', from: sid, message })
  // All of it within one turn: the leader was held up.
  zab.step({ kind: 'linkDown', sid })
  zab.step({ kind: 'linkUp', sid })
  const told = zab.takeWork().messages.filter(({ to }) => to === sid)
  assert.deepEqual(told, [], 'the first connection of the next life has the same number')
})
