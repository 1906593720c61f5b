/** Behind the end of a log there is room, and whatever becomes of it, the log holds what was written. */

import assert from 'node:assert/strict'
import { mkdir, readFile, rename, rmdir, stat, truncate, writeFile } from 'node:fs/promises'
import { type TestContext, test } from 'node:test'
import { pointOf } from '../../lib/base/group.ts'
import type { StoreOptions } from '../../lib/storage/open.ts'
import type { Store } from '../../lib/storage/store.ts'
import { temporaryDirectory } from '../temporary.ts'
import {
  batch,
  copyOf,
  LogMaker,
  levelLogOf,
  NO_IMAGE,
  openLevel,
  partsOf,
  readLevelLog,
  recover,
  session,
  takeSnapshot,
  textsOf,
} from './support.ts'

const MIB = 1024 * 1024
const WINDOWS = process.platform === 'win32' && 'LevelDB has its files for itself there'

interface Bed {
  readonly directory: string
  readonly log: LogMaker
  readonly store: Store
}

async function openNew(t: TestContext, options: Partial<StoreOptions> = {}): Promise<Bed> {
  const directory = await temporaryDirectory(t)
  const store = await openLevel(directory, options)
  await recover(store)
  return { directory, log: new LogMaker(), store }
}

async function lookAt(directory: string): Promise<{ size: number; end: number }> {
  const { size } = await stat(await levelLogOf(directory))
  return { size, end: (await readLevelLog(directory)).length }
}

/** Writes `count` groups of so many bytes, written one after the other. */
async function writeMany(store: Store, log: LogMaker, count: number, bytes: number): Promise<void> {
  for (const group of log.many(count, 'group', bytes)) {
    await store.write(batch({ groups: [group] }))
  }
}

async function assertHolds(directory: string, log: LogMaker): Promise<void> {
  await session(
    () => openLevel(directory),
    async (_, { groups, damage }) => {
      assert.equal(damage, undefined)
      assert.deepEqual(groups.map(pointOf), log.made.map(pointOf))
    },
  )
}

test('a log does not grow with what is written to it', { skip: WINDOWS }, async t => {
  const { directory, log, store } = await openNew(t)
  const before = await lookAt(directory)
  assert.ok(before.size >= MIB && before.end < 4096)
  await writeMany(store, log, 30, 100)
  const after = await lookAt(directory)
  assert.equal(after.size, before.size)
  assert.ok(after.end > before.end + 3000)
  await assertHolds(await copyOf(t, directory), log)
  await store.close()
  await assertHolds(directory, log)
})

test('much of the room is used before there is more, however small what is written', {
  skip: WINDOWS,
}, async t => {
  const { directory, log, store } = await openNew(t)
  const { size } = await lookAt(directory)
  const path = await levelLogOf(directory)
  while ((await stat(path)).size === size) {
    await store.write(batch({ groups: log.many(20, 'group', 10) }))
  }
  const { end } = await lookAt(directory)
  assert.ok(end > 0.9 * MIB && end < size)
  await store.close()
})

test('there is more room before it is used up', { skip: WINDOWS }, async t => {
  const { directory, log, store } = await openNew(t)
  for (let step = 0; step < 25; step++) {
    await writeMany(store, log, 70, 1_500)
    const { size, end } = await lookAt(directory)
    assert.ok(size > end, `room behind ${end} bytes`)
    assert.ok(size < end + 2 * MIB, `no more than needed behind ${end} bytes`)
  }
  await store.close()
  await assertHolds(directory, log)
})

test('large writes have no room, and small ones again', { skip: WINDOWS }, async t => {
  const { directory, log, store } = await openNew(t)
  await writeMany(store, log, 130, 30_000)
  const { size, end } = await lookAt(directory)
  assert.equal(size, end)
  await writeMany(store, log, 130, 100)
  const after = await lookAt(directory)
  assert.ok(after.size > after.end)
  await store.close()
  await assertHolds(directory, log)
})

