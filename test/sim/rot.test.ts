/** What a leader cannot read any more of its own past must not keep a learner out for good. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Sid } from '../../lib/base/zxid.ts'
import { DiskImage } from './disk-image.ts'
import { SimEnsemble } from './ensemble.ts'
import { type Knobs, TICK_US } from './knobs.ts'
import type { SimPeer } from './peer.ts'
import { World } from './world.ts'

const TICKS_MAX = 400

/** Three voters and their clients, without a fault. */
class Trio {
  readonly world: World
  readonly ensemble: SimEnsemble

  constructor(knobs: Partial<Knobs>) {
    const calm = { faults: [], grainUs: 1, tickJitterUs: [0], linkUs: { low: 20, high: 200 } }
    const disk = { diskUs: { low: 50, high: 400 }, snapshotChunkBytes: 100 }
    const size = { voters: 3, observers: 0, clients: 2 }
    this.world = new World({
      seed: 3,
      profile: 'dense',
      knobs: { ...calm, ...disk, ...size, ...knobs },
    })
    this.ensemble = new SimEnsemble(this.world)
    this.ensemble.start()
  }

  get leader(): SimPeer {
    return this.ensemble.peers.find(({ leading }) => leading)!
  }

  get follower(): SimPeer {
    return this.ensemble.peers.find(({ leading, serving }) => serving && !leading)!
  }

  until(what: string, isSo: () => boolean): void {
    const { agenda } = this.world
    for (let ticks = 0; !isSo(); ticks++) {
      assert.ok(ticks < TICKS_MAX, `in ${TICKS_MAX} ticks not: ${what}`)
      agenda.runUntil(agenda.now + TICK_US)
    }
  }

  /** The peer dies, and something happens before it starts again. */
  restart(peer: SimPeer, between: () => void): void {
    peer.crash(false)
    this.ensemble.net.died(peer.sid as Sid, true)
    between()
    peer.start()
  }
}

test('a leader whose snapshots cannot be read takes another for who needs one', () => {
  const trio = new Trio({ snapshotLogBytes: 1_000, snapshotsKept: 1, deltasMax: 0 })
  const { until } = trio
  until.call(trio, 'a log that begins with a snapshot', () => {
    return (trio.leader?.disk.safe.logStart.zxid ?? 0) > 0
  })
  trio.ensemble.rest()
  const { leader, follower } = trio
  for (const chunks of leader.disk.safe.chunks.values()) {
    for (const chunk of chunks) chunk.flaw = 'bad'
  }
  trio.restart(follower, () => follower.disk.replace(new DiskImage()))
  trio.until('synchronised', () => follower.serving && follower.trusted)
  assert.ok(trio.world.counters.get('missing: chunk') > 0)
})

test('a leader whose log has a hole brings its learners up to date all the same', () => {
  const trio = new Trio({ snapshotLogBytes: 1_000_000, loadBytes: 1, historyGroupsMax: 16 })
  trio.until('a log', () => (trio.leader?.disk.safe.log.length ?? 0) > 20)
  const { follower, leader } = trio
  const had = follower.disk.safe.log.length
  trio.restart(follower, () => {
    trio.until('a longer log', () => leader.disk.safe.log.length > had + 60)
    trio.ensemble.rest()
    leader.disk.safe.log[had + 20]!.flaw = 'bad'
  })
  trio.until('up to date', () => follower.serving)
  assert.ok(trio.world.counters.get('missing: groups') > 0)
})
