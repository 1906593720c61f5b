/** LevelDB's tables are looked at before LevelDB does: what would bring the process down is refused. */

import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Level } from 'level'
import { crc32c, unmask } from '../../lib/storage/crc32c.ts'
import { parseBlock } from '../../lib/storage/table-block.ts'
import { checkTables } from '../../lib/storage/tables.ts'
import { temporaryDirectory } from '../temporary.ts'
import { batch, LogMaker, openLevel, segmentOf, session } from './support.ts'

const GROUPS = 12
const GROUP_BYTES = 5000

/** A table with a block for each group, and where in the file each group's text begins. */
async function makeTable(
  t: TestContext,
): Promise<{ directory: string; file: string; bytes: Buffer }> {
  const directory = await temporaryDirectory(t)
  await session(
    () => openLevel(directory),
    store => store.write(batch({ groups: new LogMaker().many(GROUPS, 'group', GROUP_BYTES) })),
  )
  await session(
    () => openLevel(directory),
    async () => undefined,
  )
  const segment = await segmentOf(directory)
  const tables = (await readdir(segment)).filter(name => name.endsWith('.ldb'))
  const sizes = await Promise.all(
    tables.map(async name => (await readFile(join(segment, name))).length),
  )
  const file = join(segment, tables[sizes.indexOf(Math.max(...sizes))]!)
  return { directory: segment, file, bytes: await readFile(file) }
}

async function isRefused(directory: string): Promise<boolean> {
  try {
    await checkTables(directory, directory)
    return false
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'DIRECTORY_DAMAGED')
    assert.equal((error as { path?: string }).path, directory)
    return true
  }
}

test('the sum is that of RFC 3720, and wears the mask of LevelDB', () => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283)
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa)
  const crc = 0x12345678
  const masked = (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
  assert.equal(unmask(masked), crc)
})

test('tables as LevelDB writes them pass, compressed ones too', async t => {
  const { directory } = await makeTable(t)
  assert.equal(await isRefused(directory), false)
  const other = await temporaryDirectory(t)
  const database = new Level(other)
  for (let at = 0; at < 2000; at++) await database.put(`key-${at}`, 'x'.repeat(200))
  await database.close()
  await database.open()
  await database.close()
  assert.equal(await isRefused(other), false)
})

test('a spoilt value passes, and is found by its own sum', async t => {
  const { directory, file, bytes } = await makeTable(t)
  const at = bytes.indexOf('group-5') + 100
  bytes[at]! ^= 1
  await writeFile(file, bytes)
  assert.equal(await isRefused(directory), false)
  await session(
    () => openLevel(dirname(directory)),
    async (_, { damage, groups }) => {
      assert.match(damage ?? '', /cannot be read/)
      assert.equal(groups.length, 5)
    },
  )
})

test('whatever bit around the keys is flipped, the table is refused', async t => {
  const { directory, file, bytes } = await makeTable(t)
  // An entry's lengths and its key precede the record, of which the text begins 50 bytes in.
  const text = bytes.indexOf('group-5')
  const key = bytes.lastIndexOf('l\0\0\0\x01', text)
  for (let at = key - 3; at < key + 9; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const bad = Buffer.from(bytes)
      bad[at]! ^= 1 << bit
      await writeFile(file, bad)
      assert.ok(await isRefused(directory), `bit ${bit} of byte ${at - key} from the key`)
    }
  }
})

test('whatever bit at the end of a table is flipped, it is refused, but for padding', async t => {
  const { directory, file, bytes } = await makeTable(t)
  const magic = bytes.length - 8
  const handles = bytes.subarray(bytes.length - 48, magic)
  const padding = bytes.length - 48 + handles.findLastIndex(byte => byte !== 0) + 1
  for (let at = bytes.length - 200; at < bytes.length; at++) {
    const bad = Buffer.from(bytes)
    bad[at]! ^= 1 << (at % 8)
    await writeFile(file, bad)
    assert.equal(await isRefused(directory), at < padding || at >= magic, `byte ${at}`)
  }
})

test('a table cut short or with a sector of zeros is refused', async t => {
  const { directory, file, bytes } = await makeTable(t)
  for (let size = 0; size < bytes.length; size += 997) {
    await writeFile(file, bytes.subarray(0, size))
    assert.ok(await isRefused(directory), `${size} bytes`)
  }
  const start = bytes.indexOf('group-5') - 80
  await writeFile(file, Buffer.from(bytes).fill(0, start, start + 512))
  assert.ok(await isRefused(directory))
})

test('a block is read with keys that share their beginnings', () => {
  const tail = Buffer.alloc(8)
  const entry = (shared: number, own: string, value: string): Buffer =>
    Buffer.concat([
      Buffer.of(shared, own.length + 8, value.length),
      Buffer.concat([Buffer.from(own), tail, Buffer.from(value)]),
    ])
  const block = Buffer.concat([entry(0, 'abc', '1'), entry(2, 'd', '2'), Buffer.alloc(8, 0)])
  block[block.length - 4] = 1
  const found = parseBlock(block).map(({ key, value }) => `${key.subarray(0, -8)}=${value}`)
  assert.deepEqual(found, ['abc=1', 'abd=2'])
})

test('a table not finished when the process ended is no damage, one in use is', async t => {
  const { directory, file, bytes } = await makeTable(t)
  const leftOver = join(directory, '000999.ldb')
  for (const content of [Buffer.alloc(0), bytes.subarray(0, 1000), Buffer.alloc(5000, 7)]) {
    await writeFile(leftOver, content)
    assert.equal(await isRefused(directory), false)
  }
  await session(
    () => openLevel(dirname(directory)),
    async (_, { damage, groups }) => {
      assert.equal(damage, undefined)
      assert.equal(groups.length, GROUPS)
    },
  )
  assert.ok(!(await readdir(directory)).includes('000999.ldb'), 'LevelDB has removed it')
  for (const content of [Buffer.alloc(0), bytes.subarray(0, 1000), Buffer.alloc(5000, 7)]) {
    await writeFile(file, content)
    assert.equal(await isRefused(directory), true)
  }
})
