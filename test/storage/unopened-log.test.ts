/** What was never opened since it was written is read from LevelDB's log, and gives what LevelDB would. */

import assert from 'node:assert/strict'
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { MalformedError } from '../../lib/base/bytes.ts'
import { LOG_START } from '../../lib/base/group.ts'
import { findUnopenedLog, readUnopenedLog } from '../../lib/storage/unopened-log.ts'
import { Prng } from '../support/prng.ts'
import { temporaryDirectory } from '../temporary.ts'
import {
  openLevel,
  partsOf,
  readSnapshot,
  session,
  takeSnapshot,
  textOf,
  withLevel,
} from './support.ts'

const BLOCK_BYTES = 32_768
/** Whatever a record may end before, at and behind: the end of a block, with and without room for a header. */
const SIZES = [
  ...[0, 1, 5000, 200_000, 3 * BLOCK_BYTES],
  ...Array.from({ length: 60 }, (_, at) => BLOCK_BYTES - 60 + at),
]

type Puts = readonly (readonly [key: string, value: string])[]

async function write(directory: string, puts: Puts): Promise<void> {
  await withLevel(directory, async database => {
    for (const [key, value] of puts) await database.put(Buffer.from(key), Buffer.from(value))
  })
}

async function read(log: string): Promise<[string, string][]> {
  const found: [string, string][] = []
  for await (const [key, value] of readUnopenedLog(log)) {
    found.push([Buffer.from(key).toString(), Buffer.from(value).toString('latin1')])
  }
  return found
}

function putsOf(sizes: readonly number[]): Puts {
  return sizes.map((size, at) => [`key-${String(at).padStart(4, '0')}`, `${at % 10}`.repeat(size)])
}

async function makeLog(t: TestContext, puts: Puts): Promise<string> {
  const directory = await temporaryDirectory(t)
  await write(directory, puts)
  const log = await findUnopenedLog(directory)
  assert.ok(log !== undefined)
  return log
}

test('records of all sizes are read as they were written, wherever blocks end', async t => {
  const puts = putsOf(SIZES)
  const found = await read(await makeLog(t, puts))
  assert.equal(found.length, puts.length)
  for (const [at, put] of puts.entries()) assert.ok(found[at]!.join() === put.join(), `put ${at}`)
})

test('nothing is told of a database that has tables, or lacks a file', async t => {
  const directory = await temporaryDirectory(t)
  assert.equal(await findUnopenedLog(directory), undefined)
  await write(directory, putsOf([10, 20]))
  const log = await findUnopenedLog(directory)
  assert.ok(log !== undefined)
  for (const missing of [/^CURRENT$/, /^MANIFEST-/, /\.log$/]) {
    const other = join(directory, `without-${missing.source.replaceAll(/\W/g, '')}`)
    await mkdir(other)
    for (const name of await readdir(directory)) {
      if (!missing.test(name) && !name.startsWith('without')) {
        await copyFile(join(directory, name), join(other, name)).catch(() => undefined)
      }
    }
    assert.equal(await findUnopenedLog(other), undefined, String(missing))
  }
  await writeFile(join(directory, 'CURRENT'), 'MANIFEST-000099\n')
  assert.equal(await findUnopenedLog(directory), undefined, 'its manifest is lost')
  await writeFile(join(directory, 'CURRENT'), 'MANIFEST-000002\n')
  assert.equal(await findUnopenedLog(directory), log)
  await write(directory, [])
  assert.equal(await findUnopenedLog(directory), undefined, 'it was opened again')
})

test('a flipped bit is refused, or spoils one entry, or none', async t => {
  const puts = putsOf([10, 40_000, 3, 90_000, 25])
  const log = await makeLog(t, puts)
  const whole = await readFile(log)
  const prng = new Prng(7)
  const seen = { refused: 0, spoilt: 0, same: 0 }
  for (let round = 0; round < 300; round++) {
    const bytes = Buffer.from(whole)
    // Most of it is values: what LevelDB adds is spoilt more often than its share.
    const at = prng.between(0, prng.chance(0.5) ? 60 : bytes.length - 1)
    bytes[at]! ^= 1 << prng.between(0, 7)
    await writeFile(log, bytes)
    try {
      const found = await read(log)
      assert.equal(found.length, puts.length)
      const spoilt = found.filter((put, index) => put.join() !== puts[index]!.join()).length
      assert.ok(spoilt <= 1, `byte ${at}`)
      // Only where LevelDB's sum is, which nobody compares, does it make no difference.
      seen[spoilt === 1 ? 'spoilt' : 'same']++
    } catch (error) {
      assert.ok(error instanceof MalformedError, String(error))
      seen.refused++
    }
  }
  assert.ok(Math.min(...Object.values(seen)) > 5, JSON.stringify(seen))
})

