/** What the core hears of its store: a write is durable when the store says so, a failure is the end of the peer. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { EPOCH_ZERO, ZXID_ZERO } from '../../lib/base/zxid.ts'
import type { StoreTask } from '../../lib/peer/core-tasks.ts'
import type { PeerInput } from '../../lib/peer/core-turn.ts'
import { StoreRunner } from '../../lib/peer/store-runner.ts'
import type { Store } from '../../lib/storage/store.ts'

const WRITE: StoreTask = {
  kind: 'write',
  persist: {
    writeId: 7,
    epochs: { acceptedEpoch: EPOCH_ZERO, currentEpoch: EPOCH_ZERO },
    install: undefined,
    truncateAfter: undefined,
    groups: [],
    committed: ZXID_ZERO,
  },
}

/** A runner on a store that takes its time for whatever it is asked. */
function begin() {
  const heard: PeerInput[] = []
  const failures: unknown[] = []
  let finish: () => void = () => assert.fail('nothing was asked')
  let fail: (error: Error) => void = () => assert.fail('nothing was asked')
  const slow = () =>
    new Promise<void>((resolve, reject) => {
      finish = resolve
      fail = reject
    })
  const store = { write: slow, stage: slow, appendSnapshot: slow } as unknown as Store
  const runner = new StoreRunner(
    store,
    input => heard.push(input),
    error => failures.push(error),
  )
  return {
    runner,
    heard,
    failures,
    finish: () => finish(),
    fail: (error: Error) => fail(error),
  }
}

test('a write is reported when it is durable', async () => {
  const { runner, heard, failures, finish } = begin()
  runner.run([WRITE])
  await turn()
  assert.deepEqual(heard, [], 'it is under way')
  finish()
  await turn()
  assert.deepEqual(heard, [{ kind: 'persisted', writeId: 7 }])
  assert.deepEqual(failures, [])
})

test('a part of a snapshot is reported when it is durable', async () => {
  const { runner, heard, finish } = begin()
  runner.run([{ kind: 'snapshotChunk', bytes: new Uint8Array(3) }])
  await turn()
  assert.deepEqual(heard, [])
  finish()
  await turn()
  assert.deepEqual(heard, [{ kind: 'snapshotStep' }])
})

for (const task of [WRITE, { kind: 'stage', bytes: new Uint8Array(3) }] as const) {
  test(`a failure of ${task.kind} is the end, and never taken for success`, async () => {
    const { runner, heard, failures, fail } = begin()
    const error = new Error('the disk is full')
    runner.run([task])
    fail(error)
    await turn()
    assert.deepEqual(failures, [error])
    assert.deepEqual(heard, [])
  })
}
