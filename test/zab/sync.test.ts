/** Discovery, synchronisation, broadcast: DIFF, TRUNC, SNAP, the order around NEWLEADER, what is kept or dropped. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LOG_START } from '../../lib/base/group.ts'
import { type Epoch, epochOf, makeZxid } from '../../lib/base/zxid.ts'
import { joinPoint } from '../../lib/zab/history.ts'
import { Cluster } from './cluster.ts'
import { diskWith, emptyDisk } from './disks.ts'

function threeWithLeader3(): Cluster {
  const cluster = new Cluster([1, 2, 3])
  for (const sid of [1, 2, 3]) cluster.start(sid)
  cluster.tick(10)
  assert.equal(cluster.peer(3).zab.view.role, 'leading')
  return cluster
}

test('a group is delivered everywhere once a quorum has it', () => {
  const cluster = threeWithLeader3()
  cluster.propose(3, 'a')
  cluster.propose(3, 'b')
  cluster.settle()
  for (const sid of [1, 2, 3]) assert.deepEqual(cluster.peer(sid).texts, ['a', 'b'])
})

test('nothing is acknowledged or committed before it is durable', () => {
  const cluster = threeWithLeader3()
  cluster.slowDisks.add(1).add(2)
  const acks = () => cluster.log.filter(sent => sent.message.kind === 'ack').length
  const before = acks()
  cluster.propose(3, 'a')
  cluster.settle()
  assert.equal(acks(), before, 'no ack without persisted')
  assert.deepEqual(cluster.peer(3).texts, [], 'the leader alone is no quorum')
  cluster.finishWrite(1)
  cluster.settle()
  assert.deepEqual(cluster.peer(3).texts, ['a'])
  assert.deepEqual(cluster.peer(1).texts, ['a'])
})

test('DIFF: a follower that was away gets just what it missed', () => {
  const cluster = threeWithLeader3()
  cluster.propose(3, 'a')
  cluster.settle()
  const disk = cluster.crash(1)
  cluster.propose(3, 'b')
  cluster.settle()
  const before = cluster.log.length
  cluster.start(1, disk)
  cluster.settle()
  const stream = cluster.log.slice(before).filter(sent => sent.from === 3 && sent.to === 1)
  const kinds = stream.map(sent => sent.message.kind).filter(kind => kind !== 'notification')
  assert.deepEqual(kinds, [
    'leaderInfo',
    'diff',
    'proposal',
    'commit',
    'newLeader',
    'commit',
    'upToDate',
  ])
  assert.deepEqual(cluster.peer(1).texts, ['a', 'b'])
})

test('TRUNC: what was proposed to nobody else is cut, on disk too', () => {
  const cluster = threeWithLeader3()
  cluster.propose(3, 'kept')
  cluster.settle()
  cluster.drop = sent => sent.from === 3 && sent.message.kind === 'proposal'
  cluster.propose(3, 'lost')
  cluster.settle()
  cluster.finishWrite(3)
  const disk = cluster.crash(3)
  assert.equal(disk.groups.length, 2)
  cluster.drop = () => false
  cluster.settle()
  cluster.tick(10)
  cluster.propose(2, 'new')
  cluster.settle()
  cluster.start(3, disk)
  cluster.settle()
  cluster.tick(10)
  assert.ok(cluster.kinds(2, 3).includes('trunc'))
  assert.deepEqual(cluster.peer(3).texts, ['kept', 'new'])
  assert.deepEqual(
    disk.groups.map(group => Buffer.from(group.payload).toString()),
    ['kept', 'new'],
  )
})

test('TRUNC to where the logs part, whatever the order of zxids (ZOOKEEPER-2832)', () => {
  const ends = (...points: [number, number][]) =>
    points.map(([epoch, counter]) => ({ zxid: makeZxid(epoch as Epoch, counter), chain: epoch }))
  // The leader never saw epoch 2; by order alone the learner would be cut at (1,5), which it does not have.
  const join = joinPoint(ends([1, 5], [3, 1]), ends([1, 3], [2, 1]))
  assert.equal(join.zxid, makeZxid(1 as Epoch, 3))
  assert.equal(joinPoint(ends([1, 5]), ends([1, 9])).zxid, makeZxid(1 as Epoch, 5))
  assert.equal(joinPoint(ends([1, 5]), []).zxid, 0)
  assert.equal(joinPoint(ends([2, 5]), ends([1, 5])), LOG_START)
})

test('SNAP: a follower older than the log gets a snapshot and what follows it', () => {
  const cluster = threeWithLeader3()
  for (const text of ['a', 'b', 'c']) cluster.propose(3, text)
  cluster.settle()
  const disk = cluster.crash(1)
  const leader = cluster.peer(3)
  // The leader took a snapshot and purged its log up to it.
  leader.disk.snapshot = leader.zab.history.committedHead(0)
  leader.disk.logStart = leader.disk.snapshot.point
  leader.zab.purged(leader.disk.logStart)
  cluster.propose(3, 'd')
  cluster.settle()
  disk.groups = []
  cluster.start(1, { ...disk, groups: [] })
  cluster.settle()
  cluster.tick(10)
  assert.ok(cluster.kinds(3, 1).includes('snap'))
  assert.deepEqual(cluster.peer(1).staged, ['begin', 'chunk', 'switch'])
  assert.deepEqual(cluster.peer(1).texts, ['d'])
  assert.equal(cluster.peer(1).zab.view.last, leader.zab.view.last)
})

test('NEWLEADER: log and epoch are one durable write, and only then is it acknowledged', () => {
  const cluster = new Cluster([1, 2])
  cluster.start(1)
  cluster.start(2, diskWith(1, 3))
  cluster.slowDisks.add(1)
  const acks = () =>
    cluster.log.filter(sent => sent.from === 1 && sent.message.kind === 'ack').length
  for (let i = 0; i < 5; i++) cluster.tick()
  const accepted = cluster.peer(1).persist
  assert.ok(accepted, 'the promise is being written')
  assert.equal(accepted.epochs.currentEpoch, 0)
  cluster.finishWrite(1)
  cluster.settle()
  const entering = cluster.peer(1).persist
  assert.ok(entering, 'the log is being written')
  assert.equal(entering.groups.length, 3, 'all of the log')
  assert.equal(entering.epochs.currentEpoch, 2, 'and the epoch, in one batch')
  assert.equal(acks(), 0)
  assert.ok(!cluster.peer(2).zab.view.serving, 'the leader waits')
  cluster.finishWrite(1)
  cluster.settle()
  assert.equal(acks(), 1)
  assert.ok(cluster.peer(2).zab.view.serving)
  assert.deepEqual(cluster.peer(1).texts, ['t1', 't2', 't3'])
})

test('a crash between NEWLEADER and its ack loses nothing (ZOOKEEPER-3911, 4643)', () => {
  const cluster = new Cluster([1, 2])
  cluster.start(1)
  cluster.start(2, diskWith(1, 3))
  cluster.slowDisks.add(1)
  for (let i = 0; i < 5; i++) cluster.tick()
  cluster.finishWrite(1)
  cluster.settle()
  const disk = cluster.crash(1)
  assert.equal(disk.epochs.currentEpoch, 0, 'the epoch is not ahead of the log')
  assert.equal(disk.groups.length, 0)
  cluster.slowDisks.clear()
  cluster.start(1, disk)
  cluster.tick(60)
  assert.equal(cluster.peer(1).zab.view.leader, 2)
  assert.deepEqual(cluster.peer(1).texts, ['t1', 't2', 't3'])
})

test('committed by an old leader, kept by the next; its epoch and counter start anew', () => {
  const cluster = threeWithLeader3()
  cluster.drop = sent => sent.message.kind === 'commit'
  cluster.propose(3, 'a')
  cluster.settle()
  assert.deepEqual(cluster.peer(3).texts, ['a'])
  assert.deepEqual(cluster.peer(2).texts, [], '2 does not know yet')
  cluster.drop = () => false
  cluster.crash(3)
  cluster.settle()
  cluster.tick(10)
  assert.deepEqual(cluster.peer(2).texts, ['a'])
  cluster.propose(2, 'b')
  cluster.settle()
  const last = cluster.peer(1).zab.view.last
  assert.equal(last, makeZxid(cluster.peer(2).zab.view.epoch, 1))
  assert.deepEqual(cluster.peer(1).texts, ['a', 'b'])
})

test('observers get what is committed and count for nothing', () => {
  const cluster = new Cluster([1, 2, 3], [9])
  for (const sid of [1, 2, 3, 9]) cluster.start(sid)
  cluster.tick(10)
  assert.equal(cluster.peer(9).zab.view.role, 'observing')
  assert.ok(cluster.peer(9).zab.view.serving)
  cluster.propose(3, 'a')
  cluster.settle()
  assert.deepEqual(cluster.peer(9).texts, ['a'])
  assert.ok(cluster.kinds(3, 9).includes('inform'))
  assert.ok(!cluster.kinds(3, 9).includes('proposal'))
  cluster.crash(1)
  cluster.crash(2)
  cluster.settle()
  assert.equal(cluster.peer(3).zab.view.role, 'looking', 'leader and observer are no quorum')
})

test('a silent leader is given up after syncLimit, a silent quorum too', () => {
  const cluster = threeWithLeader3()
  cluster.drop = sent => sent.from === 3 || sent.to === 3
  cluster.tick(15)
  assert.equal(cluster.peer(3).zab.view.role, 'looking', 'the old leader steps down')
  cluster.tick(10)
  assert.equal(cluster.peer(2).zab.view.role, 'leading')
  assert.ok(cluster.peer(2).zab.view.serving)
})

test('a counter that is used up forces an election, and the next reign goes on', () => {
  const cluster = threeWithLeader3()
  const { epoch } = cluster.peer(3).zab.view
  const zab = cluster.peer(3).zab
  assert.ok(zab.propose(Buffer.from('many'), 2 ** 32 - 2), 'almost all of the epoch')
  assert.ok(!zab.propose(Buffer.from('too many'), 2), 'no room for two more')
  cluster.tick(20)
  const leader = [1, 2, 3].find(sid => cluster.peer(sid).zab.view.role === 'leading')
  assert.ok(leader, 'there is a leader again')
  const view = cluster.peer(leader).zab.view
  assert.ok(view.serving)
  assert.ok(view.epoch > epoch)
  cluster.propose(leader, 'next')
  cluster.settle()
  assert.equal(epochOf(cluster.peer(1).zab.view.last), view.epoch)
  assert.equal(cluster.peer(1).texts.at(-1), 'next')
})

test('a counter used up to the last forces an election by itself (ZOOKEEPER-1277)', () => {
  const cluster = threeWithLeader3()
  const { epoch } = cluster.peer(3).zab.view
  assert.ok(cluster.peer(3).zab.propose(Buffer.from('all'), 2 ** 32 - 1))
  cluster.tick(20)
  const leader = [1, 2, 3].find(sid => cluster.peer(sid).zab.view.role === 'leading')
  assert.ok(leader, 'there is a leader again')
  assert.ok(cluster.peer(leader).zab.view.epoch > epoch)
  for (const sid of [1, 2, 3]) assert.deepEqual(cluster.peer(sid).texts, ['all'])
})

test('with one peer the quorum is that peer', () => {
  const cluster = new Cluster([1])
  cluster.start(1)
  cluster.settle()
  assert.ok(cluster.peer(1).zab.view.serving)
  cluster.propose(1, 'a')
  cluster.settle()
  assert.deepEqual(cluster.peer(1).texts, ['a'])
})

test('a voter without a vote enters an epoch with all that it begins with', () => {
  const cluster = new Cluster([1, 2, 3])
  cluster.drop = ({ from, message }) => from === 1 && message.kind === 'ack'
  cluster.start(1, diskWith(1, 3))
  cluster.start(2, diskWith(1, 3))
  cluster.tick(6)
  const { disk } = cluster.start(3, emptyDisk(), { trusted: false })
  cluster.tick(6)
  assert.equal(cluster.peer(2).zab.view.committed, 0)
  assert.equal(disk.epochs.currentEpoch, 2)
  // With the next life it has a vote again, and this epoch makes it beat whoever has not entered it.
  assert.deepEqual(disk.groups, diskWith(1, 3).groups)
})

test('what a learner is sent stays as it is when the memory it came from is used again', () => {
  const cluster = threeWithLeader3()
  const disk = cluster.crash(1)
  const texts = Array.from({ length: 100 }, (_, at) => `${at}`.padEnd(250 * 1024, '.'))
  const propose = (text: string): void => {
    cluster.propose(3, text)
    cluster.settle()
  }
  texts.slice(0, 60).forEach(propose)
  cluster.start(1, disk)
  cluster.tick(2)
  texts.slice(60).forEach(propose)
  const sent = cluster.log.flatMap(({ to, message }) =>
    to === 1 && message.kind === 'proposal' ? [Buffer.from(message.group.payload).toString()] : [],
  )
  assert.equal(sent.length, texts.length)
  assert.ok(sent.every((text, at) => text === texts[at]))
})
