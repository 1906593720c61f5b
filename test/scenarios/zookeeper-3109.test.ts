/**
 * ZOOKEEPER-3109: a voter that had helped to elect a leader changed its mind in the last moment. The leader it left did
 * not notice, went on waiting for its quorum as long as its patience lasted, and the ensemble was without a leader for
 * all that time. ZOOKEEPER-1818 was a relative: a server that came back did not join a leader that all others followed,
 * because the zxids and epochs in their votes were of different moments.
 *
 * Here an election ends within a few ticks whatever single thing goes wrong at any step of it, and whoever comes back
 * joins the leader that is there at once.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FINALIZE_WAIT_TICKS, NOTIFY_TICKS_MIN } from '../../lib/base/limits.ts'
import { Cluster } from '../zab/cluster.ts'
import { diskWith } from '../zab/disks.ts'

/** Two waits for a better vote, and a repeated notification; far from any patience. */
const TICKS_MAX = 2 * FINALIZE_WAIT_TICKS + NOTIFY_TICKS_MIN + 2

function starting(voters: readonly number[], up = voters): Cluster {
  const cluster = new Cluster(voters)
  // Logs of different lengths: the best is neither the first nor the last to speak.
  for (const sid of up) cluster.start(sid, diskWith(1, sid === 2 ? 2 : 1))
  return cluster
}

/** Takes so many steps of the usual way; false when it is at its end. */
function advance(cluster: Cluster, steps: number): boolean {
  for (let step = 0; step < steps; step++) {
    if (cluster.deliverOne()) continue
    const writer = [...cluster.peers.values()].find(({ persist }) => persist !== undefined)
    if (writer === undefined) return false
    cluster.finishWrite(writer.sid)
  }
  return true
}

interface Fault {
  readonly name: string
  /** Applies to each peer, or each pair of peers. */
  readonly ends: 1 | 2
  /** Nothing is missing afterwards, so that a bare quorum can go on. */
  readonly isOver: boolean
  readonly happen: (cluster: Cluster, a: number, b: number) => void
}

const FAULTS: readonly Fault[] = [
  { name: 'a peer dies', ends: 1, isOver: false, happen: (cluster, a) => void cluster.crash(a) },
  {
    name: 'a peer dies and is back at once',
    ends: 1,
    isOver: true,
    happen: (cluster, a) => void cluster.start(a, cluster.crash(a)),
  },
  { name: 'a link breaks', ends: 2, isOver: false, happen: (cluster, a, b) => cluster.cut(a, b) },
  {
    name: 'a link breaks and is back at once',
    ends: 2,
    isOver: true,
    happen: (cluster, a, b) => {
      cluster.cut(a, b)
      cluster.link(a, b)
    },
  },
]

function casesOf(voters: readonly number[], ends: 1 | 2): (readonly [number, number])[] {
  if (ends === 1) return voters.map(sid => [sid, sid])
  return voters.flatMap(a => voters.filter(b => b > a).map(b => [a, b] as const))
}

/** The most ticks it takes to a leader, whatever peers are struck and whenever. */
function worstOf(voters: readonly number[], up: readonly number[], fault: Fault): number {
  let worst = 0
  for (const [a, b] of casesOf(up, fault.ends)) {
    for (let steps = 0; ; steps++) {
      const cluster = starting(voters, up)
      if (!advance(cluster, steps)) break
      fault.happen(cluster, a, b)
      cluster.settle()
      const ticks = cluster.ticksToLeader(TICKS_MAX)
      assert.ok(ticks <= TICKS_MAX, `no leader after step ${steps} and ${a}, ${b}`)
      worst = Math.max(worst, ticks)
    }
  }
  return worst
}

for (const voters of [
  [1, 2, 3],
  [1, 2, 3, 4, 5],
]) {
  for (const fault of FAULTS) {
    test(`${voters.length} voters: ${fault.name} at any step of an election`, () => {
      assert.ok(worstOf(voters, voters, fault) <= TICKS_MAX)
    })
    if (!fault.isOver) continue
    test(`just a quorum of ${voters.length}: ${fault.name} at any step of an election`, () => {
      const up = voters.slice(0, Math.floor(voters.length / 2) + 1)
      assert.ok(worstOf(voters, up, fault) <= TICKS_MAX)
    })
  }
}

test('who comes back joins the leader that is there, though no two votes are of one moment', () => {
  const cluster = starting([1, 2, 3])
  cluster.settle()
  assert.equal(cluster.leader?.sid, 2)
  // Further rounds and epochs, which the one that is away does not hear of.
  const away = cluster.crash(1)
  for (let reigns = 0; reigns < 3; reigns++) {
    cluster.cut(2, 3)
    cluster.link(2, 3)
    cluster.settle()
    cluster.tick(FINALIZE_WAIT_TICKS)
    assert.ok(cluster.leader)
  }
  const { sid } = cluster.leader!
  const follower = 5 - sid
  cluster.propose(sid, 'on its way')
  cluster.start(1, away)
  const { view } = cluster.peer(sid).zab
  assert.notEqual(cluster.peer(follower).zab.view.last, view.last, 'the follower has not heard it')
  while (cluster.deliverOne(({ from, to }) => from === 1 || to === 1));
  assert.equal(cluster.peer(1).zab.view.leader, sid, 'without a tick')
})
