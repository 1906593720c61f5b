/**
 * ZOOKEEPER-3104: while a follower was being sent a snapshot, NEWLEADER could be queued before the proposals that
 * follow the snapshot. The follower acknowledged NEWLEADER with a log that ended at the snapshot, and the leader
 * counted that as a log that had everything.
 *
 * Here NEWLEADER is the last of a synchronisation. With a leader that proposes at any moment while it reads and sends
 * the snapshot, the stream is always the snapshot, then every proposal since, then NEWLEADER; and what NEWLEADER
 * vouched for is on the follower's disk when it is acknowledged.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Zxid } from '../../lib/base/zxid.ts'
import { Cluster } from '../zab/cluster.ts'
import { diskWith, diskWithSnapshot } from '../zab/disks.ts'
import { explore } from './explore.ts'
import { die, findTogether, lastOf, type Step, stepsOf, Walk, Witness } from './zab-steps.ts'

const PROPOSALS = 2

/** 3 leads 2 with a log that begins with a snapshot; 1 needs that. */
function aboutToSnapshot(): Cluster {
  const cluster = new Cluster([1, 2, 3])
  for (const sid of [2, 3]) cluster.start(sid, diskWithSnapshot(1, 4, 3))
  cluster.tick(5)
  assert.equal(cluster.leader?.sid, 3)
  cluster.holdLoads = true
  cluster.snapshotChunks = 2
  cluster.start(1, diskWith(1, 1))
  cluster.settle()
  assert.equal(cluster.unanswered, 1, 'the snapshot is asked for')
  return cluster
}

function assertOrder(kinds: readonly string[]): void {
  const stream = kinds.slice(kinds.indexOf('snap'), kinds.indexOf('newLeader') + 1)
  const phases = ['snap', 'snapshotChunk', 'proposal', 'commit', 'newLeader']
  const order = stream.map(kind => phases.indexOf(kind))
  assert.deepEqual(order, [...order].sort(), stream.join())
}

test('NEWLEADER comes after the snapshot and all that was proposed since', () => {
  let proposedMeanwhile = 0
  explore(choose => {
    const cluster = aboutToSnapshot()
    const witness = new Witness(cluster)
    let proposed = 0
    let vouched = 0 as Zxid
    const propose: Step = {
      name: 'propose',
      peer: 3,
      depends: [3],
      take: () => cluster.propose(3, `during ${++proposed}`),
    }
    const walk = new Walk(choose)
    for (;;) {
      for (const step of stepsOf(cluster, 'message')) {
        if (step.name === '2>3' || step.name === '3>2' || step.name.startsWith('write')) {
          if (step.name !== 'write 1') step.take()
        }
      }
      const isSent = cluster.kinds(3, 1).includes('newLeader')
      if (isSent && vouched === 0) {
        vouched = cluster.peer(3).zab.view.last
        if (proposed > 0) proposedMeanwhile++
      }
      if (cluster.kinds(1, 3).includes('ack')) {
        assert.ok(lastOf(cluster.peer(1).disk).zxid >= vouched, 'it has what it vouches for')
        break
      }
      const steps = stepsOf(cluster, 'message')
      if (proposed < PROPOSALS && !isSent) steps.push(propose)
      const step = walk.pick(steps)
      if (step === undefined) return
      step.take()
      witness.look()
    }
    assertOrder(cluster.kinds(3, 1))
    // The acknowledgement arrives, and then the only one is left that gave it.
    cluster.settle()
    witness.look()
    const disk = die(cluster, 1, choose)
    cluster.crash(3)
    cluster.holdLoads = false
    cluster.start(1, disk)
    findTogether(cluster)
    witness.assertKept()
  })
  assert.ok(proposedMeanwhile > 0)
})