test('a log that is cut gives what is before the cut, if anything', async t => {
  const puts = putsOf([10, 40_000, 3, 90_000, 25])
  const log = await makeLog(t, puts)
  const whole = await readFile(log)
  const seen = { prefix: 0, refused: 0 }
  for (let length = 0; length < whole.length; length += length < 200 ? 1 : 97) {
    await writeFile(log, whole.subarray(0, length))
    try {
      const found = await read(log)
      assert.ok(found.length < puts.length)
      assert.ok(found.every((put, at) => put.join() === puts[at]!.join()))
      seen.prefix++
    } catch (error) {
      assert.ok(error instanceof MalformedError, String(error))
      seen.refused++
    }
  }
  assert.ok(Math.min(...Object.values(seen)) > 10, JSON.stringify(seen))
})

test('a record that is missing in the middle is noticed', async t => {
  const log = await makeLog(t, putsOf([100, 100, 100]))
  const bytes = await readFile(log)
  const recordBytes = bytes.length / 3
  const gap = [bytes.subarray(0, recordBytes), bytes.subarray(2 * recordBytes)]
  await writeFile(log, Buffer.concat(gap))
  await assert.rejects(read(log), MalformedError)
})

test('a snapshot that cannot be read from its log is for LevelDB to judge', async t => {
  const directory = await temporaryDirectory(t)
  const open = () => openLevel(directory)
  await session(open, async store => {
    await takeSnapshot(store, LOG_START, 'full', 'one', 'two')
    await takeSnapshot(store, LOG_START, 'delta', 'three')
  })
  const [, delta] = await partsOf(directory, 'snapshot')
  const log = await findUnopenedLog(delta!)
  const bytes = await readFile(log!)
  // The type of the first fragment: LevelDB passes over the record, and so does not find it either.
  bytes[6] = 9
  await writeFile(log!, bytes)
  const store = await open()
  const told: string[] = []
  await store.recover({
    chunk: chunk => told.push(Buffer.from(chunk).toString()),
    restart: () => told.push('restart'),
  })
  await store.close()
  const firstTwo = ['one', 'two', 'restart', 'one', 'two', 'restart']
  assert.deepEqual(told, [...firstTwo, 'one', 'two'], 'and the full image is left')
})

test('a snapshot is recovered, and sent, without LevelDB making a table of it', async t => {
  const directory = await temporaryDirectory(t)
  const open = () => openLevel(directory)
  const chunks = ['one', 'two', 'x'.repeat(100_000)]
  await session(open, async store => {
    await takeSnapshot(store, LOG_START, 'full', ...chunks)
    await takeSnapshot(store, LOG_START, 'delta', 'three')
    assert.deepEqual(await readSnapshot(store), [...chunks, 'three'], 'taken in this life')
  })
  await session(open, async (store, recovered) => {
    assert.deepEqual(recovered.chunks, [...chunks, 'three'])
    assert.deepEqual(await readSnapshot(store), [...chunks, 'three'])
  })
  for (const part of await partsOf(directory, 'snapshot')) {
    assert.ok((await findUnopenedLog(part)) !== undefined)
  }
})

test('a snapshot whose log is spoilt is sent as far as LevelDB reads it', async t => {
  const directory = await temporaryDirectory(t)
  const open = () => openLevel(directory)
  await session(open, async store => {
    await takeSnapshot(store, LOG_START, 'full', 'one', 'two', 'six')
    const [part] = await partsOf(directory, 'snapshot')
    const log = await findUnopenedLog(part!)
    const bytes = await readFile(log!)
    const reader = await store.openSnapshot()
    assert.equal(textOf((await reader!.next())!.bytes), 'one')
    reader!.close()
    // A wrong type in the second record: LevelDB passes over it.
    bytes[bytes.length / 3 + 6] = 9
    await writeFile(log!, bytes)
    assert.equal(await readSnapshot(store), undefined, 'LevelDB does not find it either')
    assert.equal(store.newestChain(), undefined, 'and the next snapshot is a full one')
  })
})
