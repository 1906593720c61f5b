/** What only the store on LevelDB can do wrong: its line of calls, its failures, what it leaves on disk. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Level } from 'level'
import { TreeError } from '../../lib/base/errors.ts'
import { LOG_START, type LogPoint } from '../../lib/base/group.ts'
import { EPOCH_ZERO, ZXID_ZERO } from '../../lib/base/zxid.ts'
import { type Database, Disk } from '../../lib/storage/disk.ts'
import { chunkKey, type KeyRange, logKey } from '../../lib/storage/keys.ts'
import { LevelStore } from '../../lib/storage/level-store.ts'
import { FaultyDatabase } from './faulty-database.ts'
import {
  batch,
  epochs,
  headAt,
  keysOf,
  LogMaker,
  openLevel,
  pointAfter,
  readSnapshot,
  recover,
  SID,
  session,
  takeSnapshot,
  temporaryDirectory,
  textOf,
} from './support.ts'

interface Watched {
  readonly directory: string
  readonly database: FaultyDatabase
  readonly store: LevelStore
}

async function openWatched(t: TestContext, sync = false): Promise<Watched> {
  const directory = await temporaryDirectory(t)
  await (await openLevel(directory)).close()
  const inner: Database = new Level(directory, { keyEncoding: 'view', valueEncoding: 'view' })
  await inner.open()
  t.after(() => inner.close())
  const database = new FaultyDatabase(inner)
  const store = new LevelStore(new Disk(database.asDatabase, directory, sync), {
    snapshotsKept: 2,
    metaFault: undefined,
    meta: {
      sid: SID,
      revision: 1,
      epochs: { acceptedEpoch: EPOCH_ZERO, currentEpoch: EPOCH_ZERO },
      committed: ZXID_ZERO,
      logStart: LOG_START,
      tail: LOG_START,
      damaged: false,
    },
  })
  return { directory, database, store }
}

function holdUp(database: FaultyDatabase): () => void {
  let open: () => void = () => {}
  database.gate = new Promise(resolve => {
    open = resolve
  })
  return open
}

test('at most one call is under way, however many are asked for', async t => {
  const { database, store } = await openWatched(t)
  await recover(store)
  const log = new LogMaker()
  await takeSnapshot(store, LOG_START, 'full', 'image')
  const reader = await store.openSnapshot()
  store.beginSnapshot(headAt(LOG_START), 'full')
  const appended = ['a', 'b', 'c'].map(text => store.appendSnapshot(Buffer.from(text)))
  await Promise.all([
    ...appended,
    store.commitSnapshot(),
    store.stage(Buffer.from('staged')),
    store.write(batch({ groups: log.many(3) })),
    store.loadGroups(LOG_START, 1e6),
    reader!.next(),
  ])
  assert.ok(database.calls.length > 8)
  assert.equal(database.mostAtOnce, 1)
})

test('a log write goes before everything that waits', async t => {
  const { database, store } = await openWatched(t)
  await recover(store)
  const open = holdUp(database)
  const order: string[] = []
  const note = (name: string) => () => order.push(name)
  store.beginSnapshot(headAt(LOG_START), 'full')
  const all = [
    store.appendSnapshot(Buffer.from('1')).then(note('chunk 1')),
    store.appendSnapshot(Buffer.from('2')).then(note('chunk 2')),
    store.write(batch({ groups: new LogMaker().many(1) })).then(note('write')),
  ]
  // The write takes its place in the line a moment later than the chunks.
  await new Promise(resolve => setImmediate(resolve))
  open()
  await Promise.all(all)
  assert.deepEqual(order, ['chunk 1', 'write', 'chunk 2'])
})

test('an installation waits for the chunks that were staged before it', async t => {
  const { database, store } = await openWatched(t)
  await recover(store)
  const before = database.calls.length
  const open = holdUp(database)
  const staged = ['1', '2', '3'].map(text => store.stage(Buffer.from(text)))
  const installed = store.write(batch({ install: headAt(pointAfter(1)) }))
  open()
  await Promise.all([...staged, installed])
  const writes = database.calls.slice(before).filter(({ name }) => name !== 'nextv')
  assert.deepEqual(
    writes.map(({ name }) => name),
    ['put', 'put', 'put', 'batch'],
  )
})

test('staged chunks are not swept with what an own snapshot replaces', async t => {
  const { store } = await openWatched(t)
  await recover(store)
  await store.stage(Buffer.from('1'))
  for (const text of ['a', 'b', 'c']) await takeSnapshot(store, LOG_START, 'full', text)
  await store.stage(Buffer.from('2'))
  await store.write(batch({ install: headAt(pointAfter(1)) }))
  assert.deepEqual(await readSnapshot(store), ['1', '2'])
})

test('a snapshot that spoils while the peer is running gives way to the one before it', async t => {
  const { database, store } = await openWatched(t)
  await recover(store)
  const log = new LogMaker()
  for (const kind of ['full', 'delta', 'delta', 'delta'] as const) {
    await store.write(batch({ groups: log.many(1) }))
    await takeSnapshot(store, log.point, kind, kind)
  }
  const { last: logStart } = log.made[2]!
  await database.put(chunkKey(4, 0), Buffer.from('spoilt'))
  assert.equal(await readSnapshot(store), undefined)
  assert.deepEqual(await readSnapshot(store), ['full', 'delta', 'delta'])
  assert.equal(store.wantsFullSnapshot(), true)
  await database.put(chunkKey(3, 0), Buffer.from('spoilt'))
  assert.equal(await readSnapshot(store), undefined)
  assert.equal(await readSnapshot(store), undefined, 'the log after the next older one is gone')
  const purged = await takeSnapshot(store, log.point, 'full', 'new')
  assert.equal(purged.zxid, logStart, 'the beginning of the log never moves back')
  assert.deepEqual(await readSnapshot(store), ['new'])
})

test('only durability power syncs groups, and then log and chunks alike', async t => {
  for (const sync of [true, false]) {
    const { database, store } = await openWatched(t, sync)
    await recover(store)
    await store.write(batch({ epochs: epochs(1) }))
    const before = database.calls.length
    await store.write(batch({ groups: new LogMaker().many(2) }))
    await takeSnapshot(store, LOG_START, 'full', 'image')
    const after = database.calls.slice(before)
    const writes = after.filter(({ name }) => name === 'put' || name === 'batch')
    assert.equal(writes.length, 3)
    for (const { args } of writes) {
      const options = args.at(-1) as { sync: boolean }
      assert.equal(options.sync, sync)
      assert.ok(Object.isFrozen(options))
    }
  }
})

test('one group is one put; epochs are written when they change only', async t => {
  const { database, store } = await openWatched(t)
  await recover(store)
  const log = new LogMaker()
  await store.write(batch({ groups: [log.next('first')] }))
  const before = database.calls.length
  await store.write(batch({ groups: [log.next('second')] }))
  assert.deepEqual(
    database.calls.slice(before).map(({ name }) => name),
    ['put'],
  )
})

/** A peer's life in small; notes what it was told is durable. */
async function live(store: LevelStore, done: { writes: LogPoint[] }): Promise<void> {
  await recover(store)
  const log = new LogMaker()
  for (let round = 0; round < 4; round++) {
    await store.write(batch({ groups: [log.next(`round-${round}`)], epochs: epochs(1) }))
    done.writes.push(log.point)
    await takeSnapshot(store, log.point, round % 2 === 0 ? 'full' : 'delta', `image-${round}`)
    await store.loadGroups(LOG_START, 1e6)
  }
  const cut = log.point
  await store.write(batch({ groups: log.many(2, 'uncommitted') }))
  await store.write(batch({ truncateAfter: cut, epochs: epochs(2) }))
  const leaders = new LogMaker(cut)
  await store.stage(Buffer.from('installed'))
  const groups = [leaders.next('installed', { epoch: 2 })]
  await store.write(batch({ install: headAt(cut), groups, epochs: epochs(2) }))
  done.writes.push(leaders.point)
}

