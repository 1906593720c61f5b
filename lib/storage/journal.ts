/**
 * The newest groups of a log in a file beside LevelDB's, written by the peer's own thread: when `append` returns the
 * operating system has them, though not the disk. Groups only pass through: LevelDB gets them soon after, and what it
 * has is written over.
 *
 * Two halves of the file take turns, each filled from its beginning. What is left behind the new records is older; it
 * is told from them by the chain of hashes, since it does not continue the log. That holds as long as the log is not
 * cut: whoever cuts it clears the journal first.
 */

import { constants, writeSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { assert } from '../base/assert.ts'
import { MalformedError } from '../base/bytes.ts'
import { follows, type LogPoint, pointOf } from '../base/group.ts'
import { type Epoch, epochOf } from '../base/zxid.ts'
import { readOwnFile } from './directory.ts'
import { asStorageFailure } from './failures.ts'
import { decodeGroup, encodeGroup, type GroupRecord } from './records.ts'

const JOURNAL_FILE = 'quorumtree.journal'
const HALF_BYTES = 16 * 1024
/** Precedes each record. */
const LENGTH_BYTES = 4

/** Up to the first record that is not whole: what follows is older, or was never acknowledged. */
function* recordsOf(half: Buffer): Generator<GroupRecord> {
  for (let at = 0; at + LENGTH_BYTES <= half.length; ) {
    const start = at + LENGTH_BYTES
    const end = start + half.readUInt32LE(at)
    if (end === start || end > half.length) return
    try {
      yield decodeGroup(half.subarray(start, end))
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error
      return
    }
    at = end
  }
}

/** What a directory's journal holds, in the order of zxids; older groups too, and such as were cut off. */
export async function readJournal(directory: string): Promise<readonly GroupRecord[]> {
  const bytes = await readOwnFile(directory, JOURNAL_FILE)
  const halves = [bytes.subarray(0, HALF_BYTES), bytes.subarray(HALF_BYTES)]
  const records = halves.flatMap(half => [...recordsOf(half)])
  return records.sort((one, other) => one.group.first - other.group.first)
}

/** Those of a journal that continue a log which ends at `tail`, of epochs up to `epoch`. */
export function continuationOf(
  records: readonly GroupRecord[],
  tail: LogPoint,
  epoch: Epoch,
): readonly GroupRecord[] {
  let point = tail
  return records.filter(({ group }) => {
    const continues = follows(point, group) && epochOf(group.first) <= epoch
    if (continues) point = pointOf(group)
    return continues
  })
}

export class Journal {
  readonly #file: FileHandle
  /** Where the half begins that is being filled. */
  #start = 0
  #length = 0

  private constructor(file: FileHandle) {
    this.#file = file
  }

  /** What it holds stays until it is cleared, which comes before the first record. */
  static async open(directory: string): Promise<Journal> {
    try {
      const flags = constants.O_RDWR | constants.O_CREAT
      return new Journal(await open(join(directory, JOURNAL_FILE), flags))
    } catch (error) {
      throw asStorageFailure(error, directory)
    }
  }

  /** Records as `append` takes them, and with one call. */
  static frame(records: readonly GroupRecord[]): Buffer {
    const parts: Uint8Array[] = []
    for (const record of records) {
      const value = encodeGroup(record)
      const length = Buffer.allocUnsafe(LENGTH_BYTES)
      length.writeUInt32LE(value.length)
      parts.push(length, value)
    }
    return Buffer.concat(parts)
  }

  /** Whether this half has room for them. */
  fits(framed: Buffer): boolean {
    return this.#length + framed.length <= HALF_BYTES
  }

  append(framed: Buffer): void {
    assert(this.fits(framed), 'what is appended has room in this half of the journal')
    for (let done = 0; done < framed.length; ) {
      const at = this.#start + this.#length + done
      done += writeSync(this.#file.fd, framed, done, framed.length - done, at)
    }
    this.#length += framed.length
  }

  /** Goes on in the other half, over what is there. */
  turn(): void {
    this.#start = HALF_BYTES - this.#start
    this.#length = 0
  }

  /** Empties it, even for after a power cut. It has all of its place on the disk then, so appending takes none. */
  async clear(): Promise<void> {
    const nothing = Buffer.alloc(2 * HALF_BYTES)
    for (let at = 0; at < nothing.length; ) {
      const { bytesWritten } = await this.#file.write(nothing, at, nothing.length - at, at)
      at += bytesWritten
    }
    await this.#file.sync()
    this.#length = 0
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}
