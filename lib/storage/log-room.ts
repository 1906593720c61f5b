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
/** LevelDB, db/log_format.h: a record is split where it meets the end of a block, and each part has a header. */
const BLOCK_BYTES = 32 * 1024
const HEADER_BYTES = 7
/** LevelDB, db/write_batch.cc: the number of the first operation, and how many there are. */
const BATCH_BYTES = 12

/** Bytes of a number as LevelDB writes lengths: seven bits in each. */
function lengthBytes(length: number): number {
  return Math.max(1, Math.ceil((32 - Math.clz32(length)) / 7))
}

/** What a write makes LevelDB's log longer by, but for the few bytes that are left over at the end of a block. */
function bytesOf(operations: readonly Operation[]): number {
  let bytes = BATCH_BYTES
  for (const operation of operations) {
    const { length } = operation.key
    bytes += 1 + lengthBytes(length) + length
    if (operation.type === 'put') {
      bytes += lengthBytes(operation.value.length) + operation.value.length
    }
  }
  return bytes + HEADER_BYTES * Math.ceil(bytes / (BLOCK_BYTES - HEADER_BYTES))
}

/** That of the log which LevelDB writes to now; undefined when there is none. */
async function newestLog(directory: string): Promise<string | undefined> {
  const names = await readdir(directory)
  const newest = names
    .filter(name => LOG_NAME.test(name))
    .sort()
    .at(-1)
  return newest === undefined ? undefined : join(directory, newest)
}

export class LogRoom {
  readonly #directory: string
  #left = 0

  private constructor(directory: string) {
    this.#directory = directory
  }

  /** For a LevelDB that has just been opened; undefined where nobody else may change its files. */
  static async make(directory: string): Promise<LogRoom | undefined> {
    // LevelDB shares none of the files that it has open there.
    if (process.platform === 'win32') return undefined
    const room = new LogRoom(directory)
    await room.add()
    return room
  }

  /** Counts what is about to be written; false when there should be more room first. */
  take(operations: readonly Operation[]): boolean {
    this.#left -= bytesOf(operations)
    return this.#left >= SPARE_BYTES
  }

  /** To be called while nothing is written to the log: a file that grew between the two calls would be cut. */
  async add(): Promise<void> {
    // Whether it can be made or not: what fails now is tried again when so much has been written.
    this.#left = Math.max(this.#left + ROOM_BYTES, 0)
    try {
      const log = await newestLog(this.#directory)
      if (log === undefined) return
      const { size } = await stat(log)
      await truncate(log, size + ROOM_BYTES)
    } catch {}
  }
}
