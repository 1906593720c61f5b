/**
 * One frame per connection and turn. Writers are lent to the lines that speak in a turn and come back with it, so that
 * ten thousand idle connections hold no buffers and one large reply is not remembered for ever.
 */

import { ByteWriter } from '../base/bytes.ts'
import type { Line } from './order.ts'

export interface Frame {
  readonly connection: number
  readonly frame: Uint8Array
}

/** A writer that grew beyond this is let go instead of being lent again. */
const KEPT_BYTES_MAX = 64 * 1024
const KEPT_WRITERS_MAX = 256

export class Outbox {
  #speaking: Line[] = []
  readonly #idle: ByteWriter[] = []

  /** Where to write what this line is told next. */
  to(line: Line): ByteWriter {
    if (line.frame === undefined) {
      line.frame = this.#idle.pop() ?? new ByteWriter()
      this.#speaking.push(line)
    }
    return line.frame
  }

  /** Nobody listens any more: forgets what the line was to be told. */
  discard(line: Line): void {
    line.frame = undefined
  }

  take(): Frame[] {
    if (this.#speaking.length === 0) return []
    const frames: Frame[] = []
    for (const line of this.#speaking) {
      const writer = line.frame
      if (writer === undefined) continue
      line.frame = undefined
      const frame = writer.take()
      frames.push({ connection: line.connection, frame })
      if (frame.length <= KEPT_BYTES_MAX && this.#idle.length < KEPT_WRITERS_MAX) {
        this.#idle.push(writer)
      }
    }
    this.#speaking = []
    return frames
  }
}
