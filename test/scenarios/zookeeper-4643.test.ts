/**
 * ZOOKEEPER-4643: a follower wrote its currentEpoch file before the transactions of the synchronisation. When it died
 * in between, it came back with the higher epoch and the shorter log, won the next election by the epoch, and had the
 * others cut off what they had committed.
 *
 * Here the epoch stands in the batch that holds the log it vouches for. A follower may die at each step of its
 * synchronisation: it never wins against a longer log, and its disk never shows an epoch without the log.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cluster } from '../zab/cluster.ts'
import { diskWith, emptyDisk } from '../zab/disks.ts'
import { explore } from './explore.ts'
import { die, findTogether, stepsOf, Walk, Witness } from './zab-steps.ts'

const COMMITTED = 3
/** The epoch that begins when the lagging follower comes. */
const NEXT_EPOCH = 2

test('a follower that dies anywhere in its synchronisation does not win with a shorter log', () => {
  let entered = 0
  explore(choose => {
    const cluster = new Cluster([1, 2, 3])
    const witness = new Witness(cluster)
    const log = diskWith(1, COMMITTED)
    // 2 and 3 are a quorum: all of their log is committed.
    witness.remember(log.groups)
    const lagging = emptyDisk()
    cluster.start(1, lagging)
    cluster.start(3, log)
    const walk = new Walk(choose)
    for (;;) {
      const step = walk.pick(stepsOf(cluster, 'message'), true)
      if (step === undefined) break
      step.take()
      const { epochs, groups } = lagging
      if (epochs.currentEpoch < NEXT_EPOCH) continue
      assert.equal(groups.length, COMMITTED, 'the epoch is not on disk without the log')
    }
    if (lagging.epochs.currentEpoch === NEXT_EPOCH) entered++
    cluster.crash(3)
    cluster.start(1, die(cluster, 1, choose))
    cluster.start(2, diskWith(1, COMMITTED))
    findTogether(cluster)
    witness.assertKept()
  })
  assert.ok(entered > 0, 'in some of the ways it had entered the epoch')
})
