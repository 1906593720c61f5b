/** Whose directory it is, and what is said when it is not to be had. */

import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { crc32 } from '../../lib/base/crc32.ts'
import { type ErrorCode, TreeError } from '../../lib/base/errors.ts'
import { makeSid } from '../../lib/base/zxid.ts'
import { formatIdentity, readIdentity } from '../../lib/storage/directory.ts'
import { asStorageFailure } from '../../lib/storage/failures.ts'
import { META_KEY } from '../../lib/storage/keys.ts'
import { temporaryDirectory } from '../temporary.ts'
import {
  batch,
  epochs,
  LogMaker,
  openLevel,
  partsOf,
  recover,
  SID,
  segmentOf,
  session,
  takeSnapshot,
  withDatabase,
  withLevel,
} from './support.ts'

const IDENTITY = 'quorumtree.json'
const NOBODY = 65534
const FIRST_SEGMENT = 'log-00000001-00000000000000-00000000'

/** Of a directory of peer 1 that was never in use. */
function unusedIdentity(): string {
  return formatIdentity({ format: 1, sid: SID, segment: 0 })
}

async function refuses(
  directory: string,
  code: ErrorCode,
  says: RegExp,
  options: Parameters<typeof openLevel>[1] = {},
): Promise<void> {
  await assert.rejects(openLevel(directory, options), (error: unknown) => {
    assert.ok(error instanceof TreeError, String(error))
    assert.equal(error.code, code)
    assert.equal(error.path, directory)
    assert.match(error.message, says)
    return true
  })
}

async function makeUsed(directory: string): Promise<void> {
  await session(
    () => openLevel(directory),
    store => store.write(batch({ groups: new LogMaker().many(3) })),
  )
}

test('a missing directory is made, with its parents', async t => {
  const directory = join(await temporaryDirectory(t), 'data', 'peer-1')
  await makeUsed(directory)
  await session(
    () => openLevel(directory),
    async (_, { groups }) => assert.equal(groups.length, 3),
  )
})

test('a directory with other files is refused and left alone', async t => {
  const directory = await temporaryDirectory(t)
  await writeFile(join(directory, 'thesis.txt'), 'years of work')
  await refuses(directory, 'DIRECTORY_NOT_OURS', /thesis\.txt.*empty directory/)
  assert.deepEqual(await readdir(directory), ['thesis.txt'])
})

test('a LevelDB that is not ours is refused and not even opened', async t => {
  const directory = await temporaryDirectory(t)
  await withLevel(directory, database => database.put(Buffer.from('m'), Buffer.from('theirs')))
  const before = await readdir(directory)
  await refuses(directory, 'DIRECTORY_NOT_OURS', /other data/)
  assert.deepEqual(await readdir(directory), before)
})

test('a file where the directory should be is refused', async t => {
  const file = join(await temporaryDirectory(t), 'file')
  await writeFile(file, '')
  await refuses(file, 'DIRECTORY_NOT_OURS', /empty directory/)
  await refuses(join(file, 'below'), 'DIRECTORY_NOT_OURS', /empty directory/)
})

test("another peer's directory is refused", async t => {
  const directory = await temporaryDirectory(t)
  await makeUsed(directory)
  await refuses(directory, 'DIRECTORY_NOT_OURS', /belong to peer 1, not to peer 2/, {
    sid: makeSid(2),
  })
})

test('a directory in use is refused, and free again afterwards', async t => {
  const directory = await temporaryDirectory(t)
  const store = await openLevel(directory)
  await refuses(directory, 'DIRECTORY_LOCKED', /close the other ensemble/)
  await store.close()
  await (await openLevel(directory)).close()
})

test('what operating systems leave behind does not count', async t => {
  const directory = await temporaryDirectory(t)
  await writeFile(join(directory, '.DS_Store'), '')
  await makeUsed(directory)
})

test('a newer format is refused, by the identity file and by the record', async t => {
  const directory = await temporaryDirectory(t)
  await makeUsed(directory)
  await withDatabase(directory, async database => {
    const value = Buffer.from(await database.get(META_KEY))
    value[4] = 2
    value.writeUInt32LE(crc32(value.subarray(4)), 0)
    await database.put(META_KEY, value)
  })
  await refuses(directory, 'FORMAT_TOO_NEW', /format 2.*up to 1/)
  await writeFile(join(directory, IDENTITY), '{"format":3,"whatever":"comes"}')
  await refuses(directory, 'FORMAT_TOO_NEW', /format 3.*newer/)
})

