/**
 * ZOOKEEPER-3911: a follower that was being synchronised by DIFF acknowledged NEWLEADER while the proposals of the DIFF
 * were in its memory only. The leader took a quorum of such acknowledgements for a quorum of logs, served clients from
 * them, and when those followers died before their first flush, a later quorum knew nothing of what clients had read.
 *
 * Here NEWLEADER is acknowledged by the write that holds the log. So both followers may die at any moment, with the
 * write under way on their disk or not, and the old leader may be gone for ever: what anybody saw stays.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cluster } from '../zab/cluster.ts'
import { diskWith } from '../zab/disks.ts'
import { explore } from './explore.ts'
import { die, findTogether, hasSent, runUntil, stepsOf, Walk, Witness } from './zab-steps.ts'

/** Peer 3 leads, with a log that 1 and 2 do not have, and everybody has told it so. */
function aboutToSynchronize(): Cluster {
  const cluster = new Cluster([1, 2, 3])
  for (const sid of [1, 2]) cluster.start(sid)
  cluster.start(3, diskWith(1, 3))
  runUntil(cluster, () => [1, 2].every(sid => hasSent(cluster, 'newLeader', to(sid))))
  return cluster
}

function to(sid: number): (sent: { readonly to: number }) => boolean {
  return sent => sent.to === sid
}

test('followers that die after they acknowledged NEWLEADER still have what was read', () => {
  let read = 0
  explore(choose => {
    const cluster = aboutToSynchronize()
    const witness = new Witness(cluster)
    const walk = new Walk(choose)
    for (;;) {
      const step = walk.pick(stepsOf(cluster, 'frame'), true)
      if (step === undefined) break
      step.take()
      witness.look()
    }
    if (cluster.peer(3).texts.length > 0) read++
    cluster.crash(3)
    const disks = [1, 2].map(sid => die(cluster, sid, choose))
    for (const [at, disk] of disks.entries()) cluster.start(at + 1, disk)
    findTogether(cluster)
    witness.assertKept()
  })
  assert.ok(read > 0, 'the leader did serve in some of the ways')
})
