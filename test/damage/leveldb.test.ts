/**
 * What LevelDB does where its documentation is silent, and what of it reaches us. Each test states one such behaviour:
 * should another version behave differently, what guards against it here may be reconsidered.
 */

import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Level } from 'level'
import { openEnsemble } from '../../lib/index.ts'
import { crc32c, unmask } from '../../lib/storage/crc32c.ts'
import { runProgram } from '../ensemble/support.ts'
import { batch, LogMaker, openLevel, segmentOf, session } from '../storage/support.ts'
import { temporaryDirectory } from '../temporary.ts'
import { compact } from './compact.ts'
import { FailingSystem } from './failing-system.ts'
import { buildShim } from './system.ts'

const CHILD = fileURLToPath(new URL('leveldb-child.ts', import.meta.url))

async function askChild(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<unknown> {
  const options = { execArgv: ['--import', 'tsx'], env: { ...process.env, ...env } }
  const child = fork(CHILD, args, options)
  const exit = once(child, 'exit')
  const [message] = await Promise.race([once(child, 'message'), exit])
  assert.deepEqual(await exit, [0, null])
  return (message as { readonly found: unknown }).found
}

for (const [what, drop] of [
  ['a second opening in the process', (directory: string) => new Level(directory).open()],
  ['a copy of the directory by the process', copyAway],
] as const) {
  test(`${what} drops LevelDB's lock, and another process gets in`, async t => {
    // POSIX locks are the process's, and closing any descriptor of the file gives them up.
    if (process.platform === 'win32') return t.diagnostic('not tested here: no POSIX locks')
    const directory = join(await temporaryDirectory(t), 'database')
    const database = new Level(directory)
    await database.open()
    t.after(() => database.close())
    assert.equal(await askChild(['open', directory]), 'LEVEL_LOCKED')
    await Promise.resolve(drop(directory)).catch(() => undefined)
    assert.equal(await askChild(['open', directory]), 'opened')
  })
}

async function copyAway(directory: string): Promise<void> {
  await cp(directory, `${directory}.copy`, { recursive: true })
}

test('an ensemble whose directory was copied by its own process lets no other in', async t => {
  const dataDir = join(await temporaryDirectory(t), 'data')
  const ensemble = await openEnsemble({ peers: 3, dataDir, openTimeoutMs: 120_000 })
  await copyAway(dataDir)
  const child = runProgram(t, '../damage/open-again.ts', [dataDir])
  const [code] = await once(child, 'message')
  assert.equal(code, 'DIRECTORY_LOCKED')
  await ensemble.close()
})

test('after a failed append LevelDB goes on, and loses what it acknowledges then', async t => {
  const place = await temporaryDirectory(t)
  const shim = join(place, 'faults.so')
  const why = await buildShim(shim)
  if (why !== undefined) return t.diagnostic(`not tested here: ${why}`)
  const control = join(place, 'control')
  FailingSystem.makeControl(control)
  const root = await temporaryDirectory(t)
  const env = { LD_PRELOAD: shim, FAULTS_ROOT: root, FAULTS_CONTROL: control }
  const found = await askChild(['append', root, control], env)
  const { acknowledged, lost } = found as { acknowledged: number; lost: number }
  t.diagnostic(`of ${acknowledged} acknowledged writes ${lost} were lost`)
  assert.ok(acknowledged > 150, 'the failure is not remembered')
  assert.ok(lost > 0)
})

test('an addon that only a thread has loaded goes with it', async t => {
  if (process.platform !== 'linux') return t.diagnostic('not tested here: no /proc')
  assert.equal(await askChild(['unload', join(await temporaryDirectory(t), 'database')]), false)
})

/** A store with everything in tables, and one block for each group there. */
async function makeTables(t: TestContext): Promise<string> {
  const directory = await temporaryDirectory(t)
  await session(
    () => openLevel(directory),
    store => store.write(batch({ groups: new LogMaker().many(10, 'group', 5000) })),
  )
  await merge(directory)
  return directory
}

/** The newest table that has the text in it. */
async function tableWith(directory: string, text: string): Promise<string> {
  const segment = await segmentOf(directory)
  const tables = (await readdir(segment)).filter(name => name.endsWith('.ldb')).sort()
  for (const name of tables.reverse()) {
    const file = join(segment, name)
    if ((await readFile(file)).includes(text)) return file
  }
  throw new Error(`no table holds ${text}`)
}

/** The segment's LevelDB merges all it has, which it does only when there is something new. */
async function merge(directory: string): Promise<void> {
  const place = await segmentOf(directory)
  const database = new Level(place, { compression: false })
  await database.put('x', '')
  await database.close()
  await compact(place)
}

/** Whether some block that has the text in it ends just before a checksum that is right for it. */
function isSealed(table: Buffer, text: string): boolean {
  const at = table.indexOf(text)
  assert.ok(at > 0)
  // A block's beginning is some bytes before its first record, its end some bytes after.
  for (let start = at; start > at - 100; start--) {
    for (let end = at + 5000; end < at + 5100; end++) {
      if (unmask(table.readUInt32LE(end + 1)) === crc32c(table.subarray(start, end + 1)))
        return true
    }
  }
  return false
}

test('a merge of tables gives what is spoilt a right checksum; our own still finds it', async t => {
  const directory = await makeTables(t)
  const file = await tableWith(directory, 'group-5')
  const bytes = await readFile(file)
  assert.ok(isSealed(bytes, 'group-5'))
  bytes[bytes.indexOf('group-5')]! ^= 0x20
  assert.ok(!isSealed(bytes, 'Group-5'))
  await writeFile(file, bytes)
  await merge(directory)
  const merged = await tableWith(directory, 'Group-5')
  assert.notEqual(merged, file)
  assert.ok(isSealed(await readFile(merged), 'Group-5'))
  await session(
    () => openLevel(directory),
    async (_, { damage, groups }) => {
      assert.match(damage ?? '', /cannot be read: bad checksum/)
      assert.equal(groups.length, 5)
    },
  )
})
