/**
 * What a LevelDB holds that was not opened since it was written: all of its records are still in its log, in the order
 * they were written. LevelDB would copy them to memory, make a table of them and sync that before it gave out the
 * first, and for a large tree that is a third of the time to read it. So they are read from the log itself
 * (LevelDB, doc/log_format.md, and db/write_batch.cc for what a record of the log is).
 *
 * LevelDB's sums are not compared: whoever reads has sums of its own, and leaves it to LevelDB to judge what is not as
 * it was written.
 */

import { type FileHandle, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { MalformedError } from '../base/bytes.ts'
import type { Entry } from './disk.ts'
import { readVarint } from './table-block.ts'

const BLOCK_BYTES = 32_768
const READ_BYTES = 32 * BLOCK_BYTES
/** Sum, length and type of a fragment. */
const HEADER_BYTES = 7
const LENGTH_AT = 4
const TYPE_AT = 6
const WHOLE = 1
const FIRST = 2
const MIDDLE = 3
const LAST = 4
/** Sequence number and count, before what is written. */
const BATCH_HEADER_BYTES = 12
const PUT = 1

/** The log of the LevelDB in a directory; undefined when it has tables, or is not what is expected. */
export async function findUnopenedLog(directory: string): Promise<string | undefined> {
  const names = await readdir(directory)
  const has = (pattern: RegExp): boolean => names.some(name => pattern.test(name))
  if (!has(/^CURRENT$/) || !has(/^MANIFEST-/) || has(/\.(ldb|sst)$/)) return undefined
  const [log, ...others] = names.filter(name => name.endsWith('.log'))
  return log === undefined || others.length > 0 ? undefined : join(directory, log)
}

/**
 * The entries of a log, each to be used before the next is asked for: their memory is used again.
 * @throws MalformedError when they cannot be read: LevelDB may know more.
 */
export async function* readUnopenedLog(path: string): AsyncGenerator<Entry> {
  try {
    yield* readLog(path)
  } catch (error) {
    throw new MalformedError(error instanceof Error ? error.message : String(error))
  }
}

async function* readLog(path: string): AsyncGenerator<Entry> {
  const file = await open(path, 'r')
  try {
    // Always the same memory: fresh memory for a whole file takes longer than to read it.
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
    const record = new Assembly()
    for (;;) {
      const length = await fill(file, buffer)
      for (let at = 0; at < length; at += BLOCK_BYTES) {
        const block = buffer.subarray(at, Math.min(at + BLOCK_BYTES, length))
        for (const fragment of fragmentsOf(block)) {
          if (record.add(fragment)) yield* entriesOf(record.bytes)
        }
      }
      if (length < READ_BYTES) return
    }
  } finally {
    await file.close()
  }
}

/** Fills the buffer as far as there is something to read. */
async function fill(file: FileHandle, buffer: Buffer): Promise<number> {
  let length = 0
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return length
}

interface Fragment {
  readonly type: number
  readonly bytes: Buffer
}

/** What is too short for a header, at the end of a block, is padding. */
function* fragmentsOf(block: Buffer): Generator<Fragment> {
  for (let at = 0; at + HEADER_BYTES <= block.length; ) {
    const start = at + HEADER_BYTES
    const end = start + block.readUInt16LE(at + LENGTH_AT)
    if (end > block.length) throw new MalformedError('a fragment goes beyond its block')
    yield { type: block[at + TYPE_AT]!, bytes: block.subarray(start, end) }
    at = end
  }
}

/** Puts records together that do not fit into one block. */
class Assembly {
  #memory = Buffer.alloc(0)
  #length = 0
  #isOpen = false
  /** The record that was whole last. */
  bytes: Buffer = this.#memory

  /** Whether the record is whole with this fragment. */
  add({ type, bytes }: Fragment): boolean {
    const isFirst = type === WHOLE || type === FIRST
    if (type < WHOLE || type > LAST || isFirst === this.#isOpen) {
      throw new MalformedError('a fragment out of place')
    }
    this.#isOpen = type === FIRST || type === MIDDLE
    if (type === WHOLE) {
      this.bytes = bytes
      return true
    }
    if (type === FIRST) this.#length = 0
    this.#append(bytes)
    this.bytes = this.#memory.subarray(0, this.#length)
    return type === LAST
  }

  #append(bytes: Buffer): void {
    const length = this.#length + bytes.length
    if (length > this.#memory.length) {
      const larger = Buffer.allocUnsafeSlow(2 * length)
      this.#memory.copy(larger, 0, 0, this.#length)
      this.#memory = larger
    }
    bytes.copy(this.#memory, this.#length)
    this.#length = length
  }
}

function* entriesOf(record: Buffer): Generator<Entry> {
  for (let at = BATCH_HEADER_BYTES; at < record.length; ) {
    if (record[at] !== PUT) throw new MalformedError('a record that removes something')
    const key = sliceAt(record, at + 1)
    const value = sliceAt(record, key.end)
    yield [key.bytes, value.bytes]
    at = value.end
  }
}

function sliceAt(from: Buffer, at: number): { readonly bytes: Buffer; readonly end: number } {
  const { value: length, end: start } = readVarint(from, at)
  const end = start + length
  if (end > from.length) throw new MalformedError('an entry goes beyond its record')
  return { bytes: from.subarray(start, end), end }
}
