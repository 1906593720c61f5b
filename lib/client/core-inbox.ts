/** What has come from the home and was not taken in yet: frames, message by message, in order. */

import { ByteReader } from '../base/bytes.ts'
import { Fifo } from '../base/fifo.ts'
import { decodePeerMessage, type PeerMessage } from '../base/reply.ts'
import type { Zxid } from '../base/zxid.ts'

export class Inbox {
  readonly #frames = new Fifo<ByteReader>()
  /** Taken out of its frame, and not due when it was. */
  #held: PeerMessage | undefined

  push(frame: Uint8Array): void {
    this.#frames.push(new ByteReader(frame))
  }

  /** The next message, unless it is an answer that shows more than the state at `zxid`. */
  next(zxid: Zxid): PeerMessage | undefined {
    const message = this.#held ?? this.#decode()
    const isDue = message?.kind !== 'reply' || message.reply.zxid <= zxid
    this.#held = isDue ? undefined : message
    return isDue ? message : undefined
  }

  clear(): void {
    this.#frames.clear()
    this.#held = undefined
  }

  #decode(): PeerMessage | undefined {
    for (;;) {
      const from = this.#frames.first
      if (from === undefined) return undefined
      if (!from.done) return decodePeerMessage(from)
      this.#frames.shift()
    }
  }
}
