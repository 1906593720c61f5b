/** What it costs to get a small message into another thread and back: half of it is a hop. */

import { once } from 'node:events'
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  type Worker,
} from 'node:worker_threads'
import { Latencies } from '../util/latencies.ts'
import { nextMessage, startThread } from '../util/thread.ts'
import type { EchoTask } from './echo-thread.ts'

const MESSAGE_BYTES = 128

export class Hops {
  /** Round trips. */
  readonly promised = new Latencies()
  readonly blocking = new Latencies()
  readonly #port: MessagePort
  readonly #wake = new Int32Array(new SharedArrayBuffer(4))
  readonly #thread: Worker

  static async open(): Promise<Hops> {
    const hops = new Hops()
    await nextMessage(hops.#thread)
    return hops
  }

  private constructor() {
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    const task: EchoTask = { port: port2, wake: this.#wake }
    this.#thread = startThread('echo-thread', import.meta.url, task, [port2])
  }

  async measurePromised(ms: number): Promise<void> {
    for (const endAt = performance.now() + ms; performance.now() < endAt; ) {
      const startedAt = performance.now()
      this.#port.postMessage(new Uint8Array(MESSAGE_BYTES))
      await once(this.#port, 'message')
      this.promised.addSince(startedAt)
    }
    this.#port.removeAllListeners('message')
  }

  measureBlocking(ms: number): void {
    for (const endAt = performance.now() + ms; performance.now() < endAt; ) {
      const startedAt = performance.now()
      let seen = Atomics.load(this.#wake, 0)
      this.#port.postMessage(new Uint8Array(MESSAGE_BYTES))
      while (receiveMessageOnPort(this.#port) === undefined) {
        Atomics.wait(this.#wake, 0, seen, 1)
        seen = Atomics.load(this.#wake, 0)
      }
      this.blocking.addSince(startedAt)
    }
  }

  async close(): Promise<void> {
    const ended = once(this.#thread, 'exit')
    this.#port.close()
    await ended
  }
}
