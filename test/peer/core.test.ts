/** Peers with agreement and replica together: what becomes of clients and sessions while one cannot serve. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ROOT } from '../../lib/base/path.ts'
import { encodeMessages } from '../replica/support.ts'
import { CONNECTION, type Pair, pairWithClients, SYNC_LIMIT_TICKS, TICK_MS } from './pair.ts'

test('a peer that has no leader for longer than syncLimit sends its clients elsewhere', () => {
  const pair = pairWithClients()
  pair.setLinked(false)
  pair.tick(SYNC_LIMIT_TICKS)
  for (const { serving, told } of pair.peers) {
    assert.ok(!serving)
    assert.deepEqual(told, [], 'an election may well take so long')
  }
  pair.tick(1)
  for (const { told, closed } of pair.peers) {
    assert.deepEqual(told, ['SESSION_MOVED'])
    assert.deepEqual(closed, [CONNECTION])
  }
})

test('a short election is not felt by clients', () => {
  const pair = pairWithClients()
  for (let election = 0; election < 3; election++) {
    pair.setLinked(false)
    pair.tick(SYNC_LIMIT_TICKS - 1)
    pair.setLinked(true)
    pair.tick(1)
    assert.ok(pair.peers.every(({ serving }) => serving))
  }
  for (const { told, closed } of pair.peers) {
    assert.deepEqual(told, [])
    assert.deepEqual(closed, [])
  }
})

/** A session time-out that is over before syncLimit is. */
const SHORT_TIMEOUT_MS = 6 * TICK_MS

/**
 * How many of two sessions are left when the leader has ticked so often without a word from the other peer, and then
 * takes in everything that peer had to say: in one turn with its next tick, or before it.
 */
function sessionsAfter(silentTicks: number, inOneTurn: boolean): number {
  const pair = pairWithClients(SHORT_TIMEOUT_MS)
  const [follower, leader] = pair.peers
  assert.equal(leader!.core.status.role, 'leading')
  pair.late = follower
  pair.tick(silentTicks)
  pair.release()
  if (inOneTurn) leader!.inbox.push({ kind: 'tick' })
  pair.settle()
  return [...leader!.core.tree.sessions()].length
}

test('a leader that was held up hears what came meanwhile before it expires anybody', () => {
  let silentTicks = 1
  while (sessionsAfter(silentTicks, false) === 2) silentTicks++
  assert.ok(silentTicks < SYNC_LIMIT_TICKS, 'a session that nobody reports expires')
  assert.equal(sessionsAfter(silentTicks - 1, true), 2)
})

/** A frame with sets of the root, numbered from `cxid` on, all unanswered. */
function setsFrom(cxid: number, count: number, dataBytes: number): Uint8Array {
  const request = { kind: 'set', path: ROOT, data: new Uint8Array(dataBytes), version: -1 } as const
  return encodeMessages(
    Array.from({ length: count }, (_, at) => {
      return { kind: 'write', xid: cxid + at, cxid: cxid + at, unanswered: at + 1, request }
    }),
  )
}

/** A leader with one group that all have, but for the news of that, and with a second one prepared. */
function withTwoGroups(): Pair {
  const pair = pairWithClients()
  const [follower, leader] = pair.peers
  const before = leader!.core.tree.zxid
  pair.late = follower
  pair.slow = leader
  for (const cxid of [1, 2]) {
    const frame = setsFrom(cxid, 1, 1)
    leader!.inbox.push({ kind: 'clientFrame', connection: CONNECTION, frame })
    pair.settle()
  }
  assert.equal(leader!.core.zab.history.lastZxid, before + 1, 'the second write waits')
  for (const { ahead } of pair.peers) assert.deepEqual(ahead, [])
  return pair
}

test('the next group is on its way to all disks before the last one is applied', () => {
  const pair = withTwoGroups()
  const [follower, leader] = pair.peers
  const { zxid } = leader!.core.tree
  pair.release()
  pair.settle()
  assert.deepEqual(leader!.ahead, [{ zxid, frames: 1, writes: 1 }])
  assert.deepEqual(follower!.ahead, [{ zxid, frames: 0, writes: 1 }])
  for (const { core } of pair.peers) assert.equal(core.tree.zxid, zxid + 2)
  assert.deepEqual(leader!.told, ['reply', 'reply'])
})

test('the commit of a large group is told before that is applied, of a small one after', () => {
  for (const [writes, isTold] of [
    [20, true],
    [2, false],
  ] as const) {
    const pair = pairWithClients()
    const [, leader] = pair.peers
    const { zxid } = leader!.core.tree
    const frame = setsFrom(1, writes, 1000)
    leader!.inbox.push({ kind: 'clientFrame', connection: CONNECTION, frame })
    pair.settle()
    assert.deepEqual(leader!.ahead, isTold ? [{ zxid, frames: 1, writes: 0 }] : [])
    for (const { core } of pair.peers) assert.equal(core.tree.zxid, zxid + writes)
    assert.equal(leader!.told.length, writes)
  }
})

test('nothing goes out ahead that was for a link whose end is known by the end of the turn', () => {
  const pair = withTwoGroups()
  const [follower, leader] = pair.peers
  const { sent } = leader!
  pair.release()
  leader!.inbox.push({ kind: 'tick' }, { kind: 'linkDown', sid: follower!.sid })
  pair.settle()
  assert.equal(leader!.sent, sent)
})

test('a write that was lost with its reign is submitted to the next, and nobody has to ask', () => {
  const pair = pairWithClients()
  const [follower] = pair.peers
  const frame = setsFrom(1, 1, 1)
  follower!.inbox.push({ kind: 'clientFrame', connection: CONNECTION, frame })
  pair.losing = true
  pair.settle()
  pair.losing = false
  pair.setLinked(false)
  assert.deepEqual(follower!.told, [], 'the leader never heard of it')
  pair.setLinked(true)
  pair.tick(5)
  assert.deepEqual(follower!.told, ['reply'])
})