test('a large write now and then changes nothing for small ones', { skip: WINDOWS }, async t => {
  const { directory, log, store } = await openNew(t)
  for (let round = 0; round < 7; round++) {
    await writeMany(store, log, 1, 200_000)
    await writeMany(store, log, 63, 100)
  }
  const { size, end } = await lookAt(directory)
  assert.ok(size > end)
  await store.close()
})

test('a log that has outgrown its room is not cut', { skip: WINDOWS }, async t => {
  const { directory, log, store } = await openNew(t)
  await writeMany(store, log, 1, 30 * MIB)
  await writeMany(store, log, 9, 100)
  const { size, end } = await lookAt(directory)
  assert.ok(size < end + 2 * MIB, 'nor does it get the room that was missing afterwards')
  await store.close()
  await assertHolds(directory, log)
})

test('room that could not be made once is made later', { skip: WINDOWS }, async t => {
  const { directory, log, store } = await openNew(t)
  const path = await levelLogOf(directory)
  const { size } = await lookAt(directory)
  await rename(path, `${path}.away`)
  await mkdir(path)
  await writeMany(store, log, 1, 0.96 * MIB)
  await rmdir(path)
  await rename(`${path}.away`, path)
  assert.equal((await lookAt(directory)).size, size)
  await writeMany(store, log, 750, 1_500)
  const after = await lookAt(directory)
  assert.ok(after.size > after.end)
  await store.close()
  await assertHolds(directory, log)
})

test('the next segment has room of its own', { skip: WINDOWS }, async t => {
  const { directory, log, store } = await openNew(t, { segmentBytes: 0 })
  await writeMany(store, log, 3, 100)
  await takeSnapshot(store, log.point, 'full', 'everything')
  assert.equal((await partsOf(directory, 'log')).length, 2)
  await writeMany(store, log, 3, 100)
  const { size, end } = await lookAt(directory)
  assert.ok(size > end)
  await store.close()
})

test('without room a log grows by itself', { skip: WINDOWS }, async t => {
  const { directory, log, store } = await openNew(t)
  await writeMany(store, log, 3, 100)
  const path = await levelLogOf(directory)
  await truncate(path, (await lookAt(directory)).end)
  await writeMany(store, log, 750, 1_500)
  await store.close()
  await assertHolds(directory, log)
})

test('a write of which the disk got only some blocks never happened', async t => {
  const { directory, log, store } = await openNew(t)
  await writeMany(store, log, 3, 100)
  // As it is at a power cut: the note knows of nothing that was not acknowledged.
  const before = await copyOf(t, directory)
  const { end: start } = await lookAt(directory)
  await writeMany(store, log, 1, 150_000)
  const { end } = await lookAt(directory)
  const torn = await readFile(await levelLogOf(directory))
  await store.close()
  for (const [from, to] of [
    [start, end],
    [start, start + 40_000],
    [start + 40_000, end],
    [start + 40_000, start + 80_000],
    [end - 4096, end],
  ] as const) {
    const bytes = Buffer.from(torn)
    bytes.fill(0, from, to)
    const copy = await copyOf(t, before)
    await writeFile(await levelLogOf(copy), bytes)
    const again = await openLevel(copy)
    const { groups, damage } = await again.recover(NO_IMAGE)
    assert.equal(damage, undefined, `zeros from ${from} to ${to}`)
    assert.equal(groups.length, 3)
    const next = new LogMaker(pointOf(groups[2]!))
    await again.write(batch({ groups: [next.next('next')] }))
    await again.close()
    await session(
      () => openLevel(copy),
      async (_, found) => assert.equal(textsOf(found.groups)?.at(-1), 'next'),
    )
  }
})

test('only a log that is synced has room', async t => {
  const { directory, store } = await openNew(t, { durability: 'process' })
  assert.ok((await lookAt(directory)).size < 4096)
  await store.close()
})
