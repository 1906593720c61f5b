/** Voters that stand by, with all of a peer: who serves whom is what cores tell each other. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HELD_MS_MAX, TICK_MS } from '../../lib/base/limits.ts'
import { ROOT } from '../../lib/base/path.ts'
import { HandEnsemble } from '../scenarios/hand-ensemble.ts'

const WHILE_TICKS = 40

/** Peers that hold the write of a client of the leader, when nobody else has said anything for a while. */
function holders(tickMs: number, clientsOf: readonly number[]): number[] {
  const ensemble = new HandEnsemble({ tickMs })
  ensemble.tick(WHILE_TICKS)
  const leader = ensemble.leader!
  const writer = ensemble.join('writer', leader.sid)
  for (const sid of clientsOf) ensemble.join(`client of ${sid}`, sid)
  ensemble.tick(WHILE_TICKS)
  const { lastZxid } = leader.core.zab.history
  writer.ask({ kind: 'set', path: ROOT, data: new Uint8Array(1), version: -1 })
  writer.pump()
  ensemble.settle()
  assert.deepEqual(writer.unanswered, [])
  return [...ensemble.peers.values()]
    .filter(({ core }) => core.zab.history.lastZxid > lastZxid)
    .map(({ sid }) => sid)
}

test('a peer without clients stands by', () => {
  assert.equal(holders(TICK_MS, []).length, 2)
})

test('a peer with a silent client does not', () => {
  assert.deepEqual(holders(TICK_MS, [1, 2]), [1, 2, 3])
})

test('with long ticks nobody stands by', () => {
  assert.equal(holders(HELD_MS_MAX, []).length, 2)
  assert.equal(holders(HELD_MS_MAX + 1, []).length, 3)
})
