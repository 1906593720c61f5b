/** What is said to the home, as frames: one, or several when there is much to say. */

import { ByteWriter } from '../base/bytes.ts'
import { Fifo } from '../base/fifo.ts'
import { type ClientMessage, encodeClientMessage } from '../base/request.ts'

/** A frame is sent when it passes this size, however much more there is to say. */
const FRAME_BYTES = 1024 * 1024

export class Outbox {
  readonly #full = new Fifo<Uint8Array>()
  readonly #out = new ByteWriter(1024)

  /** Whole, or not at all: what cannot be encoded leaves nothing behind. */
  say(message: ClientMessage): void {
    const { length } = this.#out
    try {
      encodeClientMessage(this.#out, message)
    } catch (error) {
      const whole = this.#out.take().subarray(0, length)
      this.#out.raw(whole)
      throw error
    }
    if (this.#out.length >= FRAME_BYTES) this.#full.push(this.#out.take())
  }

  take(): Uint8Array | undefined {
    return this.#full.shift() ?? (this.#out.length > 0 ? this.#out.take() : undefined)
  }

  clear(): void {
    this.#full.clear()
    this.#out.reset()
  }
}
