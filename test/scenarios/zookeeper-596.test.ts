/**
 * ZOOKEEPER-596 and 2332: the last zxid was read from a log whose last record was corrupt, so a server claimed, and
 * voted with, what it did not have. And a log file that was created but still empty when the server died kept it from
 * starting.
 *
 * Here every byte of every record that a store keeps is spoilt in turn: either the store says that something is
 * damaged, or what it comes back with is exactly what was there. And the empty files that a crash leaves right after a
 * start keep nobody from starting again.
 */

import assert from 'node:assert/strict'
import { cp, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { TreeError } from '../../lib/base/errors.ts'
import type { Recovered } from '../../lib/storage/store.ts'
import {
  batch,
  epochs,
  LogMaker,
  openLevel,
  recover,
  segmentOf,
  session,
  takeSnapshot,
  textsOf,
} from '../storage/support.ts'
import { endOfData } from '../support/end-of-data.ts'
import { temporaryDirectory } from '../temporary.ts'
import { copy, MapDatabase, openFresh, Shelf } from './map-database.ts'

type Found = Recovered & { readonly chunks: readonly string[] }

/** What a peer builds on; of how much of it is committed it may know less, and of snapshots it may use another. */
function essence({ chunks, groups, epochs: found, fresh, snapshot }: Found): object {
  const before = chunks.join('').split(';').slice(0, -1)
  const last = groups.at(-1)?.last ?? snapshot?.point.zxid
  return { texts: [...before, ...(textsOf(groups) ?? [])], epochs: found, fresh, last }
}

async function record(t: Parameters<typeof openFresh>[0]): Promise<MapDatabase> {
  const database = new MapDatabase()
  const log = new LogMaker()
  const store = await openFresh(t, database)
  await recover(store)
  await store.write(batch({ groups: log.many(2), epochs: epochs(1) }))
  await takeSnapshot(store, log.point, 'full', 'group-0;', 'group-1;')
  await store.write(batch({ groups: log.many(2, 'more'), epochs: epochs(2, 1) }))
  await takeSnapshot(store, log.point, 'delta', 'more-0;more-1;')
  await store.write(batch({ groups: log.many(2, 'last'), epochs: epochs(2, 1) }))
  await store.close()
  return database.after(database.journal.length)
}

test('whichever byte is spoilt, it is told or it does not matter', async t => {
  const sound = await record(t)
  const shelf = await Shelf.make(t)
  const open = async (database: MapDatabase): Promise<Found | undefined> => {
    try {
      const store = await shelf.open(database)
      const found = await recover(store)
      await store.close()
      return found
    } catch (error) {
      assert.ok(error instanceof TreeError, `a failure with a code, not ${error}`)
      return undefined
    }
  }
  const whole = await open(sound.after(0))
  assert.ok(whole !== undefined && whole.damage === undefined)
  const counts = { told: 0, harmless: 0 }
  for (const [name, value] of sound.contents) {
    for (let at = 0; at < value.length; at++) {
      const spoilt = sound.after(0)
      const flipped = copy(value)
      flipped[at]! ^= 1 << (at % 8)
      spoilt.contents.set(name, flipped)
      const found = await open(spoilt)
      if (found === undefined || found.damage !== undefined) {
        counts.told++
        continue
      }
      assert.deepEqual(essence(found), essence(whole), `byte ${at} of ${name}`)
      assert.ok(found.committed <= whole.committed, `byte ${at} of ${name}`)
      counts.harmless++
    }
  }
  const { told, harmless } = counts
  assert.ok(told > 100 && harmless > 100, `${told} told, ${harmless} harmless`)
})

test('a log file that is still empty keeps nobody from starting', async t => {
  const directory = await temporaryDirectory(t)
  const log = new LogMaker()
  await session(
    () => openLevel(directory),
    store => store.write(batch({ groups: log.many(3) })),
  )
  for (let starts = 1; starts <= 3; starts++) {
    const dead = join(await temporaryDirectory(t), 'dead')
    const store = await openLevel(directory)
    // As the disk looks when the process dies now: LevelDB has begun a new log and written nothing to it.
    await cp(directory, dead, { recursive: true })
    await store.close()
    const place = await segmentOf(dead)
    const names = (await readdir(place)).filter(name => name.endsWith('.log'))
    const ends = await Promise.all(names.map(name => readFile(join(place, name)).then(endOfData)))
    assert.ok(ends.includes(0), 'there is a log with nothing in it')
    await session(
      () => openLevel(dead),
      async (again, { groups, damage }) => {
        assert.equal(damage, undefined)
        assert.deepEqual(textsOf(groups), ['group-0', 'group-1', 'group-2'])
        await again.write(batch({ groups: [new LogMaker(log.point).next('next')] }))
      },
    )
  }
})
