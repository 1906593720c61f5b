/** When the end of a log is noted: after what the note vouches for, and before a promise is told to anyone. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Mark } from '../../lib/storage/records.ts'
import type { TailMark } from '../../lib/storage/tail-mark.ts'
import { batch, epochs, LogMaker, recover } from './support.ts'
import { openWatched } from './watched-store.ts'

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
  const notes: Mark[] = []
  const kept = new Gate()
  const tailMark = {
    close: async () => {},
    note: (mark: Mark) => void notes.push(mark),
    keep: (mark: Mark) => {
      notes.push(mark)
      return kept.passed
    },
  } as unknown as TailMark
  const { database, store } = await openWatched(t, { sync: true, tailMark })
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
