/** A LevelDB is open as long as somebody uses it, and goes when nobody does. */

import assert from 'node:assert/strict'
import { existsSync, rmSync } from 'node:fs'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Level } from 'level'
import { MalformedError } from '../../lib/base/bytes.ts'
import { TreeError } from '../../lib/base/errors.ts'
import { type Database, Disk } from '../../lib/storage/disk.ts'
import { Part } from '../../lib/storage/part.ts'
import { temporaryDirectory } from '../temporary.ts'

const VIEWS = { keyEncoding: 'view', valueEncoding: 'view' } as const
const KEY = Buffer.from('key')

async function makePart(t: TestContext, isNew = true): Promise<{ part: Part; made: Database[] }> {
  const directory = join(await temporaryDirectory(t), 'part')
  const made: Database[] = []
  const make = (): Database => {
    const database: Database = new Level(directory, VIEWS)
    made.push(database)
    return database
  }
  const part = new Part(directory, new Disk(join(directory, '..'), true), make, isNew)
  t.after(() => part.close())
  return { part, made }
}

test('users at the same time share one database, the last one closes it', async t => {
  const { part, made } = await makePart(t)
  const [one, other] = await Promise.all([part.acquire(), part.acquire()])
  assert.equal(one, other)
  await one.put(KEY, KEY)
  await part.release()
  assert.deepEqual(Buffer.from((await other.get(KEY))!), KEY)
  await part.release()
  assert.equal(made[0]!.status, 'closed')
  const again = await part.acquire()
  assert.deepEqual(Buffer.from((await again.get(KEY))!), KEY)
  assert.equal(made.length, 2)
  await part.release()
})

test('a part that is removed while it is used goes with its last user', async t => {
  const { part } = await makePart(t)
  const database = await part.acquire()
  await database.put(KEY, KEY)
  await part.remove()
  assert.ok(!part.isGone)
  assert.deepEqual(Buffer.from((await database.get(KEY))!), KEY)
  await part.release()
  assert.ok(part.isGone)
  assert.ok(!existsSync(part.directory))
})

test('what cannot be read is told to who asks, and nothing is begun in its place', async t => {
  const { part, made } = await makePart(t, false)
  await mkdir(part.directory)
  await assert.rejects(part.acquire(), MalformedError)
  assert.equal(made.length, 0, 'LevelDB would make a new one')
  await writeFile(join(part.directory, 'CURRENT'), 'MANIFEST-000099\n')
  await assert.rejects(part.acquire(), MalformedError)
  await rm(part.directory, { recursive: true })
  await assert.rejects(part.acquire(), MalformedError)
})

test('a new part that cannot be made is a failure of the disk, and a final one', async t => {
  const directory = await temporaryDirectory(t)
  const disk = new Disk(directory, true)
  const place = join(directory, 'missing', 'part')
  const make = (): Database => new Level<Uint8Array, Uint8Array>(place, VIEWS)
  const part = new Part(place, disk, make, true)
  const failure = await part.acquire().then(
    () => assert.fail('it cannot be made'),
    (error: unknown) => error,
  )
  assert.ok(failure instanceof TreeError, String(failure))
  await assert.rejects(
    disk.run('log', async () => undefined),
    (error: unknown) => error === failure,
  )
})

test('where LevelDB does not see its files, it begins nothing in their place', async t => {
  const { part } = await makePart(t)
  const database = await part.acquire()
  await database.put(KEY, KEY)
  await part.release()
  const before = (await readdir(part.directory)).filter(name => name.startsWith('MANIFEST'))
  const again = new Part(
    part.directory,
    new Disk(join(part.directory, '..'), true),
    () => {
      // As if it were gone between our look and LevelDB's.
      rmSync(join(part.directory, 'CURRENT'))
      return new Level<Uint8Array, Uint8Array>(part.directory, VIEWS)
    },
    false,
  )
  await assert.rejects(again.acquire(), TreeError)
  const after = await readdir(part.directory)
  assert.ok(!after.includes('CURRENT'))
  assert.deepEqual(
    after.filter(name => name.startsWith('MANIFEST')),
    before,
  )
})

test('who comes for a part that is to go finds it gone', async t => {
  const { part, made } = await makePart(t)
  await part.acquire()
  await part.release()
  const removal = part.remove()
  await assert.rejects(part.acquire(), MalformedError)
  await removal
  assert.equal(made.length, 1)
  assert.ok(part.isGone)
  assert.ok(!existsSync(part.directory))
})
