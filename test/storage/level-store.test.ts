/** What only the store on LevelDB can do wrong: its line of calls, its failures, what it leaves on disk. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TreeError } from '../../lib/base/errors.ts'
import { LOG_START, type LogPoint } from '../../lib/base/group.ts'
import { chunkKey } from '../../lib/storage/keys.ts'
import type { LevelStore } from '../../lib/storage/level-store.ts'
import { temporaryDirectory } from '../temporary.ts'
import type { Call } from './faulty-database.ts'
import {
  batch,
  epochs,
  flipByte,
  headAt,
  keysOf,
  LogMaker,
  openLevel,
  partsOf,
  pointAfter,
  readSnapshot,
  recover,
  session,
  takeSnapshot,
  textOf,
  textsOf,
} from './support.ts'
import { openWatched } from './watched-store.ts'

function isWrite({ name }: Call): boolean {
  return name === 'put' || name === 'batch'
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
  store.beginSnapshot(headAt(LOG_START), 'full')
  await store.appendSnapshot(Buffer.from('0'))
  const open = database.holdUp()
  const order: string[] = []
  const note = (name: string) => () => order.push(name)
  const chunks = [
    store.appendSnapshot(Buffer.from('1')).then(note('chunk 1')),
    store.appendSnapshot(Buffer.from('2')).then(note('chunk 2')),
  ]
  // Both have their place in the line before the write.
  await new Promise(resolve => setImmediate(resolve))
  const write = store.write(batch({ groups: new LogMaker().many(1) })).then(note('write'))
  open()
  await Promise.all([...chunks, write])
  assert.deepEqual(order, ['chunk 1', 'write', 'chunk 2'])
})

test('an installation waits for the chunks that were staged before it', async t => {
  const { database, store } = await openWatched(t)
  await recover(store)
  const before = database.calls.length
  const open = database.holdUp()
  const staged = ['1', '2', '3'].map(text => store.stage(Buffer.from(text)))
  const installed = store.write(batch({ install: headAt(pointAfter(1)) }))
  open()
  await Promise.all([...staged, installed])
  const writes = database.calls.slice(before).filter(isWrite)
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

/** In its database, which is not open as long as nobody reads the snapshot. */
function spoilChunk(directory: string, id: number): Promise<void> {
  return flipByte(directory, chunkKey(id, 0), -1)
}

test('a snapshot that spoils while the peer is running gives way to the one before it', async t => {
  const { directory, store } = await openWatched(t)
  await recover(store)
  const log = new LogMaker()
  for (const kind of ['full', 'delta', 'delta', 'delta'] as const) {
    await store.write(batch({ groups: log.many(1) }))
    await takeSnapshot(store, log.point, kind, kind)
  }
  const { last: logStart } = log.made[2]!
  await spoilChunk(directory, 4)
  assert.equal(await readSnapshot(store), undefined)
  assert.deepEqual(await readSnapshot(store), ['full', 'delta', 'delta'])
  assert.equal(store.newestChain(), undefined)
  await spoilChunk(directory, 3)
  assert.equal(await readSnapshot(store), undefined)
  assert.equal(await readSnapshot(store), undefined, 'the log after the next older one is gone')
  const purged = await takeSnapshot(store, log.point, 'full', 'new')
  assert.equal(purged.zxid, logStart, 'the beginning of the log never moves back')
  assert.deepEqual(await readSnapshot(store), ['new'])
})

test('only durability power syncs groups, and then log and chunks alike', async t => {
  for (const sync of [true, false]) {
    const { database, store } = await openWatched(t, { sync })
    await recover(store)
    await store.write(batch({ epochs: epochs(1) }))
    const before = database.calls.length
    await store.write(batch({ groups: new LogMaker().many(2) }))
    await takeSnapshot(store, LOG_START, 'full', 'image')
    const after = database.calls.slice(before)
    const writes = after.filter(isWrite)
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
  assert.equal((await keysOf(directory, 'l')).length, 13, 'the log goes with its segments')
})

test('an abort overtakes the chunks and the commit that wait', async t => {
  const { directory, database, store } = await openWatched(t)
  await recover(store)
  const open = database.holdUp()
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

test('what an installation replaces goes at the next opening', async t => {
  const directory = await temporaryDirectory(t)
  const open = () => openLevel(directory)
  await session(open, async store => {
    await store.write(batch({ groups: new LogMaker().many(600) }))
    await store.stage(Buffer.from('installed'))
    await store.write(batch({ install: headAt(pointAfter(500)) }))
  })
  assert.equal((await partsOf(directory, 'log')).length, 2)
  await session(open, async (_, { damage }) => assert.equal(damage, undefined))
  assert.deepEqual(await keysOf(directory, 'l'), [])
})

test('an installation from before the beginning of the log takes its place', async t => {
  for (const segmentBytes of [0, 1e6]) {
    const { directory, store } = await openWatched(t, { segmentBytes })
    await recover(store)
    const log = new LogMaker()
    for (const name of ['a', 'b', 'c']) {
      await store.write(batch({ groups: log.many(20) }))
      await takeSnapshot(store, log.point, 'full', name)
    }
    await store.stage(Buffer.from('installed'))
    const after = new LogMaker(pointAfter(3))
    await store.write(batch({ install: headAt(pointAfter(3)), groups: after.many(2, 'next') }))
    await store.close()
    await session(
      () => openLevel(directory),
      async (again, { chunks, groups, damage }) => {
        assert.deepEqual([damage, chunks], [undefined, ['installed']])
        assert.deepEqual(textsOf(groups), ['next-0', 'next-1'])
        assert.equal(await again.loadGroups(pointAfter(2), 1e6), undefined)
      },
    )
    assert.equal((await partsOf(directory, 'log')).length, 1)
    assert.equal((await partsOf(directory, 'snapshot')).length, 1)
  }
})

test('closing waits for what is being written and refuses what waits', async t => {
  const { database, store } = await openWatched(t)
  await recover(store)
  await store.stage(Buffer.from('done'))
  const open = database.holdUp()
  const log = new LogMaker()
  const first = store.stage(Buffer.from('under way'))
  await new Promise(resolve => setImmediate(resolve))
  const second = store.write(batch({ groups: log.many(1) }))
  const refused = assert.rejects(second, { code: 'CLOSED' })
  const closed = store.close()
  open()
  await Promise.all([first, refused, closed])
})
