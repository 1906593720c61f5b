/**
 * One frame per connection and turn, or more when one grows full: its client works on the first of many answers while
 * the peer is still at the last. Writers are lent to the lines that speak in a turn and come back with it, so that
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

/** Some hundreds of answers to writes: enough to be worth the wake-up. */
export const FULL_FRAME_BYTES = 32 * 1024

export class Outbox {
  readonly #fullBytes: number
  #speaking: Line[] = []
  #full: Frame[] = []
  readonly #idle: ByteWriter[] = []

  constructor(fullBytes: number) {
    this.#fullBytes = fullBytes
  }

  /** Where to write what this line is told next. */
  to(line: Line): ByteWriter {
    if (line.frame === undefined) {
      line.frame = this.#idle.pop() ?? new ByteWriter()
      this.#speaking.push(line)
    }
    return line.frame
  }

  /** Closes the line's frame if it is full; the line goes on with another one. */
  closeIfFull({ connection, frame }: Line): void {
    if (frame === undefined || frame.length < this.#fullBytes) return
    this.#full.push({ connection, frame: frame.take() })
  }

  get hasFull(): boolean {
    return this.#full.length > 0
  }

  /** The closed frames; those of one connection in order, and before what `take` returns. */
  takeFull(): Frame[] {
    const frames = this.#full
    this.#full = []
    return frames
  }

  /** Nobody listens any more: forgets what the line was to be told. */
  discard(line: Line): void {
    line.frame = undefined
  }

  take(): Frame[] {
    if (this.#speaking.length === 0) return []
    const frames = this.takeFull()
    for (const line of this.#speaking) {
      const writer = line.frame
      if (writer === undefined) continue
      line.frame = undefined
      const frame = writer.take()
      if (frame.length > 0) frames.push({ connection: line.connection, frame })
      if (frame.length <= KEPT_BYTES_MAX && this.#idle.length < KEPT_WRITERS_MAX) {
        this.#idle.push(writer)
      }
    }
    this.#speaking = []
    return frames
  }
}
