/** What is in the journal and not in LevelDB is there after the process was killed, in its place, and once. */

import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Level } from 'level'
import { TreeError } from '../../lib/base/errors.ts'
import { type Group, LOG_START, pointOf } from '../../lib/base/group.ts'
import type { Durability } from '../../lib/base/ports.ts'
import { makeEpoch } from '../../lib/base/zxid.ts'
import { continuationOf, Journal, readJournal } from '../../lib/storage/journal.ts'
import { openStore } from '../../lib/storage/open.ts'
import type { Store } from '../../lib/storage/store.ts'
import { temporaryDirectory } from '../temporary.ts'
import { FaultyDatabase } from './faulty-database.ts'
import {
  batch,
  copyOf,
  epochs,
  headAt,
  LogMaker,
  openLevel,
  recover,
  SID,
  session,
  takeSnapshot,
  textsOf,
} from './support.ts'

const JOURNAL = 'quorumtree.journal'
const SMALL = 100
const LARGE = 5_000

function recordOf(group: Group, committed = LOG_START.zxid) {
  return { group, committed, metaRevision: 0 }
}

interface Life {
  readonly directory: string
  readonly database: FaultyDatabase
  readonly store: Store
  readonly log: LogMaker
}

/** A store in its first life, which has an epoch; only its end closes it. */
async function live(t: TestContext): Promise<Life> {
  const directory = await temporaryDirectory(t)
  const database = new FaultyDatabase()
  const options = { sid: SID, dataDir: directory, durability: 'process' } as const
  const store = await openStore(options, place =>
    database.wrap(new Level(place, { keyEncoding: 'view', valueEncoding: 'view' })),
  )
  t.after(() => store.close())
  await recover(store)
  await store.write(batch({ epochs: epochs(1) }))
  return { directory, database, store, log: new LogMaker() }
}

async function found(directory: string, durability: Durability = 'process') {
  return session(
    () => openLevel(directory, { durability }),
    async (_, recovered) => recovered,
  )
}

async function write(store: Store, groups: readonly Group[]): Promise<void> {
  for (const group of groups) await store.write(batch({ groups: [group] }))
}

function writesTo(database: FaultyDatabase): number {
  return database.calls.filter(({ name }) => name === 'put' || name === 'batch').length
}

test('a half gives back what was appended, and what follows it from the time before', async t => {
  const directory = await temporaryDirectory(t)
  const log = new LogMaker()
  const journal = await Journal.open(directory)
  await journal.clear()
  const frame = () => Journal.frame([recordOf(log.next('group', { bytes: SMALL }))])
  let perHalf = 0
  for (let framed = frame(); journal.fits(framed); framed = frame(), perHalf++) {
    journal.append(framed)
  }
  assert.ok(perHalf > 50)
  for (let turn = 0; turn < 3; turn++) {
    journal.turn()
    journal.append(frame())
  }
  await journal.close()
  const records = await readJournal(directory)
  const zxids = records.map(({ group }) => group.first)
  assert.deepEqual(
    zxids,
    [...zxids].sort((one, other) => one - other),
  )
  assert.deepEqual(records.at(-1)?.group.first, log.made.at(-1)?.first)
  const all = continuationOf(records, pointOf(log.made.at(-2)!), makeEpoch(1))
  assert.deepEqual(textsOf(all.map(({ group }) => group)), ['group'])
})

test('a record that is spoilt or cut short ends a half', async t => {
  const directory = await temporaryDirectory(t)
  const log = new LogMaker()
  const journal = await Journal.open(directory)
  await journal.clear()
  const [one, two, three] = log.many(3).map(group => Journal.frame([recordOf(group)]))
  for (const framed of [one!, two!, three!]) journal.append(framed)
  await journal.close()
  const place = join(directory, JOURNAL)
  const bytes = await readFile(place)
  const total = one!.length + two!.length + three!.length
  for (let at = 0; at < total; at++) {
    const whole = at < one!.length ? 0 : at < one!.length + two!.length ? 1 : 2
    const spoilt = Buffer.from(bytes)
    spoilt[at]! ^= 0x10
    await writeFile(place, spoilt)
    assert.equal((await readJournal(directory)).length, whole, `spoilt at ${at}`)
    await writeFile(place, bytes.subarray(0, at))
    assert.equal((await readJournal(directory)).length, whole, `cut at ${at}`)
  }
})

