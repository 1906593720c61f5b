/**
 * What a LevelDB holds that was not opened since it was written: all of its records are still in its log, in the order
 * they were written. LevelDB would copy them to memory, make a table of them and sync that before it gave out the
 * first. So they are read from the log itself (LevelDB, db/write_batch.cc for what a record of the log is).
 *
 * The order of records is proved here; what is in them, by the sums of whoever asks, which are cheaper than LevelDB's.
 * What is not as it was written is left to LevelDB to judge.
 */

import { type FileHandle, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { MalformedError } from '../base/bytes.ts'
import type { Entry } from './disk.ts'
import { BLOCK_BYTES, LOG_NAME, RecordReader } from './log-format.ts'
import { readManifest, TABLE_NAME } from './manifest.ts'
import { readVarint } from './table-block.ts'

const READ_BYTES = 32 * BLOCK_BYTES
/** Of a batch: the number of its first entry, and how many there are. */
const SEQUENCE_AT = 0
const COUNT_AT = 8
const BATCH_HEADER_BYTES = 12
const PUT = 1

/** The log of the LevelDB in a directory; undefined when it has tables, or is not what is expected. */
export async function findUnopenedLog(directory: string): Promise<string | undefined> {
  const names = await readdir(directory)
  if (names.some(name => TABLE_NAME.test(name))) return undefined
  const [log, ...others] = names.filter(name => LOG_NAME.test(name))
  if (log === undefined || others.length > 0) return undefined
  const { isWhole, tables, logNumber } = await readManifest(directory)
  const [, number] = LOG_NAME.exec(log)!
  const isCurrent = isWhole && tables.size === 0 && logNumber <= Number(number)
  return isCurrent ? join(directory, log) : undefined
}

/**
 * The entries of a log, each to be used before the next is asked for: their memory is used again.
 * @throws MalformedError when they cannot be read: LevelDB may know more.
 */
export async function* readUnopenedLog(path: string): AsyncGenerator<Entry> {
  try {
    yield* readLog(path)
  } catch (error) {
    // The file system's: whether it is damage, and whose, is found out on the way through LevelDB.
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
    throw new MalformedError((error as Error).message)
  }
}

async function* readLog(path: string): AsyncGenerator<Entry> {
  const file = await open(path, 'r')
  try {
    // Always the same memory: fresh memory for a whole file takes longer than to read it.
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
    const reader = new RecordReader('passed over')
    const batches = new BatchReader()
    for (;;) {
      const length = await fill(file, buffer)
      for (let at = 0; at < length; at += BLOCK_BYTES) {
        const block = buffer.subarray(at, Math.min(at + BLOCK_BYTES, length))
        for (const record of reader.records(block)) yield* batches.entries(record)
      }
      if (length < READ_BYTES) break
    }
    if (reader.isAmidRecord) throw new MalformedError('the last record is not whole')
  } finally {
    await file.close()
  }
}

/** Fills the buffer as far as there is something to read. */
async function fill(file: FileHandle, buffer: Buffer): Promise<number> {
  let length = 0
  while (length < buffer.length) {
    // With how much to read: left out, it is nothing before Node 20.12.
    const { bytesRead } = await file.read(buffer, length, buffer.length - length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return length
}

/** Takes one record after the other: each is a batch of puts, numbered on from the one before. */
class BatchReader {
  #next: bigint | undefined;

  *entries(record: Buffer): Generator<Entry> {
    if (record.length < BATCH_HEADER_BYTES) throw new MalformedError('a record too short')
    const sequence = record.readBigUInt64LE(SEQUENCE_AT)
    const count = record.readUInt32LE(COUNT_AT)
    if (sequence !== (this.#next ?? sequence)) throw new MalformedError('a record is missing')
    this.#next = sequence + BigInt(count)
    let left = count
    for (let at = BATCH_HEADER_BYTES; at < record.length; left--) {
      if (record[at] !== PUT) throw new MalformedError('a record that removes something')
      const key = sliceAt(record, at + 1)
      const value = sliceAt(record, key.end)
      yield [key.bytes, value.bytes]
      at = value.end
    }
    if (left !== 0) throw new MalformedError('a record with more or less than it says')
  }
}

function sliceAt(from: Buffer, at: number): { readonly bytes: Buffer; readonly end: number } {
  const { value: length, end: start } = readVarint(from, at)
  const end = start + length
  if (end > from.length) throw new MalformedError('an entry goes beyond its record')
  return { bytes: from.subarray(start, end), end }
}
