/**
 * LevelDB's manifest: which tables are in use, and from which log on records are in no table. Other tables may lie
 * there too: one that was being written when the process ended, or one that was merged into others. LevelDB removes
 * them when it opens, and what is in them is of no interest.
 */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MalformedError } from '../base/bytes.ts'
import { BLOCK_BYTES, RecordReader } from './log-format.ts'
import { readVarint } from './table-block.ts'

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
/** By either of the names that LevelDB has for them. */
export const TABLE_NAME = /\.(?:ldb|sst)$/
const MANIFEST_NAME = /^MANIFEST-\d+$/
const LOG_NUMBER = 2
const TABLE_GONE = 6
const TABLE_NEW = 7

/** As far as it can be read. */
export class Manifest {
  /** Numbers of the tables in use. */
  readonly tables = new Set<number>()
  /** What older logs hold is in tables. */
  logNumber = 0
  /** It was read to its end. */
  isWhole = false

  /** Takes over what one record changes. */
  change(record: Buffer): void {
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
      this.#apply(tag.value, numbers)
    }
  }

  #apply(tag: number, numbers: readonly number[]): void {
    if (tag === LOG_NUMBER) this.logNumber = numbers[0]!
    // The level comes first.
    if (tag === TABLE_NEW) this.tables.add(numbers[1]!)
    if (tag === TABLE_GONE) this.tables.delete(numbers[1]!)
  }
}

/** Where it cannot be read, LevelDB does not open either. */
export async function readManifest(directory: string): Promise<Manifest> {
  const manifest = new Manifest()
  try {
    const name = (await readFile(join(directory, 'CURRENT'), 'latin1')).trim()
    if (!MANIFEST_NAME.test(name)) return manifest
    const bytes = await readFile(join(directory, name))
    const reader = new RecordReader('compared')
    for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
      const block = bytes.subarray(at, at + BLOCK_BYTES)
      for (const record of reader.records(block)) manifest.change(record)
    }
    manifest.isWhole = bytes.length > 0 && !reader.isAmidRecord
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'EISDIR' && !(error instanceof MalformedError)) throw error
  }
  return manifest
}
