/** A thread that sends every message back, as a peer answers: a wake-up for who is blocked, a message for all. */

import { type MessagePort, parentPort, workerData } from 'node:worker_threads'

export interface EchoTask {
  readonly port: MessagePort
  readonly wake: Int32Array
}

const { port, wake } = workerData as EchoTask
port.on('message', message => {
  port.postMessage(message)
  Atomics.add(wake, 0, 1)
  Atomics.notify(wake, 0)
})
parentPort!.postMessage('ready')