test('whichever call fails: what was durable stays, nothing more is accepted', async t => {
  const whole = await openWatched(t)
  await live(whole.store, { writes: [] })
  const count = whole.database.calls.length
  assert.ok(count > 30)
  for (let failAt = 1; failAt <= count; failAt++) {
    const { directory, database, store } = await openWatched(t)
    database.failAt = failAt
    const done = { writes: [] as LogPoint[] }
    const failure = await live(store, done).then(
      () => assert.fail(`call ${failAt} fails`),
      (error: unknown) => error,
    )
    assert.ok(failure instanceof TreeError, String(failure))
    assert.equal(failure.code, 'NO_SPACE')
    const same = (error: unknown): boolean => error === failure
    await assert.rejects(store.write(batch({ epochs: epochs(7) })), same)
    await assert.rejects(
      store.loadGroups(LOG_START, 1).then(() => store.stage(Buffer.of(1))),
      same,
    )
    assert.equal(database.calls.length, failAt, 'LevelDB is not called again')
    await store.close()
    const last = done.writes.at(-1) ?? LOG_START
    await session(
      () => openLevel(directory),
      async (_, recovered) => {
        assert.equal(recovered.damage, undefined)
        const tail = recovered.epochEnds.at(-1) ?? LOG_START
        assert.ok(tail.zxid >= last.zxid, `call ${failAt}: ${tail.zxid} >= ${last.zxid}`)
      },
    )
  }
})

test('a snapshot half written at a crash is invisible, and swept later', async t => {
  const directory = await temporaryDirectory(t)
  const log = new LogMaker()
  const open = () => openLevel(directory)
  await session(open, async store => {
    await store.write(batch({ groups: log.many(1) }))
    await takeSnapshot(store, log.point, 'full', 'whole')
    store.beginSnapshot(headAt(log.point), 'full')
    await store.appendSnapshot(Buffer.from('half'))
    await store.stage(Buffer.from('staged'))
  })
  assert.equal((await keysOf(directory, 's')).length, 3)
  await session(open, async (store, { chunks }) => {
    assert.deepEqual(chunks, ['whole'])
    await takeSnapshot(store, log.point, 'delta', 'next')
  })
  const ids = (await keysOf(directory, 's')).map(key => Buffer.from(key).readUInt32BE(1))
  assert.deepEqual(ids, [1, 4], 'an id is never used twice')
})

