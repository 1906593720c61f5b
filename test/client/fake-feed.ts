/** A handle whose doors hand the feeds of local observers to the test; sessions go on to the ensemble behind it. */

import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { ByteReader } from '../../lib/base/bytes.ts'
import { decodeObserverMessage, type ObserverMessage } from '../../lib/base/feed.ts'
import type { ConnectMessage, HandleMessage } from '../../lib/base/ports.ts'
import type { Sid } from '../../lib/base/zxid.ts'

/** The peer's end of a feed. */
export class FakeFeed {
  readonly sid: Sid
  /** What the observer has said. */
  readonly said: ObserverMessage[] = []
  /** The observer has closed it. */
  readonly closed: Promise<void>
  readonly #port: MessagePort
  readonly #wake: Int32Array

  constructor(sid: Sid, { port, wake }: ConnectMessage) {
    this.sid = sid
    this.#port = port
    this.#wake = new Int32Array(wake)
    port.on('message', (frame: Uint8Array) => {
      const from = new ByteReader(frame)
      while (!from.done) this.said.push(decodeObserverMessage(from))
    })
    this.closed = new Promise(resolve => port.once('close', resolve))
  }

  send(...frames: readonly Uint8Array[]): void {
    for (const frame of frames) this.#port.postMessage(frame)
    Atomics.add(this.#wake, 0, 1)
    Atomics.notify(this.#wake, 0)
  }

  close(): void {
    this.#port.close()
  }
}

/** What has come so far and is to come. */
export class FakeFeeds {
  readonly #waiting: FakeFeed[] = []
  #count = 0
  #onNext: (() => void) | undefined

  /** How many were opened. */
  get count(): number {
    return this.#count
  }

  /** The next one that is opened. */
  async next(): Promise<FakeFeed> {
    if (this.#waiting.length === 0) {
      await new Promise<void>(resolve => {
        this.#onNext = resolve
      })
    }
    return this.#waiting.shift()!
  }

  /** A handle that leads to the same peers, but for the feeds. */
  divert(handle: MessagePort): MessagePort {
    const { port1, port2 } = new MessageChannel()
    const pass = (message: HandleMessage): void => {
      if (message.kind === 'closed') return port1.postMessage(message)
      if (message.kind === 'door') {
        const door = this.#divertDoor(message.sid, message.door)
        return port1.postMessage({ ...message, door }, [door])
      }
      const doors = message.doors.map(({ sid, door }) => ({
        sid,
        door: this.#divertDoor(sid, door),
      }))
      port1.postMessage(
        { ...message, doors },
        doors.map(({ door }) => door),
      )
    }
    pass(receiveMessageOnPort(handle)!.message as HandleMessage)
    handle.on('message', pass)
    handle.on('close', () => port1.close())
    port1.on('close', () => handle.close())
    port1.unref()
    handle.unref()
    return port2
  }

  #divertDoor(sid: Sid, door: MessagePort): MessagePort {
    const { port1, port2 } = new MessageChannel()
    port1.on('message', (message: ConnectMessage) => {
      if (message.kind === 'connect') return door.postMessage(message, [message.port])
      this.#count++
      this.#waiting.push(new FakeFeed(sid, message))
      this.#onNext?.()
    })
    door.on('close', () => port1.close())
    port1.unref()
    door.unref()
    return port2
  }
}
