/**
 * Room behind the end of a LevelDB's log. A synced write that makes a file longer has the file system commit its own
 * journal too, for the new size, and the commits of several peers wait for one another. In a file that is longer than
 * what is in it LevelDB goes on where it is, and mostly the data alone go to the disk. The room is a hole: nothing of
 * it is written, it takes no space, and it reads as zeros, which LevelDB's reader passes over, as it is made to
 * (LevelDB, db/log_reader.cc, `kZeroType`).
 *
 * Whatever stands in the way of room, LevelDB makes its file longer by itself.
 */

import { readdir, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import type { Operation } from './disk.ts'
import { LOG_NAME } from './log-format.ts'

/** Opening a log reads its room too, which takes LevelDB a millisecond for each MiB. */
const ROOM_BYTES = 4 * 1024 * 1024
/** Is asked for when about so much is left. */
const SPARE_BYTES = 512 * 1024
/** What LevelDB adds to key and value, at least. */
const FRAMING_BYTES = 24

function bytesOf(operations: readonly Operation[]): number {
  let bytes = 0
  for (const operation of operations) {
    bytes += operation.key.length + FRAMING_BYTES
    if (operation.type === 'put') bytes += operation.value.length
  }
  return bytes
}

export class LogRoom {
  readonly #path: string
  /** As far as is known: how LevelDB packs its records is not counted to the byte. */
  #left = ROOM_BYTES
  #ended = false

  private constructor(path: string) {
    this.#path = path
  }

  /** For the log of a LevelDB that has just been opened; undefined when it has none that we may change. */
  static async make(directory: string): Promise<LogRoom | undefined> {
    // There LevelDB lets nobody else open its files as long as it has them open.
    if (process.platform === 'win32') return undefined
    const names = await readdir(directory).catch(() => [])
    const newest = names
      .filter(name => LOG_NAME.test(name))
      .sort()
      .at(-1)
    if (newest === undefined) return undefined
    const room = new LogRoom(join(directory, newest))
    await room.#extend()
    return room
  }

  /** Counts what is about to be written; false when there should be more room first. */
  take(operations: readonly Operation[]): boolean {
    this.#left -= bytesOf(operations)
    return this.#left >= SPARE_BYTES || this.#ended
  }

  /** To be called while nothing is written to the log: a file that grew between the two calls would be cut. */
  async add(): Promise<void> {
    this.#left = Math.max(this.#left + ROOM_BYTES, 0)
    await this.#extend()
  }

  async #extend(): Promise<void> {
    try {
      const { size } = await stat(this.#path)
      await truncate(this.#path, size + ROOM_BYTES)
    } catch {
      this.#ended = true
    }
  }
}
