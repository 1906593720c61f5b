/** Voters that serve nobody hear of a proposal later than those it takes to commit it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HELD_BYTES_MAX, HELD_GROUPS_MAX, TOUCH_TICKS } from '../../lib/base/limits.ts'
import { Cluster } from './cluster.ts'

/** So many ticks, and the leader knows who has no client. */
const TOLD_TICKS = 5 * TOUCH_TICKS

/** The last voter leads; none of the others has a client, and the leader has had the time to learn that. */
function clientless(...voters: number[]): Cluster {
  const cluster = new Cluster(voters)
  for (const sid of voters) {
    cluster.clientless.add(sid)
    cluster.start(sid)
  }
  cluster.tick(10 + TOLD_TICKS)
  assert.equal(cluster.leader?.sid, voters.at(-1))
  return cluster
}

function write(cluster: Cluster, text: string): void {
  const { sid } = cluster.leader!
  cluster.propose(sid, text)
  cluster.settle()
}

/** The disk of a voter is behind until others have stood in for it. */
function writeBeside(cluster: Cluster, slow: number, text: string): void {
  cluster.slowDisks.add(slow)
  write(cluster, text)
  cluster.tick()
  assert.equal(cluster.leader!.texts.at(-1), text)
  cluster.slowDisks.clear()
  cluster.settle()
}

/** Nobody's reign or connection has ended since. */
function assertUndisturbed(cluster: Cluster, from: number): void {
  const kinds = cluster.log.slice(from).map(({ message }) => message.kind)
  for (const kind of ['followerInfo', 'dismiss', 'leave', 'notification']) {
    assert.ok(!kinds.some(sent => sent === kind), `no ${kind}`)
  }
}

/** Who has logged the text, committed or not. */
function holders(cluster: Cluster, text: string): number[] {
  return [...cluster.peers.values()]
    .filter(({ disk }) => disk.groups.some(group => Buffer.from(group.payload).toString() === text))
    .map(({ sid }) => sid)
    .sort()
}

test('one write at a time goes to a quorum, and to the others a few at a time', () => {
  const cluster = clientless(1, 2, 3)
  const texts = Array.from({ length: HELD_GROUPS_MAX }, (_, at) => `t${at}`)
  for (const text of texts) {
    assert.equal(cluster.peer(2).texts.length, 0)
    write(cluster, text)
  }
  for (const sid of [1, 2, 3]) assert.deepEqual(cluster.peer(sid).texts, texts)
  const toStandby = cluster.log.filter(sent => sent.to === 2 && sent.message.kind === 'commit')
  const toRelied = cluster.log.filter(sent => sent.to === 1 && sent.message.kind === 'commit')
  assert.equal(toRelied.length - toStandby.length, HELD_GROUPS_MAX - 1)
})

test('of five, two are told at once', () => {
  const cluster = clientless(1, 2, 3, 4, 5)
  write(cluster, 'a')
  assert.equal(holders(cluster, 'a').length, 3)
  cluster.tick()
  assert.deepEqual(holders(cluster, 'a'), [1, 2, 3, 4, 5])
})

test('of two, both are told at once', () => {
  const cluster = clientless(1, 2)
  write(cluster, 'a')
  assert.deepEqual(holders(cluster, 'a'), [1, 2])
})

test('a large group goes to all at once, and takes what is held along', () => {
  const cluster = clientless(1, 2, 3)
  write(cluster, 'small')
  assert.deepEqual(cluster.peer(2).texts, [])
  const texts = ['x'.repeat(HELD_BYTES_MAX + 1), 'y'.repeat(HELD_BYTES_MAX)]
  for (const text of texts) write(cluster, text)
  assert.deepEqual(cluster.peer(2).texts, ['small', texts[0]])
})

test('a tick ends the wait', () => {
  const cluster = clientless(1, 2, 3)
  write(cluster, 'a')
  assert.deepEqual(holders(cluster, 'a'), [1, 3])
  cluster.tick()
  assert.deepEqual(cluster.peer(2).texts, ['a'])
})

test('while a write is under way the next one goes to all, and takes what is held along', () => {
  const cluster = clientless(1, 2, 3)
  cluster.slowDisks.add(1)
  const { length } = cluster.log
  write(cluster, 'a')
  assert.deepEqual(cluster.peer(3).texts, [], 'who is relied on is late')
  write(cluster, 'b')
  assert.deepEqual(cluster.peer(3).texts, ['a', 'b'])
  assert.deepEqual(cluster.peer(2).texts, ['a', 'b'])
  assertUndisturbed(cluster, length)
})

for (const slow of [1, 3]) {
  test(`voter ${slow} is late once: it is not counted on again, though it catches up`, () => {
    const cluster = clientless(1, 2, 3)
    const { length } = cluster.log
    writeBeside(cluster, slow, 'a')
    cluster.slowDisks.add(slow)
    for (const text of ['b', 'c', 'd']) {
      write(cluster, text)
      assert.equal(cluster.leader!.texts.at(-1), text, 'nobody waits for it')
      cluster.slowDisks.clear()
      cluster.settle()
      cluster.tick()
      cluster.slowDisks.add(slow)
    }
    assertUndisturbed(cluster, length)
  })
}

