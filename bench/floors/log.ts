/** A LevelDB as it is, to see what a log can do alone: without room behind its end, and with a buffer for all of it. */

import { Level } from 'level'

/** More than a probe writes on a usual disk: as with a segment of a peer's log, all is to be written once. */
const WRITE_BUFFER_BYTES = 512 * 1024 * 1024

export type Log = Level<Uint8Array, Uint8Array>

export async function openLog(directory: string): Promise<Log> {
  const level: Log = new Level(directory, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    compression: false,
    writeBufferSize: WRITE_BUFFER_BYTES,
  })
  await level.open()
  return level
}

/** Keys that grow, as those of a log do. */
export class Keys {
  readonly #key = new Uint8Array(8)
  readonly #view = new DataView(this.#key.buffer)
  #last = 0

  /** Good until the next one is asked for. */
  next(): Uint8Array {
    this.#view.setUint32(4, ++this.#last)
    return this.#key
  }
}
