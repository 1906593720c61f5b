/** The end of a log is remembered outside it: what is lost there is told, and a write that never happened is not. */

import assert from 'node:assert/strict'
import { copyFile, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { logKey } from '../../lib/storage/keys.ts'
import type { Recovered } from '../../lib/storage/store.ts'
import { readMark } from '../../lib/storage/tail-mark.ts'
import { temporaryDirectory } from '../temporary.ts'
import {
  batch,
  copyOf,
  epochs,
  headAt,
  LogMaker,
  levelLogOf,
  NO_IMAGE,
  openLevel,
  pointAfter,
  readLevelLog,
  session,
  textsOf,
  withDatabase,
} from './support.ts'

const MARK = 'quorumtree.tail'

async function reopen(directory: string): Promise<Recovered> {
  return session(
    () => openLevel(directory),
    async (_, recovered) => recovered,
  )
}

/** Two lives that end with a close, `each` groups long. */
async function twoLives(
  t: TestContext,
  each: number,
): Promise<{ directory: string; log: LogMaker }> {
  const directory = await temporaryDirectory(t)
  const log = new LogMaker()
  for (let life = 0; life < 2; life++) {
    await session(
      () => openLevel(directory),
      async store => {
        for (const group of log.many(each)) await store.write(batch({ groups: [group] }))
      },
    )
    if (life === 0) await copyFile(join(directory, MARK), join(directory, `${MARK}.first`))
  }
  return { directory, log }
}

/** As after a crash before the second life's end was noted. */
async function forgetSecondLife(directory: string): Promise<void> {
  await copyFile(join(directory, `${MARK}.first`), join(directory, MARK))
}

test('after a close, whatever is lost at the end of the log is damage', async t => {
  const { directory, log } = await twoLives(t, 15)
  const original = await readLevelLog(directory)
  const whole = textsOf(log.made)
  for (let at = 0; at < original.length; at += 173) {
    for (const spoil of ['cut', 'flip'] as const) {
      const copy = await copyOf(t, directory)
      const bytes = Buffer.from(original)
      bytes[at]! ^= 4
      await writeFile(await levelLogOf(copy), spoil === 'cut' ? bytes.subarray(0, at) : bytes)
      const { damage, groups } = await reopen(copy)
      if (damage === undefined) assert.deepEqual(textsOf(groups), whole, `${spoil} at ${at}`)
    }
  }
  await rm(await levelLogOf(directory))
  assert.match((await reopen(directory)).damage ?? '', /ends at 0x10000000f, though it reached/)
})

test('after a crash, the end of the log may be missing up to where it was noted', async t => {
  const { directory } = await twoLives(t, 10)
  await forgetSecondLife(directory)
  const { length } = await readLevelLog(directory)
  for (let size = 0; size < length; size += 151) {
    const copy = await copyOf(t, directory)
    await truncate(await levelLogOf(copy), size)
    const { damage, groups } = await reopen(copy)
    assert.equal(damage, undefined, `${size} of ${length} bytes`)
    assert.ok(groups.length >= 10)
  }
})

test('an end that was cut off on purpose is not missed', async t => {
  const { directory, log } = await twoLives(t, 5)
  const { last, chain } = log.made[2]!
  const cut = { zxid: last, chain }
  await session(
    () => openLevel(directory),
    store => store.write(batch({ truncateAfter: cut })),
  )
  const recovered = await reopen(directory)
  assert.deepEqual([recovered.damage, recovered.groups.length], [undefined, 3])
  await forgetSecondLife(directory)
  assert.equal((await reopen(directory)).damage, undefined)
})

test('a promise is noted before it is told to anyone', async t => {
  const { directory, log } = await twoLives(t, 3)
  const store = await openLevel(directory)
  t.after(() => store.close())
  await store.recover(NO_IMAGE)
  for (const promise of [epochs(8, 1), epochs(8)]) {
    await store.write(batch({ epochs: promise }))
    const copy = await copyOf(t, directory)
    await rm(await levelLogOf(copy))
    assert.match((await reopen(copy)).damage ?? '', /record of epochs is older/)
  }
  await store.write(batch({ groups: [log.next('new', { epoch: 8 })], epochs: epochs(8) }))
})

test('each change of the meta record notes in it where the log ends', async t => {
  const { directory, log } = await twoLives(t, 3)
  await session(
    () => openLevel(directory),
    store => store.write(batch({ epochs: epochs(2, 1) })),
  )
  await rm(join(directory, MARK))
  await withDatabase(directory, database => database.del(logKey(log.made[5]!.first)))
  assert.match(
    (await reopen(directory)).damage ?? '',
    /ends at 0x100000005, though it reached 0x100000006/,
  )
})

test('a note that cannot be read is damage until a snapshot is installed', async t => {
  const { directory } = await twoLives(t, 3)
  const bytes = await readFile(join(directory, MARK))
  for (const at of [7, 512 + 7]) bytes[at]! ^= 1
  await writeFile(join(directory, MARK), bytes)
  await session(
    () => openLevel(directory),
    async (store, { damage }) => {
      assert.match(damage ?? '', /the note of the log's end cannot be read/)
      await store.stage(Buffer.from('whole'))
      await store.write(batch({ install: headAt(pointAfter(4)) }))
    },
  )
  assert.equal((await reopen(directory)).damage, undefined)
})

test('a lost end stays damage until a snapshot is installed, whatever is noted', async t => {
  const { directory } = await twoLives(t, 3)
  await rm(await levelLogOf(directory))
  assert.match((await reopen(directory)).damage ?? '', /though it reached/)
  await session(
    () => openLevel(directory),
    store => store.write(batch({ epochs: epochs(4, 1) })),
  )
  assert.match((await reopen(directory)).damage ?? '', /lost earlier/)
})

test('a note half written leaves the one before', async t => {
  const { directory } = await twoLives(t, 3)
  const newest = await readMark(directory)
  for (const harm of [(bytes: Buffer, at: number) => bytes.fill(0, at, at + 512), flip]) {
    const copy = await copyOf(t, directory)
    const bytes = await readFile(join(directory, MARK))
    harm(bytes, 512 * (1 - newest.nextPlace))
    await writeFile(join(copy, MARK), bytes)
    const { mark, fault, nextPlace } = await readMark(copy)
    assert.equal(fault, undefined)
    assert.ok(mark!.tail.zxid < newest.mark!.tail.zxid)
    assert.equal(nextPlace, 1 - newest.nextPlace)
    assert.equal((await reopen(copy)).damage, undefined)
  }
})

function flip(bytes: Buffer, at: number): void {
  bytes[at + 9]! ^= 2
}

test('what is not synced is not vouched for', async t => {
  const directory = await temporaryDirectory(t)
  await session(
    () => openLevel(directory, { durability: 'process' }),
    store => store.write(batch({ groups: new LogMaker().many(3) })),
  )
  assert.equal((await readMark(directory)).mark, undefined)
  assert.ok(!(await readdir(directory)).includes(MARK))
})