test('a late voter is not counted on for having clients', () => {
  const cluster = clientless(1, 2, 3)
  cluster.clientless.delete(2)
  cluster.tick()
  writeBeside(cluster, 2, 'a')
  cluster.slowDisks.add(2)
  write(cluster, 'b')
  assert.deepEqual(cluster.peer(3).texts, ['a', 'b'])
  assert.deepEqual(cluster.peer(1).texts, ['a', 'b'], 'who is counted on instead is told at once')
})

test('when all were late, the one that was so longest ago is counted on', () => {
  const cluster = clientless(1, 2, 3)
  writeBeside(cluster, 1, 'a')
  writeBeside(cluster, 2, 'b')
  write(cluster, 'c')
  assert.deepEqual(holders(cluster, 'c'), [1, 3])
})

test('nobody stands by while too few of the others are up to date', () => {
  const cluster = clientless(1, 2, 3)
  write(cluster, 'a')
  cluster.slowDisks.add(2)
  cluster.crash(1)
  write(cluster, 'b')
  cluster.slowDisks.clear()
  cluster.settle()
  assert.deepEqual(cluster.peer(3).texts, ['a', 'b'], 'without a tick')
})

test('a voter that is behind is not counted on, even if it never kept anybody waiting', () => {
  const cluster = clientless(1, 2, 3)
  for (const sid of [1, 2]) cluster.clientless.delete(sid)
  cluster.tick()
  cluster.slowDisks.add(1)
  write(cluster, 'a')
  assert.deepEqual(cluster.peer(3).texts, ['a'], 'all were told, and two were fast enough')
  for (const sid of [1, 2]) cluster.clientless.add(sid)
  cluster.tick(TOLD_TICKS)
  write(cluster, 'b')
  assert.deepEqual(cluster.peer(3).texts, ['a', 'b'])
})

test('a leader whose own disk is late tells everybody', () => {
  const cluster = clientless(1, 2, 3)
  cluster.slowDisks.add(3)
  write(cluster, 'a')
  cluster.tick()
  assert.deepEqual(cluster.peer(3).texts, ['a'], 'two followers are a quorum')
  write(cluster, 'b')
  assert.deepEqual(cluster.peer(3).texts, ['a', 'b'])
})

test('when who is relied on is gone, the others are told', () => {
  const cluster = clientless(1, 2, 3)
  cluster.slowDisks.add(1)
  write(cluster, 'a')
  cluster.crash(1)
  cluster.settle()
  assert.deepEqual(cluster.peer(3).texts, ['a'])
  write(cluster, 'b')
  assert.deepEqual(cluster.peer(2).texts, ['a', 'b'])
})

test('a learner with clients is told at once', () => {
  const cluster = clientless(1, 2, 3)
  cluster.clientless.delete(2)
  cluster.tick()
  write(cluster, 'a')
  assert.deepEqual(cluster.peer(2).texts, ['a'])
  assert.deepEqual(holders(cluster, 'a'), [2, 3], 'and is relied on: the other one stands by')
})

test('a learner is told of what is held when a client asks it for something', () => {
  const cluster = clientless(1, 2, 3)
  write(cluster, 'a')
  assert.deepEqual(cluster.peer(2).texts, [])
  cluster.forward(2, 'request')
  cluster.settle()
  assert.deepEqual(cluster.peer(2).texts, ['a'])
})

test('a learner that may have clients is told at once', () => {
  const cluster = new Cluster([1, 2, 3])
  for (const sid of [1, 3]) {
    cluster.clientless.add(sid)
    cluster.start(sid)
  }
  cluster.tick(10 + TOLD_TICKS)
  cluster.start(2)
  cluster.slowDisks.add(2)
  cluster.tick(2 * TOLD_TICKS)
  cluster.slowDisks.clear()
  cluster.settle()
  assert.ok(cluster.peer(2).zab.view.serving)
  write(cluster, 'a')
  assert.deepEqual(
    cluster.peer(2).texts,
    ['a'],
    'it has just joined, and has not said that it has none',
  )
})

test('what only a leader and one learner have is kept when the leader dies', () => {
  const cluster = clientless(1, 2, 3)
  write(cluster, 'a')
  assert.deepEqual(holders(cluster, 'a'), [1, 3])
  const disk = cluster.crash(3)
  cluster.settle()
  cluster.tick(10)
  assert.equal(cluster.leader?.sid, 1, 'the one that has it')
  assert.deepEqual(cluster.peer(2).texts, ['a'])
  cluster.start(3, disk)
  cluster.settle()
  cluster.tick(10)
  write(cluster, 'b')
  cluster.tick()
  for (const sid of [1, 2, 3]) assert.deepEqual(cluster.peer(sid).texts.slice(-2), ['a', 'b'])
})

test('what is held is committed by others only after it was sent', () => {
  const cluster = clientless(1, 2, 3)
  for (const text of ['a', 'b', 'c']) write(cluster, text)
  cluster.tick()
  const kinds = cluster.kinds(3, 2).filter(kind => kind === 'proposal' || kind === 'commit')
  assert.deepEqual(kinds.slice(-4), ['proposal', 'proposal', 'proposal', 'commit'])
  assert.deepEqual(cluster.peer(2).texts, ['a', 'b', 'c'])
})
