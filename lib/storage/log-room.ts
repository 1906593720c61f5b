/**
 * Room behind the end of a LevelDB's log. A synced write that makes a file longer has the file system write its own
 * records too, for the new size, mostly to a journal; and there the peers wait for one another. In a file that is
 * longer than what is in it LevelDB goes on where it is, and mostly the data alone go to the disk. The room is a hole:
 * nothing of it is written, it takes no space, and it reads as zeros, which LevelDB's reader passes over, as it is made
 * to (LevelDB, db/log_reader.cc, `kZeroType`).
 *
 * It is for small writes, many of which fall into one block of the file system. Large ones need new blocks each time,
 * and the records of them; with room they gain nothing, and the slowest of them take longer.
 *
 * Whatever stands in the way of room, LevelDB makes its file longer by itself.
 */

import { readdir, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import type { Operation } from './disk.ts'
import { BLOCK_BYTES, HEADER_BYTES, LOG_NAME } from './log-format.ts'

/** Opening a log reads its room too, which takes LevelDB a millisecond for each MiB. */
const ROOM_BYTES = 1024 * 1024
/** Is asked for when about so much is left. */
const SPARE_BYTES = 64 * 1024
/** Half a block of a usual file system. */
const SMALL_BYTES = 2048
/** Over so many writes it is seen whether most are small. */
const SAMPLE_WRITES = 64
/** LevelDB, db/write_batch.cc: the number of the first operation, and how many there are. */
const BATCH_BYTES = 12

/** Bytes of a number as LevelDB writes lengths: seven bits in each. */
function lengthBytes(length: number): number {
  return Math.max(1, Math.ceil((32 - Math.clz32(length)) / 7))
}

/**
 * What a write makes LevelDB's log longer by, but for a header more when it meets the end of a block, or the few bytes
 * that are left over there.
 */
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
  #directory: string
  #left = 0
  #sampled = 0
  #sampledSmall = 0
  #mostAreSmall = true

  private constructor(directory: string) {
    this.#directory = directory
  }

  /** For a LevelDB that is open; undefined where nobody else may change its files. */
  static for(directory: string): LogRoom | undefined {
    // LevelDB shares none of the files that it has open there.
    return process.platform === 'win32' ? undefined : new LogRoom(directory)
  }

  /** What is written from now on goes to another LevelDB. */
  moveTo(directory: string): void {
    this.#directory = directory
    this.#left = 0
  }

  /** Counts what is about to be written; false when there should be more room first. */
  take(operations: readonly Operation[]): boolean {
    const bytes = bytesOf(operations)
    this.#sample(bytes)
    this.#left -= bytes
    if (this.#left >= SPARE_BYTES) return true
    if (this.#mostAreSmall) return false
    this.#left = Math.max(this.#left, 0)
    return true
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

  #sample(bytes: number): void {
    if (bytes < SMALL_BYTES) this.#sampledSmall++
    if (++this.#sampled < SAMPLE_WRITES) return
    this.#mostAreSmall = this.#sampledSmall > SAMPLE_WRITES / 2
    this.#sampled = 0
    this.#sampledSmall = 0
  }
}
