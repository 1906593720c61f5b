/**
 * ZOOKEEPER-2872, 2325 and 3231: a synchronisation by snapshot that was interrupted, snapshots that were empty, and a
 * purge that counted snapshots which nobody could read: each left a log whose beginning was gone, and the server went
 * on from an empty tree as if nothing had ever been there.
 *
 * Here a snapshot becomes visible by one record, and what it replaces goes with the same write or later. Whatever
 * prefix of its writes a store is left with, it has what it promised; without a snapshot that can be read and without
 * the beginning of the log it says so.
 */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type LogPoint, pointOf } from '../../lib/base/group.ts'
import { chunkKey } from '../../lib/storage/keys.ts'
import type { Store } from '../../lib/storage/store.ts'
import {
  batch,
  epochs,
  headAt,
  LogMaker,
  readSnapshot,
  recover,
  takeSnapshot,
  textsOf,
} from '../storage/support.ts'
import { MapDatabase, openFresh, Shelf } from './map-database.ts'

/** What is promised once the journal has this length. */
interface Milestone {
  readonly writes: number
  /** All texts from the beginning of time, snapshot and log together. */
  readonly texts: readonly string[]
}

class Recording {
  readonly database = new MapDatabase()
  readonly milestones: Milestone[] = [{ writes: 0, texts: [] }]
  readonly log = new LogMaker()
  epoch = 1
  #texts: readonly string[] = []

  /** After a call that promises something has returned. */
  promise(texts: readonly string[]): void {
    this.#texts = texts
    this.milestones.push({ writes: this.database.safe, texts })
  }

  async append(store: Store, count: number): Promise<void> {
    for (let at = 0; at < count; at++) {
      const text = `group ${this.log.made.length}`
      await store.write(batch({ epochs: epochs(this.epoch), groups: [this.log.next(text)] }))
      this.promise([...this.#texts, text])
    }
  }

  /** A chunk stands for the texts it names. */
  async snapshot(store: Store, kind: 'full' | 'delta', since = 0): Promise<LogPoint> {
    const { point } = this.log
    const chunks = this.#texts.slice(since).map(text => `${text};`)
    return takeSnapshot(store, point, kind, ...chunks)
  }
}

/** Own snapshots of both kinds and their purges, then one of a leader with other contents. */
async function record(t: TestContext): Promise<Recording> {
  const recording = new Recording()
  const { database, log } = recording
  const store = await openFresh(t, database)
  await recover(store)
  await recording.append(store, 2)
  await recording.snapshot(store, 'full')
  await recording.append(store, 2)
  await recording.snapshot(store, 'delta', 2)
  await recording.append(store, 1)
  await recording.snapshot(store, 'full')
  await recording.append(store, 1)
  await recording.snapshot(store, 'full')
  await recording.append(store, 1)
  const foreign = new LogMaker()
  foreign.next('foreign 0', { epoch: 2 })
  foreign.next('foreign 1')
  for (const text of ['foreign 0', 'foreign 1']) await store.stage(Buffer.from(`${text};`))
  const next = new LogMaker(foreign.point).next('foreign 2')
  const install = headAt(foreign.point)
  await store.write(batch({ epochs: epochs(2), install, groups: [next] }))
  recording.promise(['foreign 0', 'foreign 1', 'foreign 2'])
  log.point = pointOf(next)
  recording.epoch = 2
  await recording.append(store, 1)
  await store.close()
  return recording
}

test('whatever prefix of its writes survives, a store has what it promised', async t => {
  const { database, milestones } = await record(t)
  const shelf = await Shelf.make(t)
  const known = milestones.map(({ texts }) => texts.join())
  assert.ok(database.journal.length > 30, 'there are enough writes to be cut short at')
  for (let count = 1; count <= database.journal.length; count++) {
    const store = await shelf.open(database.after(count))
    const recovered = await recover(store)
    assert.equal(recovered.damage, undefined, `after ${count} writes`)
    const before = recovered.chunks.join('').split(';').slice(0, -1)
    const texts = [...before, ...(textsOf(recovered.groups) ?? [])].join()
    const promised = milestones.filter(({ writes }) => writes <= count).length - 1
    const found = known.lastIndexOf(texts)
    assert.ok(found >= promised, `after ${count} writes there is '${texts}'`)
    // What is left of the interruption is in nobody's way.
    const last = recovered.groups.at(-1)
    const end = last === undefined ? recovered.snapshot?.point : pointOf(last)
    const more = new LogMaker(end).next('more')
    const entered = recovered.epochs.currentEpoch === 0 ? epochs(1) : recovered.epochs
    await store.write(batch({ epochs: entered, groups: [more] }))
    await store.close()
  }
})

test('a log without its beginning is told, and not taken for a whole one', async t => {
  const { database } = await record(t)
  const shelf = await Shelf.make(t)
  const chunks = [...database.contents.keys()].filter(name => name.startsWith('73'))
  assert.ok(chunks.length > 0, 'there are chunks')
  for (const spoil of ['missing', 'empty'] as const) {
    const spoilt = database.after(database.journal.length)
    for (const name of chunks) {
      if (spoil === 'missing') spoilt.contents.delete(name)
      else spoilt.contents.set(name, new Uint8Array(0))
    }
    const store = await shelf.open(spoilt)
    const { damage, groups } = await recover(store)
    assert.notEqual(damage, undefined, `with every chunk ${spoil}`)
    assert.deepEqual(groups, [])
    await store.close()
  }
})

test('a purge counts only snapshots that can be read', async t => {
  const recording = new Recording()
  const { database } = recording
  const store = await openFresh(t, database)
  await recover(store)
  // The second snapshot is found unreadable, then the third.
  for (const id of [1, 2, 3]) {
    await recording.append(store, 1)
    await recording.snapshot(store, 'full')
    if (id === 1) continue
    const key = Buffer.from(chunkKey(id, 0)).toString('hex')
    assert.ok(database.contents.delete(key))
    assert.equal(await readSnapshot(store), undefined)
  }
  assert.equal((await readSnapshot(store))?.length, 1, 'the first one is still there')
  await recording.append(store, 1)
  await recording.snapshot(store, 'full')
  await store.close()
  // Should the newest be lost, there is still one to go back to, with the log since.
  const key = Buffer.from(chunkKey(4, 0)).toString('hex')
  const spoilt = database.after(database.journal.length)
  assert.ok(spoilt.contents.delete(key))
  for (const id of [2, 3]) spoilt.contents.delete(Buffer.from(chunkKey(id, 0)).toString('hex'))
  const again = await (await Shelf.make(t)).open(spoilt)
  const { damage, chunks, groups } = await recover(again)
  assert.equal(damage, undefined)
  assert.deepEqual(chunks, ['group 0;'])
  assert.deepEqual(textsOf(groups), ['group 1', 'group 2', 'group 3'])
  await again.close()
})
