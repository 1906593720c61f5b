/**
 * Which tables LevelDB's manifest names. Others may lie there too: one that was being written when the process ended,
 * or one that was merged into others. LevelDB removes them when it opens, and what is in them is of no interest.
 */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MalformedError } from '../base/bytes.ts'
import { crc32c, unmask } from './crc32c.ts'
import { readVarint } from './table-block.ts'

/** The manifest is a log of LevelDB's: records in pieces, no piece across the end of a block. */
const BLOCK_BYTES = 32 * 1024
/** Sum, length, type. */
const HEADER_BYTES = 7
const PIECE = { full: 1, first: 2, middle: 3, last: 4 } as const

/** What the parts of a record hold, by the tag before each: numbers, and byte strings with their length before them. */
const FIELDS: Readonly<Record<number, readonly ('number' | 'bytes')[]>> = {
  1: ['bytes'],
  2: ['number'],
  3: ['number'],
  4: ['number'],
  5: ['number', 'bytes'],
  6: ['number', 'number'],
  7: ['number', 'number', 'number', 'bytes', 'bytes'],
  9: ['number'],
}
const MANIFEST_NAME = /^MANIFEST-\d+$/
const TABLE_GONE = 6
const TABLE_NEW = 7

/** Whole records; the end may be missing. */
function* recordsOf(log: Buffer): Generator<Buffer> {
  let pieces: Buffer[] = []
  for (let at = 0; at + HEADER_BYTES <= log.length; ) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES)
    if (left < HEADER_BYTES) {
      at += left
      continue
    }
    const length = log.readUInt16LE(at + 4)
    const type = log[at + 6]!
    const end = at + HEADER_BYTES + length
    if (type < PIECE.full || type > PIECE.last || end > log.length) return
    if (unmask(log.readUInt32LE(at)) !== crc32c(log.subarray(at + 6, end))) return
    if (type === PIECE.full || type === PIECE.first) pieces = []
    pieces.push(log.subarray(at + HEADER_BYTES, end))
    if (type === PIECE.full || type === PIECE.last) yield Buffer.concat(pieces)
    at = end
  }
}

/** Takes over what one record changes. */
function change(tables: Set<number>, record: Buffer): void {
  for (let at = 0; at < record.length; ) {
    const tag = readVarint(record, at)
    at = tag.end
    const fields = FIELDS[tag.value]
    if (fields === undefined) throw new MalformedError(`a part of the unknown kind ${tag.value}`)
    const numbers: number[] = []
    for (const field of fields) {
      const { value, end } = readVarint(record, at)
      numbers.push(value)
      at = field === 'number' ? end : end + value
    }
    // The level comes first.
    if (tag.value === TABLE_NEW) tables.add(numbers[1]!)
    if (tag.value === TABLE_GONE) tables.delete(numbers[1]!)
  }
}

/**
 * The numbers of the tables in use, as far as the manifest can be read: where it cannot, LevelDB does not open either.
 */
export async function tablesInUse(directory: string): Promise<ReadonlySet<number>> {
  const tables = new Set<number>()
  try {
    const name = (await readFile(join(directory, 'CURRENT'), 'latin1')).trim()
    if (!MANIFEST_NAME.test(name)) return tables
    for (const record of recordsOf(await readFile(join(directory, name)))) change(tables, record)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'EISDIR' && !(error instanceof MalformedError)) throw error
  }
  return tables
}
