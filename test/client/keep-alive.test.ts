/** What an open session means for the life of its thread. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { type MessagePort, Worker } from 'node:worker_threads'
import { FakeEnsemble } from './fake-ensemble.ts'
import { BOOT } from './fake-thread.ts'

function client(file: string, handle: MessagePort): Worker {
  const entry = new URL(file, import.meta.url).href
  const workerData = { entry, handle }
  return new Worker(BOOT, { eval: true, workerData, transferList: [handle] })
}

test('a session that was let go does not keep its thread alive', async () => {
  const ensemble = new FakeEnsemble(1)
  const worker = client('./idle-client.ts', ensemble.handle())
  const [code] = await once(worker, 'exit')
  assert.equal(code, 0)
  assert.equal(ensemble.heard.length, 3)
})

test('a closed session tells what is left, and keeps its thread alive no longer', async () => {
  const worker = client('./closed-client.ts', new FakeEnsemble(1).handle())
  const told: string[] = []
  worker.on('message', word => told.push(word))
  const [code] = await once(worker, 'exit')
  assert.equal(code, 0)
  assert.deepEqual(told, ['connected', 'got', 'dataChanged', 'done', 'closed'])
})
