/**
 * ZOOKEEPER-1277: when the counter in the lower half of the zxid was used up, the next transaction carried over into
 * the epoch. The leader then was in an epoch that nobody had agreed on, and logs no longer told whose transactions
 * they held.
 *
 * Here a reign ends with its counter. Clients write through the end of many short reigns: each is followed by an
 * election and a later epoch, every write is done and answered once, and a leader that dies at any step around the end
 * changes nothing about that. What has its place by zxid keeps it at the very edge of 32 bits.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pointOf } from '../../lib/base/group.ts'
import { counterOf, epochOf, makeEpoch, makeZxid, type Zxid } from '../../lib/base/zxid.ts'
import { create, set } from '../replica/support.ts'
import { batch, epochs, headAt, LogMaker, openLevel, session, textsOf } from '../storage/support.ts'
import { temporaryDirectory } from '../temporary.ts'
import { Cluster } from '../zab/cluster.ts'
import { diskWith } from '../zab/disks.ts'
import type { HandClient } from './hand-client.ts'
import { HandEnsemble } from './hand-ensemble.ts'
import { findTogether } from './zab-steps.ts'

function joinAll(ensemble: HandEnsemble): HandClient[] {
  const clients = [1, 2, 3].map(sid => ensemble.join(`c${sid}`, sid))
  ensemble.findTogether()
  return clients
}

/** Every write of every client was done once, in its order, and is told so. */
function assertOnce(ensemble: HandEnsemble, clients: readonly HandClient[], sets: number): void {
  const zxids = new Set<Zxid>()
  let answers = 0
  for (const { calls, told, name } of clients) {
    const answered = told.flatMap(each => (each.kind === 'answer' ? [each.call] : []))
    assert.deepEqual(answered, calls, `${name} has each answer once, in order`)
    let last = 0
    for (const { reply, request } of calls) {
      assert.ok(reply !== undefined && reply.code === undefined, `${request.kind} is done`)
      assert.ok(reply.zxid > last, 'in the order it was asked for')
      last = reply.zxid
      zxids.add(reply.zxid)
      answers++
    }
  }
  assert.equal(zxids.size, answers, 'no two writes are one transaction')
  const { tree } = ensemble.leader!.core
  assert.equal(tree.node('/a' as Parameters<typeof tree.node>[0])?.version, sets)
  ensemble.assertEqual()
}

for (const counterMax of [1, 2, 3, 7, 15]) {
  test(`reigns of ${counterMax} transactions follow one another`, () => {
    const ensemble = new HandEnsemble({ counterMax })
    const clients = joinAll(ensemble)
    const [first] = clients
    first!.ask(create('/a'))
    first!.pump()
    ensemble.findTogether()
    const begun = ensemble.leader!.core.zab.view.epoch
    const writes = 10
    for (const client of clients) {
      for (let at = 0; at < writes; at++) client.ask(set('/a', `${at}`))
      client.pump()
    }
    ensemble.onTurn = ({ core }) => {
      assert.ok(counterOf(core.tree.zxid) <= counterMax)
      assert.ok(epochOf(core.tree.zxid) <= core.zab.view.epoch, 'no epoch is carried into')
    }
    ensemble.findTogether()
    assertOnce(ensemble, clients, clients.length * writes)
    const reigns = ensemble.leader!.core.zab.view.epoch - begun
    assert.ok(reigns >= Math.floor((clients.length * writes) / counterMax), `${reigns} reigns`)
  })
}

test('a leader that dies at any step around the end of its counter', () => {
  for (let steps = 0; ; steps++) {
    const ensemble = new HandEnsemble({ counterMax: 6 })
    const clients = joinAll(ensemble)
    const [first] = clients
    first!.ask(create('/a'))
    first!.pump()
    ensemble.findTogether()
    for (const client of clients) {
      for (let at = 0; at < 2; at++) client.ask(set('/a', `${at}`))
      client.pump()
    }
    let taken = 0
    while (taken < steps && ensemble.advance()) taken++
    if (taken < steps) break
    const leader = ensemble.leader ?? ensemble.peer(3)
    ensemble.start(leader.sid, ensemble.crash(leader.sid, steps % 2 === 1))
    ensemble.findTogether()
    assertOnce(ensemble, clients, clients.length * 2)
  }
})

test('the next epoch stands after the last counter, in logs and on links', async t => {
  const first = makeZxid(makeEpoch(1), 0xfffffff0)
  const log = new LogMaker({ zxid: first, chain: 7 })
  const base = log.point
  const directory = await temporaryDirectory(t)
  const groups = log.many(15)
  const later = log.next('later', { epoch: 2 })
  await session(
    () => openLevel(directory),
    async store => {
      await store.stage(Buffer.from('image'))
      await store.write(batch({ install: headAt(base), groups }))
      await store.write(batch({ epochs: epochs(2), groups: [later] }))
    },
  )
  assert.equal(groups.at(-1)!.last, 0x1ffffffff)
  await session(
    () => openLevel(directory),
    async (store, recovered) => {
      assert.equal(recovered.damage, undefined)
      assert.deepEqual(textsOf(recovered.groups), [...groups, later].map(nameOf))
      assert.deepEqual(textsOf(await store.loadGroups(pointOf(groups[13]!), 1000)), [
        nameOf(groups[14]!),
        'later',
      ])
    },
  )
})

function nameOf({ payload }: { readonly payload: Uint8Array }): string {
  return Buffer.from(payload).toString()
}

test('who is behind the end of a counter is brought over it', () => {
  const cluster = new Cluster([1, 2, 3])
  for (const sid of [2, 3]) cluster.start(sid, diskWith(1, 1))
  findTogether(cluster)
  const { zab } = cluster.peer(3)
  assert.ok(zab.propose(Buffer.from('many'), 0xfffffff0))
  for (let at = 1; at <= 15; at++) assert.ok(zab.propose(Buffer.from(`${at}`), 1))
  assert.ok(!zab.propose(Buffer.from('one too many'), 1))
  cluster.tick(10)
  const leader = cluster.leader!
  assert.ok(leader.zab.view.epoch > epochOf(leader.zab.view.last), 'a new reign has begun')
  cluster.propose(leader.sid, 'next')
  cluster.settle()
  cluster.start(1, diskWith(1, 1))
  findTogether(cluster)
  assert.equal(cluster.peer(1).texts.at(-1), 'next')
  assert.deepEqual(cluster.peer(1).zab.history.last, leader.zab.history.last)
})
