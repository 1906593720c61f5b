/** Fast leader election: the order of votes, first start, late joiners, and what a vote may claim. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Epoch, Sid, Zxid } from '../../lib/base/zxid.ts'
import { beats } from '../../lib/zab/election.ts'
import { Majority } from '../../lib/zab/quorum.ts'
import type { Vote } from '../../lib/zab/types.ts'
import { Cluster } from './cluster.ts'
import { diskWith } from './disks.ts'

const vote = (epoch: number, zxid: number, leader: number): Vote => ({
  epoch: epoch as Epoch,
  zxid: zxid as Zxid,
  leader: leader as Sid,
})

test('votes are ordered by epoch, then zxid, then server id', () => {
  const votes = [vote(1, 8, 1), vote(1, 8, 2), vote(1, 7, 4)]
  const best = votes.reduce((a, b) => (beats(b, a) ? b : a))
  assert.equal(best.leader, 2)
  assert.ok(beats(vote(2, 1, 1), vote(1, 9, 5)), 'epoch first')
  assert.ok(beats(vote(1, 9, 1), vote(1, 8, 5)), 'then zxid')
  assert.ok(!beats(vote(1, 8, 2), vote(1, 8, 2)), 'a vote does not beat itself')
})

test('peers that voted (1,8,1), (1,8,2) and (1,7,4) elect 2', () => {
  const cluster = new Cluster([1, 2, 4])
  cluster.start(1, diskWith(1, 8))
  cluster.start(2, diskWith(1, 8))
  cluster.start(4, diskWith(1, 7))
  cluster.settle()
  cluster.tick(10)
  for (const sid of [1, 2, 4]) assert.equal(cluster.peer(sid).zab.view.leader, 2)
  assert.deepEqual(cluster.peer(4).texts.at(-1), 't8', 'the one behind was brought up to date')
})

test('first start: the largest id of a majority wins, a larger late joiner follows it', () => {
  const cluster = new Cluster([1, 2, 3, 4, 5])
  for (const sid of [1, 2, 3]) cluster.start(sid)
  cluster.settle()
  cluster.tick(10)
  assert.equal(cluster.peer(3).zab.view.role, 'leading')
  for (const sid of [4, 5]) cluster.start(sid)
  cluster.settle()
  cluster.tick(10)
  for (const sid of [1, 2, 4, 5]) {
    assert.equal(cluster.peer(sid).zab.view.leader, 3, `peer ${sid} follows`)
    assert.ok(cluster.peer(sid).zab.view.serving, `peer ${sid} serves`)
  }
})

test('no quorum, no leader', () => {
  const cluster = new Cluster([1, 2, 3])
  cluster.start(3)
  cluster.tick(300)
  assert.equal(cluster.peer(3).zab.view.role, 'looking')
})

test('each reign has a new epoch', () => {
  const cluster = new Cluster([1, 2, 3])
  for (const sid of [1, 2, 3]) cluster.start(sid)
  cluster.tick(10)
  const first = cluster.peer(3).zab.view.epoch
  cluster.crash(3)
  cluster.settle()
  assert.equal(
    cluster.peer(2).zab.view.role,
    'leading',
    'no tick has to pass when a thread is gone',
  )
  assert.ok(cluster.peer(2).zab.view.epoch > first)
})

test('a vote waits until the disk is quiet', () => {
  const cluster = new Cluster([1, 2, 3])
  for (const sid of [1, 2, 3]) cluster.start(sid)
  cluster.tick(10)
  cluster.slowDisks.add(2)
  cluster.propose(3, 'late')
  cluster.settle()
  assert.ok(cluster.peer(2).persist, 'the write of 2 is in flight')
  const before = cluster.log.length
  cluster.crash(3)
  cluster.settle()
  const votes = cluster.log.slice(before).filter(sent => sent.from === 2)
  assert.deepEqual(votes, [], '2 says nothing while its disk is busy')
  cluster.slowDisks.clear()
  cluster.settle()
  cluster.tick(10)
  assert.equal(cluster.peer(2).zab.view.role, 'leading')
  assert.deepEqual(cluster.peer(1).texts, ['late'])
})

test('majorities intersect and count the right zxid', () => {
  const acked = (values: number[]) => (sid: Sid) => values[sid - 1] as Zxid
  const sids = (n: number) => Array.from({ length: n }, (_, i) => (i + 1) as Sid)
  assert.equal(new Majority(sids(1)).acknowledged(acked([7])), 7)
  assert.equal(new Majority(sids(2)).acknowledged(acked([7, 9])), 7)
  assert.equal(new Majority(sids(3)).acknowledged(acked([7, 9, 1])), 7)
  assert.equal(new Majority(sids(4)).acknowledged(acked([7, 9, 1, 8])), 7)
  assert.equal(new Majority(sids(5)).acknowledged(acked([7, 9, 1, 8, 0])), 7)
  assert.ok(!new Majority(sids(4)).reached(sid => sid <= 2), 'half is no majority')
  assert.ok(new Majority(sids(5)).reached(sid => sid <= 3))
})