test('only what continues the log counts, and no epoch that was not begun', () => {
  const log = new LogMaker()
  const [one, two] = log.many(2)
  const three = log.next('three', { epoch: 2 })
  const other = new LogMaker(pointOf(one!)).next('other')
  const records = [one!, other, two!, three].map(group => recordOf(group))
  const from = (point: typeof LOG_START, epoch: number) =>
    textsOf(continuationOf(records, point, makeEpoch(epoch)).map(({ group }) => group))
  assert.deepEqual(from(pointOf(two!), 2), ['three'])
  assert.deepEqual(from(pointOf(two!), 1), [])
  assert.deepEqual(from(pointOf(three), 2), [])
  assert.deepEqual(from(LOG_START, 1), ['group-0', 'other'])
})

test('small writes reach LevelDB many at once, and are there after a kill', async t => {
  const { directory, database, store, log } = await live(t)
  const before = writesTo(database)
  await write(store, log.many(1_000, 'group', SMALL))
  assert.ok(writesTo(database) - before < 30)
  const remains = await found(await copyOf(t, directory))
  assert.deepEqual(textsOf(remains.groups), textsOf(log.made))
  assert.equal(remains.damage, undefined)
  assert.deepEqual(remains.epochEnds, [log.point])
})

test('while LevelDB stands still, as much is acknowledged as the journal holds', async t => {
  const { directory, database, store, log } = await live(t)
  const open = database.holdUp()
  let acknowledged = 0
  const writing = (async () => {
    for (const group of log.many(1_000, 'group', SMALL)) {
      await store.write(batch({ groups: [group] }))
      acknowledged++
    }
  })()
  for (let before = -1; before < acknowledged; ) {
    before = acknowledged
    for (let turn = 0; turn < 100; turn++) await new Promise(resolve => setImmediate(resolve))
  }
  const first = acknowledged
  assert.ok(first > 100 && first < 300, `${first}`)
  const copy = await copyOf(t, directory)
  open()
  await writing
  assert.deepEqual(textsOf((await found(copy)).groups), textsOf(log.made.slice(0, first)))
})

test('what was taken over from the journal is in the log, under any durability', async t => {
  const { directory, database, store, log } = await live(t)
  // Else it is handed to LevelDB when it is time for that.
  const open = database.holdUp()
  await store.write(batch({ groups: log.many(1), committed: log.point.zxid }))
  const committed = log.point.zxid
  await store.write(batch({ groups: log.many(2), committed }))
  const copies = [await copyOf(t, directory), await copyOf(t, directory)]
  open()
  for (const durability of ['power', 'process'] as const) {
    const copy = copies.pop()!
    const first = await found(copy, durability)
    assert.equal(first.committed, committed)
    assert.match(first.findings.at(-1) ?? '', /3 groups of the journal/)
    assert.deepEqual(await readJournal(copy), [])
    const second = await found(copy, durability)
    assert.deepEqual(textsOf(second.groups), textsOf(log.made))
    assert.doesNotMatch(second.findings.at(-1) ?? '', /journal/)
  }
})

test('large writes go to LevelDB at once, behind the small ones before', async t => {
  const { directory, store, database, log } = await live(t)
  const before = writesTo(database)
  for (let round = 0; round < 3; round++) {
    await write(store, log.many(2, 'small', SMALL))
    await write(store, log.many(1, 'large', LARGE))
  }
  assert.equal(writesTo(database) - before, 3)
  const remains = await found(await copyOf(t, directory))
  assert.deepEqual(textsOf(remains.groups), textsOf(log.made))
})

