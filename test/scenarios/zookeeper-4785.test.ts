/**
 * ZOOKEEPER-4785: in a DIFF only what was known to be committed went to disk in time; the uncommitted tail that came
 * with it was handed to another thread. A follower that was bounced right after its acknowledgement had lost that
 * tail, although the leader had counted on it.
 *
 * Here the tail is part of the write that NEWLEADER is acknowledged for, or is not acknowledged. The follower is
 * bounced at every step, then the leader dies: what anybody saw stays.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cluster } from '../zab/cluster.ts'
import { type Disk, diskWith } from '../zab/disks.ts'
import { explore } from './explore.ts'
import { die, findTogether, hasSent, runUntil, stepsOf, Walk, Witness } from './zab-steps.ts'

/** Everything but the follower goes its usual way. */
function isAboutFollower({ name }: { readonly name: string }): boolean {
  return name.includes('1')
}

/**
 * @param behind the disk of the peer that is up but has not the tail when the leader dies
 * @returns how often the tail was delivered somewhere before the end
 */
function bounceEverywhere(begin: () => Cluster, behind: (cluster: Cluster) => Disk): number {
  let seen = 0
  explore(choose => {
    const cluster = begin()
    const witness = new Witness(cluster)
    const walk = new Walk(choose)
    for (;;) {
      witness.look()
      const steps = stepsOf(cluster, 'message')
      const usual = steps.find(step => !isAboutFollower(step) && step.name !== 'write 2')
      if (usual !== undefined) {
        usual.take()
        continue
      }
      const step = walk.pick(steps.filter(isAboutFollower), true)
      if (step === undefined) break
      step.take()
    }
    if (cluster.peer(3).texts.includes('tail')) seen++
    const bounced = die(cluster, 1, choose)
    cluster.crash(3)
    const other = behind(cluster)
    cluster.start(1, bounced)
    if (!cluster.peers.has(2)) cluster.start(2, other)
    cluster.slowDisks.clear()
    findTogether(cluster)
    witness.assertKept()
  })
  return seen
}

test('a tail of an earlier reign is not lost with a bounced follower', () => {
  const begin = () => {
    const cluster = new Cluster([1, 2, 3])
    const disk = diskWith(1, 2)
    disk.groups[1] = { ...disk.groups[1]!, payload: Buffer.from('tail') }
    cluster.start(1, diskWith(1, 1))
    cluster.start(3, disk, { committed: disk.groups[0]!.last })
    runUntil(cluster, () => hasSent(cluster, 'ackEpoch', ({ from }) => from === 1))
    return cluster
  }
  const seen = bounceEverywhere(begin, () => diskWith(1, 1))
  assert.ok(seen > 0, 'the tail was served in some of the ways')
})

test('a tail of the present reign is not lost with a bounced follower', () => {
  const begin = () => {
    const cluster = new Cluster([1, 2, 3])
    for (const sid of [2, 3]) cluster.start(sid)
    runUntil(cluster, () => cluster.leader?.sid === 3)
    cluster.settle()
    cluster.propose(3, 'head')
    cluster.settle()
    cluster.slowDisks.add(2)
    cluster.propose(3, 'tail')
    cluster.settle()
    assert.deepEqual(cluster.peer(3).texts, ['head'], 'the tail is not committed')
    cluster.start(1)
    return cluster
  }
  const seen = bounceEverywhere(begin, cluster => cluster.crash(2))
  assert.ok(seen > 0, 'the tail was served in some of the ways')
})
