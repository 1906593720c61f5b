/**
 * ZOOKEEPER-4685: a follower's disk thread acknowledged a proposal before the follower's main thread had acknowledged
 * NEWLEADER. The leader took the first acknowledgement for an error of the protocol and gave up its reign.
 *
 * Here acknowledgements are cumulative, and one that reaches beyond NEWLEADER acknowledges it as well. However the
 * proposals of a busy leader mingle with the synchronisation of a follower, the reign goes on and nobody is sent away.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cluster } from '../zab/cluster.ts'
import { explore } from './explore.ts'
import { runUntil, type Step, stepsOf, Walk } from './zab-steps.ts'

const PROPOSALS = 2

/** 3 leads 2, and 1 has come and accepted the epoch. */
function aboutToJoin(): Cluster {
  const cluster = new Cluster([1, 2, 3])
  cluster.start(2)
  cluster.start(3)
  runUntil(cluster, () => cluster.leader?.sid === 3)
  cluster.settle()
  cluster.propose(3, 'before')
  cluster.settle()
  cluster.start(1)
  runUntil(cluster, () => cluster.kinds(1, 3).includes('ackEpoch'))
  return cluster
}

for (const portion of ['frame', 'message'] as const) {
  test(`a busy leader takes in a follower, ${portion} by ${portion}`, () => {
    let jumped = 0
    explore(choose => {
      const cluster = aboutToJoin()
      const { reign } = cluster.peer(3).zab.view
      let proposed = 0
      const propose: Step = {
        name: 'propose',
        peer: 3,
        depends: [3],
        take: () => cluster.propose(3, `during ${++proposed}`),
      }
      const walk = new Walk(choose)
      for (;;) {
        // Only the order of what concerns the newcomer is in question.
        for (const step of stepsOf(cluster, portion)) if (!step.name.includes('1')) step.take()
        const steps = stepsOf(cluster, portion).filter(({ name }) => name.includes('1'))
        if (proposed < PROPOSALS) steps.push(propose)
        const step = walk.pick(steps)
        if (step === undefined) break
        step.take()
      }
      cluster.settle()
      assert.equal(cluster.peer(3).zab.view.reign, reign, 'the reign goes on')
      assert.ok(!cluster.kinds(3, 1).includes('dismiss'), 'nobody is sent away')
      assert.ok(cluster.peer(1).zab.view.serving)
      assert.deepEqual(cluster.peer(1).texts, cluster.peer(3).texts)
      const acks = cluster.log.filter(({ from, message }) => from === 1 && message.kind === 'ack')
      const [first] = acks
      if (first?.message.kind === 'ack' && first.message.zxid % 2 ** 32 > 1) jumped++
    })
    if (portion === 'frame') assert.ok(jumped > 0, 'some first acknowledgements were of proposals')
  })
}
