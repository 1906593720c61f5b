/**
 * ZOOKEEPER-1154, 1156, 1489 and 3701: a follower was told to cut its log, and the cut was missed, went too far, or
 * was followed by appends at the place where the log had ended before. With a full disk it failed without anybody
 * noticing, and two servers went on from different logs.
 *
 * Here a cut is one synced write together with what follows it. A crash leaves the old log or the new one, whole; if
 * the write fails, the peer is at its end, has acknowledged nothing, and still has its old log.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Group, LOG_START, pointOf } from '../../lib/base/group.ts'
import { makeEpoch, makeZxid } from '../../lib/base/zxid.ts'
import { batch, epochs, recover } from '../storage/support.ts'
import { makeTxnGroups, proposal } from './follower.ts'
import { MapDatabase, openFresh, Shelf } from './map-database.ts'
import { StoredFollower } from './stored-follower.ts'

const OLD = makeTxnGroups(5, 1)
const OLD_EPOCHS = epochs(1)
const NEW_EPOCH = makeEpoch(6)

/** Every length at which the old log can be cut, and what follows the cut. */
function cases(): { readonly kept: readonly Group[]; readonly added: readonly Group[] }[] {
  return OLD.flatMap((_, length) =>
    [0, 2].map(count => {
      const kept = OLD.slice(0, length)
      const last = kept.at(-1)
      const join = last === undefined ? LOG_START : pointOf(last)
      return { kept, added: makeTxnGroups(count, 5, join) }
    }),
  )
}

function chains(groups: readonly Group[]): number[] {
  return groups.map(({ chain }) => chain)
}

async function withOldLog(t: Parameters<typeof openFresh>[0]): Promise<MapDatabase> {
  const database = new MapDatabase()
  const store = await openFresh(t, database)
  await recover(store)
  for (const group of OLD) await store.write(batch({ epochs: OLD_EPOCHS, groups: [group] }))
  await store.close()
  return database.after(database.journal.length)
}

test('a crash in a cut leaves the old log or the new one', async t => {
  const old = await withOldLog(t)
  const shelf = await Shelf.make(t)
  for (const { kept, added } of cases()) {
    const database = old.after(0)
    const store = await shelf.open(database, { durability: 'power' })
    await recover(store)
    const last = kept.at(-1)
    const truncateAfter = last === undefined ? LOG_START : pointOf(last)
    await store.write(batch({ epochs: epochs(6), truncateAfter, groups: added }))
    assert.equal(database.safe, database.journal.length, 'it is synced when it is done')
    const writes = database.journal.length
    const next = makeTxnGroups(1, 6, pointOf(added.at(-1) ?? last ?? OLD[0]!))
    const isWhole = added.length > 0 || last !== undefined
    if (isWhole) await store.write(batch({ epochs: epochs(6), groups: next }))
    await store.close()
    for (let count = 0; count <= database.journal.length; count++) {
      const again = await shelf.open(database.after(count))
      const { groups, damage, epochs: kept2 } = await recover(again)
      assert.equal(damage, undefined)
      const expected =
        count < writes ? OLD : [...kept, ...added, ...(count > writes && isWhole ? next : [])]
      assert.deepEqual(chains(groups), chains(expected), `${kept.length} kept, ${count} writes`)
      assert.deepEqual(kept2, count < writes ? OLD_EPOCHS : epochs(6))
      await again.close()
    }
  }
})

test('a follower whose disk refuses the cut is at its end, and its log is the old one', async t => {
  const old = await withOldLog(t)
  const shelf = await Shelf.make(t)
  for (const { kept, added } of cases()) {
    const database = old.after(0)
    const store = await shelf.open(database, { durability: 'power' })
    const follower = await StoredFollower.begin(store)
    await follower.follow(NEW_EPOCH - 1, makeZxid(makeEpoch(5), 9))
    const last = kept.at(-1)
    const join = last === undefined ? LOG_START : pointOf(last)
    database.failsAt = () => true
    follower.says({ kind: 'trunc', join }, ...added.map(proposal), {
      kind: 'newLeader',
      zxid: makeZxid(NEW_EPOCH, 0),
    })
    await follower.until(() => follower.failure !== undefined || follower.hasSent('ack'))
    assert.ok(!follower.hasSent('ack'), 'nothing is acknowledged')
    assert.ok(follower.failure)
    await store.close()
    const again = await shelf.open(database.after(database.journal.length))
    const { groups, damage, epochs: found } = await recover(again)
    assert.equal(damage, undefined)
    assert.deepEqual(chains(groups), chains(OLD))
    assert.deepEqual(found, { acceptedEpoch: NEW_EPOCH, currentEpoch: OLD_EPOCHS.currentEpoch })
    await again.close()
  }
})
