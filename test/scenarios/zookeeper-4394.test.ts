/**
 * ZOOKEEPER-4394 and 3023: between NEWLEADER and UPTODATE a follower had already handed the proposals of its
 * synchronisation on, so the COMMIT of one of them found an empty queue: the follower crashed, came back, and crashed
 * again. Before that was mended, the proposals of a DIFF were logged and committed only after NEWLEADER was
 * acknowledged.
 *
 * Here one stream of a synchronisation is told in every division into turns, with the disk done at every moment: each
 * proposal is delivered once, in order, the follower stays, and what NEWLEADER vouches for is on disk when that is
 * said.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Group, LOG_START } from '../../lib/base/group.ts'
import { explore } from './explore.ts'
import { commit, Follower, makeGroups, NEW_LEADER, proposal, UP_TO_DATE } from './follower.ts'

const [p1, p2, p3] = makeGroups(3, 5) as [Group, Group, Group]

/** The commit of P2 comes before UPTODATE, and P3 meanwhile. */
const STREAMS = [
  [commit(p2), proposal(p3), UP_TO_DATE, commit(p3)],
  [proposal(p3), commit(p2), UP_TO_DATE, commit(p3)],
  [proposal(p3), commit(p2), commit(p3), UP_TO_DATE],
  [commit(p2), UP_TO_DATE, proposal(p3), commit(p3)],
  [UP_TO_DATE, commit(p2), proposal(p3), commit(p3)],
]

for (const [at, after] of STREAMS.entries()) {
  test(`commits around NEWLEADER and UPTODATE, stream ${at + 1}`, () => {
    explore(choose => {
      const follower = new Follower()
      const stream = [
        { kind: 'diff', join: LOG_START } as const,
        proposal(p1),
        commit(p1),
        proposal(p2),
        NEW_LEADER,
        ...after,
      ]
      const { delivered, zab, disk } = follower.peer
      let acked = false
      while (stream.length > 0 || follower.peer.persist !== undefined) {
        const isNext = stream.length > 0 && (acked || stream[0] !== UP_TO_DATE)
        const mayFinish = follower.peer.persist !== undefined
        if (isNext && (!mayFinish || choose(2) === 0)) {
          follower.says(stream.shift()!)
          if (choose(2) === 0) follower.endTurn()
        } else if (mayFinish) {
          follower.finishWrite()
        } else {
          follower.endTurn()
          assert.ok(follower.peer.persist, 'NEWLEADER is acknowledged in the end')
        }
        if (!acked && follower.hasSent('ack')) {
          acked = true
          const logged = disk.groups.map(({ last }) => last)
          assert.deepEqual(logged.slice(0, 2), [p1.last, p2.last], 'NEWLEADER vouches for a log')
        }
        assert.ok(follower.isFollowing, `it stays: ${zab.lastReason}`)
      }
      follower.endTurn()
      while (follower.peer.persist !== undefined) follower.finishWrite()
      assert.ok(zab.view.serving)
      assert.deepEqual(delivered, [p1, p2, p3])
      assert.deepEqual(disk.groups, [p1, p2, p3])
      assert.equal(follower.acked, p3.last)
    })
  })
}
