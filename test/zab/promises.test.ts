/**
 * Promises that outlive the reign they were made for. Whoever accepted a later epoch than the one that serves, be it an
 * observer or a voter whose log is lost, must be taken in by a later reign, and soon, without a storm of messages.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Epoch } from '../../lib/base/zxid.ts'
import { Cluster, INIT_LIMIT_TICKS, type StartOptions } from './cluster.ts'
import { type Disk, emptyDisk } from './disks.ts'

/** Far above what new reigns that count up by one would reach soon. */
const LATER_EPOCH = 100
/** What joining may take: a few reigns that end early, each at most a tick. */
const FEW_TICKS = 10
/** Of one turn, however often peers are turned away in it. */
const MESSAGES_PER_TICK_MAX = 150

function established(observers: readonly number[] = []): Cluster {
  const cluster = new Cluster([1, 2, 3], observers)
  for (const sid of [...cluster.voters, ...cluster.observers]) cluster.start(sid)
  cluster.tick(10)
  assert.equal(cluster.leader?.sid, 3)
  return cluster
}

function promise(disk: Disk, epoch: number): void {
  disk.epochs = { ...disk.epochs, acceptedEpoch: epoch as Epoch }
}

/** Starts the peer again and lets the others take it in. */
function rejoin(cluster: Cluster, sid: number, disk: Disk, options: StartOptions = {}): void {
  let before = cluster.log.length
  const assertCalm = () => {
    const messages = cluster.log.length - before
    assert.ok(messages <= MESSAGES_PER_TICK_MAX, `${messages} messages without a tick`)
    before = cluster.log.length
  }
  cluster.start(sid, disk, options)
  cluster.settle()
  assertCalm()
  for (let ticks = 0; ticks < FEW_TICKS; ticks++) {
    cluster.tick()
    assertCalm()
  }
  for (const each of cluster.peers.values()) {
    assert.ok(each.zab.view.serving, `peer ${each.sid} serves`)
    assert.equal(each.zab.view.epoch, LATER_EPOCH + 1, 'the next epoch after the promised one')
  }
}

test('an observer that promised a later epoch is taken in by the next reign', () => {
  const cluster = established([4])
  const disk = cluster.crash(4)
  promise(disk, LATER_EPOCH)
  rejoin(cluster, 4, disk)
})

test('a voter without a trusted log that promised a later epoch is taken in too', () => {
  const cluster = established()
  cluster.propose(3, 'a')
  cluster.settle()
  const lost = emptyDisk()
  lost.epochs = cluster.crash(1).epochs
  promise(lost, LATER_EPOCH)
  rejoin(cluster, 1, lost, { trusted: false })
  assert.ok(cluster.peer(1).zab.trusted, 'synchronised, it votes again')
  assert.deepEqual(cluster.peer(1).staged, ['begin', 'switch'], 'its tree was replaced')
  assert.deepEqual(cluster.peer(1).texts, ['a'])
})

test('a voter without a trusted log speaks for no leader', () => {
  const cluster = established([4])
  cluster.crash(1)
  cluster.holdLoads = true
  cluster.start(1, emptyDisk(), { trusted: false })
  cluster.tick(2)
  const { view, trusted } = cluster.peer(1).zab
  assert.deepEqual([view.leader, view.serving, trusted], [3, false, false])
  const roles = () =>
    cluster.log.flatMap(({ from, message }) =>
      from === 1 && message.kind === 'notification' ? [message.role] : [],
    )
  const before = roles().length
  // Whoever comes back asks everybody at once.
  cluster.start(4, cluster.crash(4))
  cluster.settle()
  assert.deepEqual(
    roles()
      .slice(before)
      .filter(role => role !== 'looking'),
    [],
  )
})

test('an observer is not left behind by reigns that no voter heard of', () => {
  const cluster = established([4])
  cluster.cut(1, 2)
  cluster.cut(2, 3)
  cluster.cut(1, 3)
  // 3 is elected again and again with a voter that never hears of the new epoch; only the observer does.
  cluster.drop = ({ from, to, message }) => from === 3 && to === 1 && message.kind === 'leaderInfo'
  const observer = cluster.peer(4).zab
  for (const epoch of [2, 3]) {
    cluster.link(1, 3)
    for (let ticks = 0; ticks < 2 * INIT_LIMIT_TICKS; ticks++) {
      if (observer.epochs.acceptedEpoch === epoch) break
      cluster.tick()
    }
    assert.equal(observer.epochs.acceptedEpoch, epoch)
    cluster.cut(1, 3)
    cluster.settle()
  }
  cluster.crash(3)
  cluster.drop = () => false
  cluster.link(1, 2)
  cluster.tick(FEW_TICKS)
  for (const sid of [1, 2, 4]) assert.ok(cluster.peer(sid).zab.view.serving, `peer ${sid} serves`)
})
