/** A LevelDB as the store of a peer opens one for a segment of its log, to see what it can do alone. */

import { Level } from 'level'

/** More than a probe writes: no segment of a peer's log outgrows its buffer either, so that all is written once. */
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