test('an identity file that makes no sense is damage', async t => {
  const directory = await temporaryDirectory(t)
  await makeUsed(directory)
  for (const text of ['', 'null', '[]', '{"format":"1"}']) {
    await writeFile(join(directory, IDENTITY), text)
    await refuses(directory, 'DIRECTORY_DAMAGED', /move it away/)
  }
})

test("LevelDB's files lost or spoilt are damage, never a fresh start", async t => {
  for (const [name, spoil] of [
    ['CURRENT', (file: string) => rm(file)],
    ['CURRENT', (file: string) => writeFile(file, 'garbage')],
    ['MANIFEST', (file: string) => writeFile(file, Buffer.alloc(100, 7))],
    ['MANIFEST', (file: string) => rm(file)],
  ] as const) {
    const directory = await temporaryDirectory(t)
    await makeUsed(directory)
    const segment = await segmentOf(directory)
    const file = (await readdir(segment)).find(found => found.startsWith(name))
    await spoil(join(segment, file!))
    await refuses(directory, 'DIRECTORY_DAMAGED', /./)
  }
})

test('a crash at any moment of the first opening leaves a directory that opens', async t => {
  const leftovers: readonly (readonly string[])[] = [
    ['quorumtree.json.new'],
    [IDENTITY],
    [IDENTITY, join(FIRST_SEGMENT, 'LOCK'), join(FIRST_SEGMENT, 'LOG')],
    [IDENTITY, join(FIRST_SEGMENT, 'LOCK'), join(FIRST_SEGMENT, 'MANIFEST-000001')],
  ]
  for (const names of leftovers) {
    const directory = await temporaryDirectory(t)
    await mkdir(join(directory, FIRST_SEGMENT))
    for (const name of names) await writeFile(join(directory, name), '')
    if (names.includes(IDENTITY)) await writeFile(join(directory, IDENTITY), unusedIdentity())
    else await rm(join(directory, FIRST_SEGMENT), { recursive: true })
    const store = await openLevel(directory)
    const recovered = await recover(store)
    await store.close()
    assert.deepEqual([recovered.fresh, recovered.damage], [true, undefined], names.join())
  }
})

test('a first segment that was not recorded promised nothing, and is begun anew', async t => {
  const directory = await temporaryDirectory(t)
  await (await openLevel(directory)).close()
  await writeFile(join(directory, IDENTITY), unusedIdentity())
  await session(
    () => openLevel(directory, { trusted: false }),
    async (_, recovered) => assert.match(recovered.damage ?? '', /lost earlier/),
  )
  assert.equal((await readIdentity(directory))?.segment, 1)
})

test('a segment begun and never recorded is cleared away', async t => {
  const directory = await temporaryDirectory(t)
  const log = new LogMaker()
  const open = () => openLevel(directory, { segmentBytes: 0 })
  await session(open, async store => {
    await store.write(batch({ groups: log.many(2) }))
    await takeSnapshot(store, log.point, 'full', 'image')
  })
  assert.equal((await readIdentity(directory))?.segment, 2)
  const [, last] = await partsOf(directory, 'log')
  for (const leftover of ['LOCK', 'CURRENT', 'MANIFEST-000001']) {
    const unrecorded = last!.replace('log-00000002', 'log-00000003')
    await mkdir(unrecorded)
    await writeFile(join(unrecorded, leftover), 'garbage')
    await session(open, async (_, { damage, chunks }) => {
      assert.deepEqual([damage, chunks], [undefined, ['image']])
    })
    assert.ok(!(await readdir(directory)).some(name => name.startsWith('log-00000003')))
  }
})

test('a number of a segment that is spoilt is damage, and nothing is cleared away', async t => {
  const directory = await temporaryDirectory(t)
  const log = new LogMaker()
  const open = () => openLevel(directory, { segmentBytes: 0 })
  await session(open, async store => {
    await store.write(batch({ groups: log.many(2) }))
    await takeSnapshot(store, log.point, 'full', 'image')
  })
  const text = await readFile(join(directory, IDENTITY), 'utf8')
  for (const segment of [0, 1, 3]) {
    const spoilt = text.replace('"segment":2', `"segment":${segment}`)
    assert.notEqual(spoilt, text)
    await writeFile(join(directory, IDENTITY), spoilt)
    await refuses(directory, 'DIRECTORY_DAMAGED', /quorumtree\.json cannot be read/)
  }
  await writeFile(join(directory, IDENTITY), text)
  await session(open, async (_, { chunks }) => assert.deepEqual(chunks, ['image']))
})

