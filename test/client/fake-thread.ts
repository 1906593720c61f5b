/** A thread of its own with a fake ensemble in it: what a blocked thread needs on the other side. */

import { once } from 'node:events'
import { isMainThread, type MessagePort, parentPort, Worker } from 'node:worker_threads'
import { FakeEnsemble } from './fake-ensemble.ts'

// Node 20 does not hand `--import tsx` down to a worker whose entry is TypeScript, so the worker registers it first.
export const BOOT = `
const { workerData } = require('node:worker_threads')
import('tsx/esm/api').then(({ register }) => { register(); return import(workerData.entry) })
`

export class FakeThread {
  readonly #worker = new Worker(BOOT, { eval: true, workerData: { entry: import.meta.url } })

  async handle(): Promise<MessagePort> {
    this.#worker.postMessage('handle')
    const [handle] = (await once(this.#worker, 'message')) as [MessagePort]
    return handle
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate()
  }
}

if (!isMainThread && parentPort !== null) {
  const ensemble = new FakeEnsemble(1, 2, 3)
  const port = parentPort
  port.on('message', () => {
    const handle = ensemble.handle()
    port.postMessage(handle, [handle])
  })
}
