/**
 * ZOOKEEPER-2201, 2380 and 2687: the leader sent to its followers while it held a lock. A follower whose connection
 * took nothing more blocked that send, and with it the commits of all others and even the shutdown.
 *
 * Here nobody waits for a port. A follower that takes nothing from its port delays no commit; the leader gives it up
 * after `syncLimitTicks` of silence and sends it nothing more, so what waits in the port is bounded by what is
 * proposed in that time. When the follower takes turns again it is brought up to date like any other.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytes, create, path, set } from '../replica/support.ts'
import { HandEnsemble, INIT_LIMIT_TICKS, SYNC_LIMIT_TICKS } from './hand-ensemble.ts'

const DATA = 'x'.repeat(500)
/** A write makes a proposal of its data and a little more. */
const WRITE_BYTES_MAX = 2 * DATA.length

/** 3 leads and nobody takes what comes to 1; a client of the leader. */
function withStuckFollower() {
  const ensemble = new HandEnsemble()
  const client = ensemble.join('client', 3)
  client.ask(create('/a'))
  client.pump()
  ensemble.findTogether()
  ensemble.holds = (_, to) => to === 1
  return { ensemble, client }
}

/** One write and one tick of everybody whose thread runs; 1 does not even tick. */
function goOn({ ensemble, client }: ReturnType<typeof withStuckFollower>): void {
  const call = client.ask(set('/a', DATA))
  client.pump()
  ensemble.settle()
  assert.ok(call.reply, 'the write is committed, without a tick')
  ensemble.tick(1, [2, 3])
  ensemble.settle()
}

test('a follower that takes nothing delays nobody, and what waits for it is bounded', () => {
  const stuck = withStuckFollower()
  const { ensemble } = stuck
  const { reign } = ensemble.peer(3).core.zab.view
  for (let ticks = 0; ticks <= SYNC_LIMIT_TICKS + 1; ticks++) goOn(stuck)
  const given = ensemble.waiting(3, 1)
  assert.ok(given.frames > SYNC_LIMIT_TICKS, 'it got what was proposed so far')
  assert.ok(given.bytes <= (SYNC_LIMIT_TICKS + 2) * WRITE_BYTES_MAX, `${given.bytes} bytes wait`)
  for (let ticks = 0; ticks < 3 * INIT_LIMIT_TICKS; ticks++) goOn(stuck)
  assert.deepEqual(ensemble.waiting(3, 1), given, 'and nothing since')
  assert.equal(ensemble.waiting(2, 1).frames, 0)
  assert.equal(ensemble.peer(3).core.zab.view.reign, reign, 'the reign goes on')
  ensemble.holds = () => false
  ensemble.findTogether()
  ensemble.assertEqual()
  assert.deepEqual(ensemble.peer(1).core.tree.node(path('/a'))?.data, new Uint8Array(bytes(DATA)))
})

test('a follower that gets stuck while it is brought up to date is given up too', () => {
  const stuck = withStuckFollower()
  const { ensemble } = stuck
  ensemble.holds = () => false
  const disk = ensemble.crash(1)
  for (let ticks = 0; ticks < 5; ticks++) goOn(stuck)
  ensemble.start(1, disk)
  while (ensemble.waiting(1, 3).frames === 0 || !ensemble.peer(1).core.zab.view.leader) {
    assert.ok(ensemble.advance(), 'it comes to that')
  }
  ensemble.holds = (_, to) => to === 1
  for (let ticks = 0; ticks <= INIT_LIMIT_TICKS + 1; ticks++) goOn(stuck)
  const given = ensemble.waiting(3, 1)
  assert.ok(given.bytes <= (INIT_LIMIT_TICKS + 7) * WRITE_BYTES_MAX, `${given.bytes} bytes wait`)
  for (let ticks = 0; ticks < INIT_LIMIT_TICKS; ticks++) goOn(stuck)
  assert.deepEqual(ensemble.waiting(3, 1), given)
  ensemble.holds = () => false
  ensemble.findTogether()
  ensemble.assertEqual()
})

test('a leader that is stuck does not hold up the others for longer than its silence', () => {
  const ensemble = new HandEnsemble()
  const client = ensemble.join('client', 2)
  ensemble.findTogether()
  ensemble.holds = (from, to) => from === 3 || to === 3
  const call = client.ask(create('/a'))
  client.pump()
  let ticks = 0
  for (; call.reply === undefined; ticks++) {
    assert.ok(ticks <= 2 * SYNC_LIMIT_TICKS, 'there is a new leader soon')
    ensemble.tick(1, [1, 2])
    ensemble.settle()
    ensemble.rehome()
    ensemble.settle()
  }
  ensemble.holds = () => false
  ensemble.findTogether()
  ensemble.assertEqual()
})