test('a directory in place of a lost one is damaged until a snapshot is installed', async t => {
  const directory = await temporaryDirectory(t)
  const open = (trusted: boolean) => () => openLevel(directory, { trusted })
  await session(open(false), async (store, recovered) => {
    assert.match(recovered.damage ?? '', /lost earlier/)
    assert.equal(recovered.fresh, false)
    await store.write(batch({ epochs: epochs(4, 0) }))
  })
  const leaders = new LogMaker()
  await session(open(true), async (store, recovered) => {
    assert.match(recovered.damage ?? '', /lost earlier/)
    assert.deepEqual(recovered.epochs, epochs(4, 0))
    await store.write(
      batch({
        install: { point: { zxid: leaders.point.zxid, chain: 0 }, digest: 0, epochEnds: [] },
        groups: leaders.many(1),
        epochs: epochs(4),
      }),
    )
  })
  await session(open(true), async (_, { damage }) => assert.equal(damage, undefined))
})

test('a directory one may not write to', async t => {
  const top = await temporaryDirectory(t)
  const parent = join(top, 'parent')
  await mkdir(parent)
  await chmod(parent, 0o555)
  await chmod(top, 0o755)
  // Nothing is forbidden to root, so root stands aside for a moment.
  const isRoot = process.geteuid?.() === 0
  if (isRoot) process.seteuid?.(NOBODY)
  try {
    await refuses(join(parent, 'peer'), 'NO_PERMISSION', /let this process/)
  } finally {
    if (isRoot) process.seteuid?.(0)
  }
})

test("the system's reasons are told apart", () => {
  const reasons: readonly (readonly [string, ErrorCode])[] = [
    ['IO error: /data/000012.log: No space left on device', 'NO_SPACE'],
    ['IO error: /data/000012.log: Disk quota exceeded', 'NO_SPACE'],
    ['IO error: /data/000012.log: File too large', 'NO_SPACE'],
    ['IO error: /data/LOCK: Permission denied', 'NO_PERMISSION'],
    ['IO error: /data/LOCK: Read-only file system', 'NO_PERMISSION'],
    ['IO error: /data/MANIFEST-000003: No such file or directory', 'DIRECTORY_DAMAGED'],
    ['IO error: /data/000012.ldb: Invalid argument', 'DIRECTORY_DAMAGED'],
    ['IO error: /data/000012.log: Input/output error', 'STORAGE_FAILED'],
    ['IO error: /data/000012.ldb: Too many open files', 'STORAGE_FAILED'],
  ]
  for (const [message, code] of reasons) {
    const cause = Object.assign(new Error(message), { code: 'LEVEL_IO_ERROR' })
    const wrapped = Object.assign(new Error('Database failed to open', { cause }), {
      code: 'LEVEL_DATABASE_NOT_OPEN',
    })
    for (const error of [cause, wrapped]) {
      const failure = asStorageFailure(error, '/data')
      assert.ok(failure instanceof TreeError)
      assert.equal(failure.code, code)
      assert.ok(failure.message.includes(message))
      assert.equal(failure.cause, error)
    }
  }
  const full = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' })
  assert.equal((asStorageFailure(full, '/data') as TreeError).code, 'NO_SPACE')
})

test('a power cut in the first opening leaves a directory that opens', async t => {
  // LevelDB syncs the pointer to its first manifest, but not that manifest.
  for (const manifest of [undefined, '', 'garbage']) {
    const directory = await temporaryDirectory(t)
    await writeFile(join(directory, IDENTITY), unusedIdentity())
    const segment = join(directory, FIRST_SEGMENT)
    await mkdir(segment)
    await writeFile(join(segment, 'CURRENT'), 'MANIFEST-000001\n')
    if (manifest !== undefined) await writeFile(join(segment, 'MANIFEST-000001'), manifest)
    const store = await openLevel(directory)
    const recovered = await recover(store)
    await store.close()
    assert.deepEqual([recovered.fresh, recovered.damage], [true, undefined])
    await makeUsed(directory)
  }
})