test('purging leaves what the kept snapshots need, and nothing else', async t => {
  const directory = await temporaryDirectory(t)
  const log = new LogMaker()
  const kinds = ['full', 'delta', 'full', 'delta', 'delta', 'full'] as const
  const found: number[] = []
  await session(
    () => openLevel(directory, { snapshotsKept: 2 }),
    async store => {
      for (const [at, kind] of kinds.entries()) {
        await store.write(batch({ groups: log.many(2, `before-${at}`) }))
        await takeSnapshot(store, log.point, kind, `${kind}-${at}`)
      }
      await store.write(batch({ groups: [log.next('last')] }))
      for (const { last, chain } of log.made) {
        const groups = await store.loadGroups({ zxid: last, chain }, 1e6)
        if (groups !== undefined) found.push(groups.length)
      }
    },
  )
  const ids = async (kind: string): Promise<number[]> =>
    (await keysOf(directory, kind)).map(key => Buffer.from(key).readUInt32BE(1))
  assert.deepEqual(await ids('v'), [3, 4, 5, 6])
  assert.deepEqual(await ids('s'), [3, 4, 5, 6])
  assert.deepEqual(found, [3, 2, 1, 0])
  assert.equal((await keysOf(directory, 'l')).length, 3)
})

test('an abort overtakes the chunks and the commit that wait', async t => {
  const { directory, database, store } = await openWatched(t)
  await recover(store)
  const open = holdUp(database)
  const busy = store.write(batch({ groups: new LogMaker().many(1) }))
  await new Promise(resolve => setImmediate(resolve))
  store.beginSnapshot(headAt(LOG_START), 'full')
  const waiting = [store.appendSnapshot(Buffer.from('dropped')), store.commitSnapshot()]
  store.abortSnapshot()
  open()
  assert.deepEqual(await Promise.all([busy, ...waiting]), [undefined, undefined, LOG_START])
  assert.equal(await store.openSnapshot(), undefined)
  await store.close()
  assert.deepEqual([await keysOf(directory, 's'), await keysOf(directory, 'v')], [[], []])
})

test('a reader survives the installation of another snapshot', async t => {
  const directory = await temporaryDirectory(t)
  await session(
    () => openLevel(directory),
    async store => {
      const log = new LogMaker()
      await takeSnapshot(store, LOG_START, 'full', 'old-1', 'old-2')
      const reader = await store.openSnapshot()
      await store.stage(Buffer.from('installed'))
      await store.write(batch({ install: headAt(pointAfter(1)), epochs: epochs(1) }))
      log.many(1)
      await takeSnapshot(store, log.point, 'full', 'newer')
      const chunks = [await reader!.next(), await reader!.next()]
      assert.deepEqual(
        chunks.map(chunk => textOf(chunk!.bytes)),
        ['old-1', 'old-2'],
      )
      reader!.close()
      assert.equal(await reader!.next(), undefined)
    },
  )
})

test('what an installation leaves behind is swept at the next opening', async t => {
  const directory = await temporaryDirectory(t)
  const open = () => openLevel(directory)
  await session(open, async store => {
    await store.write(batch({ groups: new LogMaker().many(600) }))
    await store.stage(Buffer.from('installed'))
    await store.write(batch({ install: headAt(pointAfter(500)) }))
  })
  assert.equal((await keysOf(directory, 'l')).length, 500, 'those after it went with the write')
  await session(open, async (_, { damage }) => assert.equal(damage, undefined))
  assert.deepEqual(await keysOf(directory, 'l'), [])
})

test('an installation from before the beginning of the log is not swept with its past', async t => {
  const { directory, database, store } = await openWatched(t)
  await recover(store)
  const log = new LogMaker()
  await store.write(batch({ groups: log.many(1500) }))
  await takeSnapshot(store, log.point, 'full', 'older')
  await store.stage(Buffer.from('installed'))
  const groups = new LogMaker(pointAfter(3)).many(1500, 'installed')
  let installed: Promise<void> | undefined
  const keys = database.keys.bind(database)
  database.keys = (range: KeyRange) => {
    const isSweep = Buffer.from(range.lte ?? []).equals(logKey(log.point.zxid))
    if (isSweep) installed ??= store.write(batch({ install: headAt(pointAfter(3)), groups }))
    return keys(range)
  }
  await takeSnapshot(store, log.point, 'full', 'newer')
  await installed
  await store.close()
  const left = await keysOf(directory, 'l')
  const wanted = groups.map(({ first }) => logKey(first))
  assert.deepEqual(left.slice(-wanted.length), wanted)
})

test('closing waits for what is being written and refuses what waits', async t => {
  const { database, store } = await openWatched(t)
  await recover(store)
  const open = holdUp(database)
  const log = new LogMaker()
  const first = store.stage(Buffer.from('under way'))
  const second = store.write(batch({ groups: log.many(1) }))
  const refused = assert.rejects(second, { code: 'CLOSED' })
  const closed = store.close()
  open()
  await Promise.all([first, refused, closed])
})
