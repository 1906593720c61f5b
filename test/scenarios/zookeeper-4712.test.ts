/**
 * ZOOKEEPER-4712, 4541 and 3598: a follower that lost its leader computed its next vote while its disk thread was
 * still writing. The late write landed in the middle of the next reign: the log on disk was longer than the one the
 * peer had voted with and been synchronised from.
 *
 * Here a peer votes only when its disk is quiet. Whenever the leader goes, with writes under way on both followers,
 * every vote names exactly what its peer has on disk, and a completion that is not that of the write under way counts
 * for nothing.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cluster, type Sent } from '../zab/cluster.ts'
import { explore } from './explore.ts'
import { commit, Follower, makeGroups, NEW_LEADER, proposal, UP_TO_DATE } from './follower.ts'
import { findTogether, lastOf, stepsOf, Walk, Witness } from './zab-steps.ts'

/** Forks taken after the leader is gone; then the rest goes its usual way. */
const FORKS_MAX = 4

/** 3 leads; a proposal is on its way to 1 and 2. */
function busy(): Cluster {
  const cluster = new Cluster([1, 2, 3])
  for (const sid of [1, 2, 3]) cluster.start(sid)
  cluster.tick(5)
  assert.equal(cluster.leader?.sid, 3)
  cluster.propose(3, 'x')
  return cluster
}

/** A vote for oneself claims what is on the own disk. */
function assertHonest(cluster: Cluster, { from, message }: Sent): void {
  if (message.kind !== 'notification' || message.role !== 'looking') return
  if (message.vote.leader !== from) return
  const { disk, persist } = cluster.peer(from)
  // A vote may decide the election, and the new role begin with a write of its own: but not of groups.
  assert.deepEqual(persist?.groups ?? [], [], `nothing is under way at ${from} when it votes`)
  assert.equal(message.vote.zxid, lastOf(disk).zxid, `${from} has what it votes with`)
  assert.equal(message.vote.epoch, disk.epochs.currentEpoch)
}

test('no vote is cast while a write of the last reign is under way', () => {
  let late = 0
  explore(choose => {
    const cluster = busy()
    const witness = new Witness(cluster)
    let told = cluster.log.length
    const look = () => {
      for (const sent of cluster.log.slice(told)) assertHonest(cluster, sent)
      told = cluster.log.length
      witness.look()
    }
    const walk = new Walk(choose)
    for (;;) {
      const step = walk.pick(stepsOf(cluster, 'frame'), true)
      if (step === undefined) break
      step.take()
      look()
    }
    if (cluster.peer(1).persist !== undefined) late++
    cluster.crash(3)
    look()
    const after = new Walk(choose)
    for (let forks = 0; forks < FORKS_MAX; forks++) {
      const step = after.pick(stepsOf(cluster, 'frame'))
      if (step === undefined) break
      step.take()
      look()
    }
    findTogether(cluster)
    look()
    witness.assertKept()
    for (const sid of [1, 2]) {
      assert.deepEqual(cluster.peer(sid).disk.groups, cluster.leader?.disk.groups)
    }
  })
  assert.ok(late > 0, 'in some of the ways the leader went while 1 was writing')
})

test('a completion that is not that of the write under way counts for nothing', () => {
  const follower = new Follower()
  const [first, second] = makeGroups(2, 5)
  follower.says({ kind: 'diff', join: { zxid: lastOf(follower.peer.disk).zxid, chain: 0 } })
  follower.says(NEW_LEADER)
  follower.endTurn()
  const before = follower.peer.persist?.writeId
  assert.ok(before)
  follower.finishWrite()
  follower.says(UP_TO_DATE)
  follower.says(proposal(first!))
  follower.endTurn()
  const { acked } = follower
  for (const writeId of [before, before - 1, before + 2]) {
    follower.peer.zab.step({ kind: 'persisted', writeId })
    follower.endTurn()
    assert.equal(follower.acked, acked)
  }
  follower.says(proposal(second!))
  follower.says(commit(first!))
  follower.endTurn()
  follower.finishWrite()
  assert.equal(follower.acked, first!.last, 'the second one is still to be written')
})
