/** A little chaos in every run of the tests, and that what is wrong would be told. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openEnsemble } from '../../lib/index.ts'
import { temporaryDirectory } from '../temporary.ts'
import { Campaign } from './campaign.ts'
import { Counters } from './counters.ts'
import { differences, dumpTree } from './dump.ts'
import { comeToRest } from './rest.ts'
import { Watchtower } from './watchtower.ts'

const ROUNDS = 3

test('a short campaign does harm and finds nothing', async t => {
  const counters = new Counters()
  const campaign = new Campaign({
    ...{ directory: await temporaryDirectory(t), seed: 11, voters: 3, observers: 1, counters },
    ...{ durability: 'process', roundMs: [1_000, 2_000] },
  })
  t.after(() => campaign.close())
  for (let round = 0; round < ROUNDS; round++) {
    const { problems } = await campaign.round()
    assert.deepEqual(problems, [])
  }
  const faults = ['kill: ', 'pause: ', 'cut: ', 'delay: '].map(name => counters.total(name))
  assert.ok(faults.filter(count => count > 0).length >= 3, `too little harm: ${faults}`)
  assert.ok(counters.total('operation: ') > 100)
})

test('an ensemble that does not come to rest is told of', async t => {
  const ensemble = await openEnsemble({ peers: 3, durability: 'memory' })
  t.after(() => ensemble.close())
  const tower = new Watchtower(ensemble)
  await ensemble.faults.isolate(1)
  // Until it has missed its leader for syncLimit, it serves, and has all that there is: that is rest.
  while (tower.role(1) !== 'looking') await sleep(5)
  const { problem } = await comeToRest(ensemble, tower, 60)
  assert.match(problem ?? '', /after \d+ ms and 60 ticks: .*peer 1 /)
  await ensemble.faults.heal()
  assert.equal((await comeToRest(ensemble, tower)).problem, undefined)
})

test('what two dumps of a tree have otherwise is told', async t => {
  const ensemble = await openEnsemble({ peers: 1, durability: 'memory' })
  t.after(() => ensemble.close())
  const tree = await ensemble.connect()
  tree.create('/same/below', 'x', { parents: true })
  tree.create('/lost', 'x')
  tree.create('/changed', 'x')
  const before = await dumpTree(tree)
  assert.deepEqual(differences(before, await dumpTree(tree)), [])
  tree.delete('/lost')
  tree.set('/changed', 'y')
  const found = differences(before, await dumpTree(tree)).map(each => each.split(':')[0])
  assert.deepEqual(found.sort(), ['/', '/changed', '/lost'])
})