test('what was cut off does not come back', async t => {
  const { directory, store, log } = await live(t)
  await write(store, log.many(5))
  const kept = pointOf(log.made[1]!)
  await store.write(batch({ truncateAfter: kept }))
  assert.deepEqual(textsOf((await found(await copyOf(t, directory))).groups), [
    'group-0',
    'group-1',
  ])
  log.point = kept
  await store.write(batch({ epochs: epochs(2), groups: [log.next('new', { epoch: 2 })] }))
  assert.deepEqual(textsOf((await found(await copyOf(t, directory))).groups), [
    ...['group-0', 'group-1', 'new'],
  ])
})

test('what a leader’s snapshot replaces does not come back', async t => {
  const { directory, store, log } = await live(t)
  await write(store, log.many(3))
  const install = headAt(pointOf(log.made[1]!))
  await store.stage(Buffer.from('theirs'))
  await store.write(batch({ install }))
  const remains = await found(await copyOf(t, directory))
  assert.deepEqual(remains.groups, [])
  assert.deepEqual(remains.snapshot, install)
})

test('a promise is written behind what was acknowledged before it', async t => {
  const { directory, store, log } = await live(t)
  await write(store, log.many(3))
  await store.write(batch({ epochs: epochs(2, 1) }))
  const copy = await copyOf(t, directory)
  await writeFile(join(copy, JOURNAL), '')
  const remains = await found(copy)
  assert.deepEqual(textsOf(remains.groups), textsOf(log.made))
  assert.deepEqual(remains.epochs, epochs(2, 1))
})

test('learners and snapshots find in LevelDB what was acknowledged', async t => {
  const { directory, store, log } = await live(t)
  await write(store, log.many(3))
  const loaded = await store.loadGroups(pointOf(log.made[0]!), 1_000)
  assert.deepEqual(textsOf(loaded), ['group-1', 'group-2'])
  for (let round = 0; round < 3; round++) {
    await write(store, log.many(2, `round-${round}`))
    await takeSnapshot(store, log.point, 'full', `image-${round}`)
  }
  await write(store, log.many(1, 'last'))
  const remains = await found(await copyOf(t, directory))
  assert.equal(remains.damage, undefined)
  assert.deepEqual(textsOf(remains.groups), ['last-0'])
})

test('LevelDB gets what is in the journal also when nothing follows', async t => {
  const { database, store, log } = await live(t)
  const before = writesTo(database)
  const handed = new Promise<void>(resolve => {
    database.onCall = resolve
  })
  await write(store, log.many(3))
  assert.equal(writesTo(database), before)
  // The store keeps no process alive for this.
  const alive = setInterval(() => undefined, 60_000)
  await handed
  clearInterval(alive)
  assert.equal(writesTo(database), before + 1)
})

test('a snapshot that is given up while LevelDB gets the log before it does not count', async t => {
  const { directory, store, log } = await live(t)
  await write(store, log.many(1))
  await takeSnapshot(store, log.point, 'full', 'first')
  await write(store, log.many(3))
  store.beginSnapshot(headAt(log.point), 'delta')
  await store.appendSnapshot(Buffer.from('second'))
  const committed = store.commitSnapshot()
  store.abortSnapshot()
  store.beginSnapshot(headAt(log.point), 'delta')
  await committed
  await store.appendSnapshot(Buffer.from('third'))
  await store.commitSnapshot()
  const copy = await copyOf(t, directory)
  await session(
    () => openLevel(copy),
    async (_, { chunks, damage }) =>
      assert.deepEqual([chunks, damage], [['first', 'third'], undefined]),
  )
})

test('when LevelDB fails, writes are refused before the journal is full again', async t => {
  const { database, store, log } = await live(t)
  database.failAt = database.calls.length + 1
  const writing = write(store, log.many(1_000, 'group', SMALL))
  await assert.rejects(writing, { name: 'TreeError', code: 'NO_SPACE' })
  await assert.rejects(store.write(batch({ groups: [log.next('more')] })), TreeError)
})
