/** When the end of a log is noted: after what the note vouches for, and before a promise is told to anyone. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Level } from 'level'
import { LOG_START } from '../../lib/base/group.ts'
import { EPOCH_ZERO, ZXID_ZERO } from '../../lib/base/zxid.ts'
import { type Database, Disk } from '../../lib/storage/disk.ts'
import { LevelStore } from '../../lib/storage/level-store.ts'
import type { Mark } from '../../lib/storage/records.ts'
import type { TailMark } from '../../lib/storage/tail-mark.ts'
import { FaultyDatabase } from './faulty-database.ts'
import { batch, epochs, LogMaker, recover, SID, temporaryDirectory } from './support.ts'

/** Lets everything that waits for nothing run. */
const TURNS = 20

class Gate {
  readonly passed: Promise<void>
  open: () => void = () => assert.fail('too soon')

  constructor() {
    this.passed = new Promise(resolve => {
      this.open = resolve
    })
  }
}

/** A store whose notes go nowhere, and are told. */
async function openNoting(t: TestContext) {
  const directory = await temporaryDirectory(t)
  const inner: Database = new Level(directory, { keyEncoding: 'view', valueEncoding: 'view' })
  await inner.open()
  t.after(() => inner.close())
  const database = new FaultyDatabase(inner)
  const notes: Mark[] = []
  const kept = new Gate()
  const tailMark = {
    note: (mark: Mark) => void notes.push(mark),
    keep: (mark: Mark) => {
      notes.push(mark)
      return kept.passed
    },
  } as unknown as TailMark
  const store = new LevelStore(new Disk(database.asDatabase, directory, true), {
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
    tailMark,
  })
  await recover(store)
  notes.length = 0
  return { database, store, notes, kept }
}

async function settle(): Promise<void> {
  for (let turns = 0; turns < TURNS; turns++) await turn()
}

test('the end of the log is noted when the write that moved it is durable', async t => {
  const { database, store, notes, kept } = await openNoting(t)
  kept.open()
  const log = new LogMaker()
  await store.write(batch({ groups: log.many(1) }))
  notes.length = 0
  const disk = new Gate()
  database.gate = disk.passed
  const writing = store.write(batch({ groups: log.many(2) }))
  await settle()
  assert.deepEqual(notes, [], 'the write is under way')
  disk.open()
  await writing
  assert.deepEqual(
    notes.map(({ tail }) => tail),
    [log.point],
  )
})

test('a write with new epochs is done when it is noted', async t => {
  const { store, notes, kept } = await openNoting(t)
  let done = false
  const writing = store.write(batch({ epochs: epochs(3) })).then(() => {
    done = true
  })
  while (notes.length === 0) await turn()
  await settle()
  assert.ok(!done, 'the promise may not be told yet')
  kept.open()
  await writing
})
