/**
 * LevelDB's tables, looked at before LevelDB opens them. It does not compare their checksums, and it takes what it
 * reads for well formed: a flipped bit in the wrong place ends the whole process, at once or when tables are merged. So
 * a table is refused here unless LevelDB can read it without harm. What is spoilt within a value may pass: our own
 * sums find it, and the peer gets its data from the others.
 */

import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { MalformedError } from '../base/bytes.ts'
import { crc32c, unmask } from './crc32c.ts'
import { asStorageFailure, storageFailure } from './failures.ts'
import { readManifest, TABLE_NAME } from './manifest.ts'
import { type Entry, isAscending, isSane, type Key, parseBlock, readVarint } from './table-block.ts'

/** Two handles, padded, and a magic number. */
const FOOTER_BYTES = 48
const MAGIC_BYTES = 8
const MAGIC_LOW = 0x8b80fb57
const MAGIC_HIGH = 0xdb477524
/** Behind each block: how it is compressed, and its sum. */
const TRAILER_BYTES = 5
const NOT_COMPRESSED = 0

interface Handle {
  readonly offset: number
  readonly bytes: number
}

interface Block {
  readonly content: Buffer
  readonly compressed: boolean
  readonly sumIsRight: boolean
}

function readHandle(from: Buffer, at: number): { readonly handle: Handle; readonly end: number } {
  const offset = readVarint(from, at)
  const bytes = readVarint(from, offset.end)
  return { handle: { offset: offset.value, bytes: bytes.value }, end: bytes.end }
}

function readBlock(table: Buffer, { offset, bytes }: Handle): Block {
  const end = offset + bytes
  if (end + TRAILER_BYTES > table.length - FOOTER_BYTES) {
    throw new MalformedError('a block beyond the end')
  }
  return {
    content: table.subarray(offset, end),
    compressed: table[end] !== NOT_COMPRESSED,
    sumIsRight: unmask(table.readUInt32LE(end + 1)) === crc32c(table.subarray(offset, end + 1)),
  }
}

/** A block that must be as it was written: the rest depends on it. */
function readSound(table: Buffer, handle: Handle, what: string): Block {
  const block = readBlock(table, handle)
  if (!block.sumIsRight) throw new MalformedError(`a bad checksum of ${what}`)
  return block
}

/**
 * LevelDB relies on the order of all keys. Within a table the index, whose sum is right, says between which keys those
 * of a block must be; for the first and the last block it says nothing about one end.
 */
function checkData(table: Buffer, index: readonly Entry[]): void {
  let below: Key | undefined
  for (const [at, { key, value }] of index.entries()) {
    const block = readBlock(table, readHandle(value, 0).handle)
    if (!block.sumIsRight) {
      const isInner = below !== undefined && at < index.length - 1
      const isReadable = isInner && !block.compressed && isSane(block.content)
      const keys = isReadable ? parseBlock(block.content).map(entry => entry.key) : []
      if (
        keys.length === 0 ||
        !isAscending([below!, ...keys]) ||
        !isAscending([...keys, key], true)
      ) {
        throw new MalformedError('a block that cannot be read')
      }
    }
    below = key
  }
}

function checkTable(table: Buffer): void {
  const magic = table.length - MAGIC_BYTES
  if (table.length < FOOTER_BYTES) throw new MalformedError('too short a file')
  if (table.readUInt32LE(magic) !== MAGIC_LOW || table.readUInt32LE(magic + 4) !== MAGIC_HIGH) {
    throw new MalformedError('no magic number')
  }
  const meta = readHandle(table, table.length - FOOTER_BYTES)
  readSound(table, meta.handle, 'its list of parts')
  const index = readSound(table, readHandle(table, meta.end).handle, 'its index')
  // Only another program can have compressed it; it is at least as that program wrote it.
  if (!index.compressed) checkData(table, parseBlock(index.content))
}

async function checkAll(directory: string, path: string): Promise<void> {
  const names = await readdir(directory)
  const { tables: inUse } = await readManifest(directory)
  for (const name of names) {
    // One that was not finished when the process ended is no damage.
    if (!TABLE_NAME.test(name) || !inUse.has(Number.parseInt(name, 10))) continue
    try {
      checkTable(await readFile(join(directory, name)))
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error
      const what = `LevelDB's table ${join(basename(directory), name)} has ${error.message}`
      throw storageFailure('DIRECTORY_DAMAGED', path, what, error)
    }
  }
}

/**
 * @throws TreeError DIRECTORY_DAMAGED when LevelDB had better not open the directory, or why that cannot be found out;
 * about `path`, the peer's directory.
 */
export async function checkTables(directory: string, path: string): Promise<void> {
  try {
    await checkAll(directory, path)
  } catch (error) {
    throw asStorageFailure(error, path)
  }
}
