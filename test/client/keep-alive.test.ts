/** What an open session means for the life of its thread. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { FakeEnsemble } from './fake-ensemble.ts'
import { BOOT } from './fake-thread.ts'

test('a session that was let go does not keep its thread alive', async () => {
  const ensemble = new FakeEnsemble(1)
  const handle = ensemble.handle()
  const entry = new URL('./idle-client.ts', import.meta.url).href
  const worker = new Worker(BOOT, {
    eval: true,
    workerData: { entry, handle },
    transferList: [handle],
  })
  const [code] = await once(worker, 'exit')
  assert.equal(code, 0)
  assert.equal(ensemble.heard.length, 3)
})
