/** A thread that puts takes part in each round once, however late it is woken for it. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { ROUND, SIGNAL_WORDS } from '../../bench/floors/signals.ts'
import { BOOT } from '../ensemble/support.ts'

test('a thread woken without a new round goes on waiting', async t => {
  const signals = new Int32Array(new SharedArrayBuffer(SIGNAL_WORDS * 4))
  const entry = new URL('round-thread.ts', import.meta.url).href
  const thread = new Worker(BOOT, { eval: true, workerData: { entry, signals } })
  t.after(() => thread.terminate())
  let answered = false
  const answer = once(thread, 'message').finally(() => {
    answered = true
  })
  // The second wake-up finds it asleep again.
  for (let wakeUps = 0; wakeUps < 2; ) {
    assert.ok(!answered, 'the thread has taken a wake-up for a round')
    wakeUps += Atomics.notify(signals, ROUND)
    await turn()
  }
  Atomics.store(signals, ROUND, 1)
  Atomics.notify(signals, ROUND)
  assert.deepEqual(await answer, [1])
})
