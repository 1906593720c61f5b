/** Which peers recover at the same time. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Recoveries, turnsOf } from '../../lib/ensemble/recoveries.ts'

class Peers {
  readonly begun: number[] = []
  readonly all = [0, 1, 2, 3, 4].map(index => ({ recover: () => this.begun.push(index) }))
  take(): number[] {
    return this.begun.splice(0)
  }
}

test('so many at once, in order; each that is done lets the next one begin', () => {
  const peers = new Peers()
  const recoveries = new Recoveries(3)
  for (const peer of peers.all) recoveries.add(peer)
  assert.deepEqual(peers.take(), [0, 1, 2])
  recoveries.done(peers.all[1]!)
  assert.deepEqual(peers.take(), [3])
  recoveries.done(peers.all[1]!)
  assert.deepEqual(peers.take(), [])
  recoveries.done(peers.all[0]!)
  assert.deepEqual(peers.take(), [4])
})

test('one that goes while it waits is not waited for', () => {
  const peers = new Peers()
  const recoveries = new Recoveries(1)
  for (const peer of peers.all.slice(0, 3)) recoveries.add(peer)
  recoveries.done(peers.all[1]!)
  recoveries.done(peers.all[0]!)
  assert.deepEqual(peers.take(), [0, 2])
})

test('one that is started again goes on at once, whoever waits', () => {
  const peers = new Peers()
  const recoveries = new Recoveries(1)
  for (const peer of peers.all.slice(0, 3)) recoveries.add(peer)
  recoveries.done(peers.all[0]!)
  assert.deepEqual(peers.take(), [0, 1])
  recoveries.add(peers.all[0]!)
  assert.deepEqual(peers.take(), [0])
})

test('voters come before observers, and any of them is the first one day', () => {
  const peers = [true, false, true, true, false].map((votes, sid) => ({ sid, config: { votes } }))
  const orders = [0, 0.33, 0.34, 0.66, 0.67, 0.99].map(draw =>
    turnsOf(peers, draw).map(({ sid }) => sid),
  )
  assert.deepEqual(orders, [
    [0, 2, 3, 1, 4],
    [0, 2, 3, 1, 4],
    [2, 3, 0, 1, 4],
    [2, 3, 0, 1, 4],
    [3, 0, 2, 1, 4],
    [3, 0, 2, 1, 4],
  ])
})

test('without a limit all begin, and later ones at once', () => {
  const peers = new Peers()
  const recoveries = new Recoveries(1)
  for (const peer of peers.all.slice(0, 4)) recoveries.add(peer)
  recoveries.unlimit()
  assert.deepEqual(peers.take(), [0, 1, 2, 3])
  recoveries.add(peers.all[4]!)
  assert.deepEqual(peers.take(), [4])
})
