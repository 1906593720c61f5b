/** Bit rot, holes and torn ends: what is lost is told, and nothing wrong is ever handed out. */

import assert from 'node:assert/strict'
import { mkdir, readFile, rename, rm, rmdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { TreeError } from '../../lib/base/errors.ts'
import { LOG_START } from '../../lib/base/group.ts'
import { chunkKey, headKey, logKey, META_KEY } from '../../lib/storage/keys.ts'
import { temporaryDirectory } from '../temporary.ts'
import {
  batch,
  copyOf,
  epochs,
  flipByte,
  headAt,
  keysOf,
  LogMaker,
  levelLogOf,
  openLevel,
  pointAfter,
  readLevelLog,
  type recover,
  removeKey,
  segmentOf,
  session,
  takeSnapshot,
  textsOf,
  withDatabase,
} from './support.ts'

async function reopen(directory: string): ReturnType<typeof recover> {
  return session(
    () => openLevel(directory),
    async (_, recovered) => recovered,
  )
}

async function makeLog(
  t: TestContext,
  count: number,
): Promise<{ directory: string; log: LogMaker }> {
  const directory = await temporaryDirectory(t)
  const log = new LogMaker()
  await session(
    () => openLevel(directory),
    async store => {
      for (const group of log.many(count)) await store.write(batch({ groups: [group] }))
    },
  )
  return { directory, log }
}

test('a flipped byte anywhere in a group is damage, and the groups before it stay', async t => {
  for (const at of [0, 4, 10, 30, 45, -1]) {
    const { directory, log } = await makeLog(t, 5)
    await flipByte(directory, logKey(log.made[2]!.first), at)
    const recovered = await reopen(directory)
    assert.match(recovered.damage ?? '', /after 0x100000002 cannot be read/)
    assert.deepEqual(textsOf(recovered.groups), ['group-0', 'group-1'])
  }
})

test('a group missing in the middle is damage', async t => {
  const { directory, log } = await makeLog(t, 5)
  await withDatabase(directory, database => database.del(logKey(log.made[1]!.first)))
  const recovered = await reopen(directory)
  assert.match(recovered.damage ?? '', /hole after 0x100000001: next comes 0x100000003/)
  assert.deepEqual(textsOf(recovered.groups), ['group-0'])
})

test('the first group missing is damage', async t => {
  const { directory, log } = await makeLog(t, 2)
  await withDatabase(directory, database => database.del(logKey(log.made[0]!.first)))
  assert.match((await reopen(directory)).damage ?? '', /hole after 0x0/)
})

test('a sound group of another history is damage', async t => {
  const { directory, log } = await makeLog(t, 3)
  const other = await makeLog(t, 0)
  const foreign = new LogMaker()
  foreign.many(3, 'foreign')
  await session(
    () => openLevel(other.directory),
    store => store.write(batch({ groups: foreign.made })),
  )
  const key = logKey(log.made[1]!.first)
  const value = await withDatabase(other.directory, database => database.get(key))
  await withDatabase(directory, database => database.put(key, value))
  const recovered = await reopen(directory)
  assert.match(recovered.damage ?? '', /hole after 0x100000001: next comes 0x100000002/)
})

test('damage is remembered until a snapshot of a leader is installed', async t => {
  const { directory, log } = await makeLog(t, 5)
  await flipByte(directory, logKey(log.made[2]!.first), -1)
  await session(
    () => openLevel(directory),
    async store => {
      const { last, chain } = log.made[1]!
      const tail = { zxid: last, chain }
      await store.write(batch({ groups: [new LogMaker(tail).next('next')] }))
    },
  )
  await session(
    () => openLevel(directory),
    async (store, recovered) => {
      assert.match(recovered.damage ?? '', /lost earlier/)
      await store.write(batch({ epochs: epochs(2, 1) }))
    },
  )
  await session(
    () => openLevel(directory),
    async (store, recovered) => {
      assert.match(recovered.damage ?? '', /lost earlier/)
      assert.deepEqual(textsOf(recovered.groups), ['group-0', 'group-1', 'next'])
      assert.deepEqual(recovered.epochs, epochs(2, 1))
      await store.stage(Buffer.from('whole'))
      await store.write(batch({ epochs: epochs(2), install: headAt(log.point) }))
    },
  )
  const recovered = await reopen(directory)
  assert.equal(recovered.damage, undefined)
  assert.deepEqual(recovered.chunks, ['whole'])
  assert.deepEqual(recovered.groups, [])
})

test('epochs are not forgotten with the record that holds them', async t => {
  for (const harm of [
    (directory: string) => flipByte(directory, META_KEY, 8),
    (directory: string) => withDatabase(directory, database => database.del(META_KEY)),
  ]) {
    const directory = await temporaryDirectory(t)
    const log = new LogMaker()
    await session(
      () => openLevel(directory),
      store => store.write(batch({ groups: [log.next('a', { epoch: 5 })], epochs: epochs(5) })),
    )
    await harm(directory)
    const recovered = await reopen(directory)
    assert.match(recovered.damage ?? '', /record of epochs cannot be read/)
    assert.deepEqual(recovered.epochs, epochs(5))
    assert.equal(recovered.fresh, false)
    assert.deepEqual(textsOf(recovered.groups), ['a'])
  }
})

test('an older record of epochs in the place of the newest is damage', async t => {
  const { directory, log } = await makeLog(t, 1)
  const old = await withDatabase(directory, database => database.get(META_KEY))
  await session(
    () => openLevel(directory),
    async store => {
      await store.write(batch({ epochs: epochs(9, 1) }))
      await store.write(batch({ epochs: epochs(9, 1), groups: log.many(1) }))
    },
  )
  await withDatabase(directory, database => database.put(META_KEY, old))
  assert.match((await reopen(directory)).damage ?? '', /older than the log/)
})

test('everything lost is damage, not a fresh start', async t => {
  const { directory } = await makeLog(t, 3)
  await withDatabase(directory, database => database.clear())
  const recovered = await reopen(directory)
  assert.match(recovered.damage ?? '', /missing/)
  assert.equal(recovered.fresh, false)
})

test('a byte flipped in the middle of the log of LevelDB is damage', async t => {
  const directory = await temporaryDirectory(t)
  const groups = new LogMaker().many(8, 'group', 40_000)
  await session(
    () => openLevel(directory),
    async store => {
      for (const group of groups) await store.write(batch({ groups: [group] }))
    },
  )
  const file = await levelLogOf(directory)
  const bytes = await readFile(file)
  const at = bytes.indexOf('group-3')
  assert.ok(at > 0)
  bytes[at]! ^= 1
  await writeFile(file, bytes)
  const recovered = await reopen(directory)
  assert.match(recovered.damage ?? '', /hole/)
  assert.ok(recovered.groups.length <= 3)
})

test('whatever byte is flipped in the log of LevelDB, nothing wrong comes back', async t => {
  const { directory, log } = await makeLog(t, 30)
  const texts = textsOf(log.made)!
  const original = await readFile(await levelLogOf(directory))
  const { length } = await readLevelLog(directory)
  // In the room behind what is written too.
  for (let at = 0; at < length + 100; at += 41) {
    const copy = await copyOf(t, directory)
    const bytes = Buffer.from(original)
    bytes[at]! ^= 0x40
    await writeFile(await levelLogOf(copy), bytes)
    const recovered = await reopen(copy)
    const found = textsOf(recovered.groups)!
    assert.deepEqual(found, texts.slice(0, found.length), `byte ${at}`)
  }
})

test('a torn end of the log of LevelDB is no damage, unless its end was noted', async t => {
  const { directory, log } = await makeLog(t, 20)
  await rm(join(directory, 'quorumtree.tail'))
  const texts = textsOf(log.made)!
  const { length } = await readLevelLog(directory)
  let shortest = texts.length
  for (let size = length - 1; size > 200; size -= 37) {
    const copy = await copyOf(t, directory)
    await truncate(await levelLogOf(copy), size)
    const recovered = await reopen(copy)
    const found = textsOf(recovered.groups)!
    assert.equal(recovered.damage, undefined, `${size} of ${length} bytes`)
    assert.deepEqual(found, texts.slice(0, found.length))
    shortest = Math.min(shortest, found.length)
  }
  assert.equal(shortest, 1)
})

/** Three images after two groups each, and one group after the last. */
async function makeSnapshots(
  t: TestContext,
  kinds: readonly ('full' | 'delta')[],
): Promise<{ directory: string; log: LogMaker }> {
  const directory = await temporaryDirectory(t)
  const log = new LogMaker()
  await session(
    () => openLevel(directory),
    async store => {
      for (const [at, kind] of kinds.entries()) {
        await store.write(batch({ groups: log.many(2, `before-${at}`) }))
        await takeSnapshot(store, log.point, kind, `${kind}-${at}-a`, `${kind}-${at}-b`)
      }
      await store.write(batch({ groups: [log.next('last')] }))
    },
  )
  return { directory, log }
}

test('a spoilt snapshot gives way to the one before it and the log', async t => {
  for (const key of [chunkKey(3, 0), chunkKey(3, 1)]) {
    const { directory, log } = await makeSnapshots(t, ['full', 'full', 'full'])
    await flipByte(directory, key, -1)
    await session(
      () => openLevel(directory),
      async (store, recovered) => {
        assert.equal(recovered.damage, undefined)
        assert.deepEqual(recovered.chunks, ['full-1-a', 'full-1-b'])
        assert.deepEqual(textsOf(recovered.groups), ['before-2-0', 'before-2-1', 'last'])
        assert.match(recovered.findings.join(), /snapshot 3 at .* cannot be used/)
        await takeSnapshot(store, log.point, 'delta', 'delta')
      },
    )
    assert.deepEqual((await reopen(directory)).chunks, ['full-1-a', 'full-1-b', 'delta'])
  }
})

test('a missing chunk makes a snapshot useless', async t => {
  for (const chunk of [0, 1]) {
    const { directory } = await makeSnapshots(t, ['full', 'full'])
    await removeKey(directory, chunkKey(2, chunk))
    const { chunks, damage } = await reopen(directory)
    assert.deepEqual([chunks, damage], [['full-0-a', 'full-0-b'], undefined])
  }
})

test('a spoilt delta takes those after it along, a spoilt image all its deltas', async t => {
  const kinds = ['full', 'full', 'delta', 'delta'] as const
  for (const [spoilt, chunks] of [
    [4, ['full-1-a', 'full-1-b', 'delta-2-a', 'delta-2-b']],
    [3, ['full-1-a', 'full-1-b']],
  ] as const) {
    const { directory } = await makeSnapshots(t, kinds)
    await flipByte(directory, chunkKey(spoilt, 1), -1)
    const recovered = await reopen(directory)
    assert.equal(recovered.damage, undefined)
    assert.deepEqual(recovered.chunks, chunks)
  }
  const { directory } = await makeSnapshots(t, kinds)
  await flipByte(directory, chunkKey(2, 0), -1)
  const recovered = await reopen(directory)
  assert.match(recovered.damage ?? '', /./)
  assert.deepEqual(recovered.chunks, [], 'the image before was purged with its log')
})

test('no snapshot left and a log that does not go back is damage', async t => {
  const { directory } = await makeSnapshots(t, ['full', 'full'])
  await flipByte(directory, chunkKey(1, 0), -1)
  await flipByte(directory, chunkKey(2, 0), -1)
  const recovered = await reopen(directory)
  assert.match(recovered.damage ?? '', /hole after 0x0/)
  assert.deepEqual([recovered.snapshot, recovered.groups], [undefined, []])
})

test('the only snapshot spoilt is no damage while the log goes back to the beginning', async t => {
  const { directory } = await makeSnapshots(t, ['full'])
  await flipByte(directory, chunkKey(1, 0), -1)
  const recovered = await reopen(directory)
  assert.equal(recovered.damage, undefined)
  assert.deepEqual(textsOf(recovered.groups), ['before-0-0', 'before-0-1', 'last'])
})

test('a spoilt snapshot is damage when the log no longer reaches it', async t => {
  const { directory, log } = await makeSnapshots(t, ['full', 'full'])
  await flipByte(directory, chunkKey(2, 0), -1)
  await withDatabase(directory, async database => {
    for (const group of log.made.slice(2)) await database.del(logKey(group.first))
  })
  const recovered = await reopen(directory)
  assert.match(recovered.damage ?? '', /snapshot at 0x100000004 cannot be used and the log ends at/)
})

test('a spoilt head may hide a snapshot that the log does not reach: damage', async t => {
  const { directory } = await makeSnapshots(t, ['full', 'full', 'full'])
  await flipByte(directory, headKey(3), -1)
  assert.match((await reopen(directory)).damage ?? '', /head of snapshot 3/)
})

test('a spoilt head of an older snapshot is passed over and removed', async t => {
  const { directory } = await makeSnapshots(t, ['full', 'full', 'full'])
  await flipByte(directory, headKey(1), -1)
  const recovered = await reopen(directory)
  assert.equal(recovered.damage, undefined)
  assert.equal((await keysOf(directory, 'v')).length, 2)
})

test('all snapshots and the log after them gone is damage', async t => {
  const { directory } = await makeSnapshots(t, ['full', 'full'])
  await withDatabase(directory, async database => {
    for await (const key of database.keys()) if (key[0] !== META_KEY[0]) await database.del(key)
  })
  assert.match((await reopen(directory)).damage ?? '', /beginning at 0x100000002/)
})

test('a damaged store is replaced whole, the witnesses of its damage included', async t => {
  const { directory } = await makeSnapshots(t, ['full', 'full'])
  await flipByte(directory, headKey(2), -1)
  const point = pointAfter(3)
  await session(
    () => openLevel(directory),
    async store => {
      await store.stage(Buffer.from('whole'))
      await store.write(batch({ install: headAt(point) }))
    },
  )
  const keys = await withDatabase(directory, database => database.keys().all())
  assert.equal(keys.filter(key => key[0] === headKey(1)[0]).length, 1)
  const recovered = await reopen(directory)
  assert.deepEqual([recovered.damage, recovered.chunks], [undefined, ['whole']])
  assert.deepEqual(await keysOf(directory, 'l'), [])
})

test('history and snapshots that spoil while the peer is running are not handed out', async t => {
  const { directory, log } = await makeSnapshots(t, ['full', 'full', 'full'])
  // Before the snapshot the peer starts from, so that only a learner's question meets it.
  await flipByte(directory, logKey(log.made[3]!.first), -1)
  await session(
    () => openLevel(directory),
    async (store, recovered) => {
      assert.equal(recovered.damage, undefined)
      const { last, chain } = log.made[1]!
      const after = { zxid: last, chain }
      assert.deepEqual(textsOf(await store.loadGroups(after, 1e6)), ['before-1-0'])
      const { last: zxid, chain: sum } = log.made[2]!
      assert.equal(await store.loadGroups({ zxid, chain: sum }, 1e6), undefined)
      assert.equal(await store.loadGroups(LOG_START, 1e6), undefined)
    },
  )
})

test('a log of LevelDB that cannot be read just now is left as it is', async t => {
  const { directory, log } = await makeLog(t, 5)
  const file = await levelLogOf(directory)
  await rename(file, `${file}.away`)
  await mkdir(file)
  await assert.rejects(openLevel(directory), { code: 'STORAGE_FAILED', path: directory })
  await rmdir(file)
  await rename(`${file}.away`, file)
  const recovered = await reopen(directory)
  assert.deepEqual(textsOf(recovered.groups), textsOf(log.made))
})

test("damage in LevelDB's own files is told as such", async t => {
  const { directory } = await makeLog(t, 2)
  await assert.rejects(
    async () => {
      await writeFile(join(await segmentOf(directory), 'CURRENT'), 'MANIFEST-999999\n')
      await openLevel(directory)
    },
    (error: unknown) => error instanceof TreeError && error.path === directory,
  )
})
