/**
 * ZOOKEEPER-4925: what a follower committed between NEWLEADER and UPTODATE was left out of the list of committed
 * proposals it kept in memory. Once it led, it brought others up to date from that list, and they had the same hole for
 * good.
 *
 * Here a log is one chain. A stream with any one proposal left out ends the connection before the hole is on disk, and
 * whoever joined a busy leader hands on the whole log when it leads itself.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LOG_START, pointOf } from '../../lib/base/group.ts'
import type { LeaderMessage } from '../../lib/zab/types.ts'
import { Cluster } from '../zab/cluster.ts'
import { explore } from './explore.ts'
import { Follower, makeGroups, NEW_LEADER, proposal, UP_TO_DATE } from './follower.ts'
import { lastOf, runUntil, stepsOf, Walk } from './zab-steps.ts'

const GROUPS = makeGroups(5, 5)

test('a stream with a hole is not followed, wherever the hole is', () => {
  for (let atNewLeader = 0; atNewLeader <= GROUPS.length; atNewLeader++) {
    for (let missing = 0; missing < GROUPS.length - 1; missing++) {
      const follower = new Follower()
      const stream: LeaderMessage[] = GROUPS.map(proposal)
      stream[missing] = { kind: 'ping' }
      stream.splice(atNewLeader, 0, NEW_LEADER)
      stream.unshift({ kind: 'diff', join: LOG_START })
      for (const message of stream) {
        follower.says(message)
        follower.endTurn()
        if (follower.peer.persist !== undefined) follower.finishWrite()
        if (message === NEW_LEADER && follower.isFollowing) follower.says(UP_TO_DATE)
      }
      const { disk, zab } = follower.peer
      assert.ok(!follower.isFollowing, 'it does not go on')
      assert.deepEqual(disk.groups, GROUPS.slice(0, disk.groups.length), 'no hole on disk')
      assert.ok(disk.groups.length <= missing)
      assert.equal(zab.view.last, lastOf(disk).zxid, 'none in memory')
    }
  }
})

test('who joined a busy leader hands on the whole log when it leads', () => {
  explore(choose => {
    const cluster = new Cluster([1, 2, 3], [9])
    for (const sid of [1, 2, 9]) cluster.start(sid)
    runUntil(cluster, () => cluster.leader?.sid === 2)
    cluster.settle()
    const stale = cluster.crash(9)
    cluster.start(3)
    runUntil(cluster, () => cluster.kinds(3, 2).includes('ackEpoch'))
    const walk = new Walk(choose)
    let proposed = 0
    const propose = () => cluster.propose(2, `during ${++proposed}`)
    for (;;) {
      for (const step of stepsOf(cluster, 'message')) if (!step.name.includes('3')) step.take()
      const steps = stepsOf(cluster, 'message').filter(({ name }) => name.includes('3'))
      if (proposed < 2) steps.push({ name: 'propose', peer: 2, depends: [2], take: propose })
      const step = walk.pick(steps)
      if (step === undefined) break
      step.take()
    }
    cluster.settle()
    assert.ok(cluster.peer(3).zab.view.serving)
    cluster.crash(2)
    cluster.tick(5)
    assert.equal(cluster.leader?.sid, 3)
    cluster.start(9, stale)
    cluster.tick(5)
    const { texts, disk } = cluster.peer(9)
    assert.deepEqual(texts, ['during 1', 'during 2'])
    assert.deepEqual(pointOf(disk.groups.at(-1)!), cluster.peer(3).zab.history.last)
  })
})
