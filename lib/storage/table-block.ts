/**
 * The inside of one block of a LevelDB table: entries whose keys leave out what they share with the key before, and
 * behind them the places where a key is given whole. A key ends with eight bytes: what was done to it, and when.
 */

import { MalformedError } from '../base/bytes.ts'

export type Key = Buffer

export interface Entry {
  readonly key: Key
  readonly value: Buffer
}

const WORD_BYTES = 4
/** Kind of the operation, and seven bytes of its number. */
const KEY_TAIL_BYTES = 8
/** Of a key that was put; one that was deleted has 0. */
const KIND_MAX = 1
/** More would be no safe integer; nothing in a table is that large. */
const VARINT_BYTES_MAX = 7

export function readVarint(
  from: Buffer,
  at: number,
): { readonly value: number; readonly end: number } {
  let value = 0
  for (let count = 0; count < VARINT_BYTES_MAX; count++) {
    const byte = from[at + count]
    if (byte === undefined) break
    value += (byte & 0x7f) * 2 ** (7 * count)
    if (byte < 0x80) return { value, end: at + count + 1 }
  }
  throw new MalformedError('a malformed number')
}

interface Parsed {
  readonly entries: readonly Entry[]
  /** Places where a key is given whole. */
  readonly whole: ReadonlySet<number>
  readonly restarts: readonly number[]
}

function readRestarts(block: Buffer): readonly number[] {
  if (block.length < WORD_BYTES) throw new MalformedError('too short a block')
  const count = block.readUInt32LE(block.length - WORD_BYTES)
  const start = block.length - WORD_BYTES * (count + 1)
  if (count === 0 || start < 0) throw new MalformedError('a malformed block')
  return Array.from({ length: count }, (_, at) => block.readUInt32LE(start + WORD_BYTES * at))
}

function parse(block: Buffer): Parsed {
  const restarts = readRestarts(block)
  const end = block.length - WORD_BYTES * (restarts.length + 1)
  const entries: Entry[] = []
  const whole = new Set<number>()
  let before: Key = Buffer.alloc(0)
  for (let at = 0; at < end; ) {
    const shared = readVarint(block, at)
    const own = readVarint(block, shared.end)
    const length = readVarint(block, own.end)
    const valueAt = length.end + own.value
    const next = valueAt + length.value
    if (next > end || shared.value > before.length) throw new MalformedError('a malformed entry')
    const key = Buffer.concat([
      before.subarray(0, shared.value),
      block.subarray(length.end, valueAt),
    ])
    if (key.length < KEY_TAIL_BYTES) throw new MalformedError('a malformed key')
    entries.push({ key, value: block.subarray(valueAt, next) })
    if (shared.value === 0) whole.add(at)
    before = key
    at = next
  }
  return { entries, whole, restarts }
}

/** Entries in the order they stand in. */
export function parseBlock(block: Buffer): readonly Entry[] {
  return parse(block).entries
}

/** Whether LevelDB finds an entry wherever it looks for one, though the block is not as it was written. */
export function isSane(block: Buffer): boolean {
  try {
    const { entries, whole, restarts } = parse(block)
    return (
      restarts.every(at => whole.has(at)) &&
      entries.every(({ key }) => key[key.length - KEY_TAIL_BYTES]! <= KIND_MAX)
    )
  } catch (error) {
    if (error instanceof MalformedError) return false
    throw error
  }
}

/** LevelDB's order: by what the user calls the key, and of equal ones the newest first. */
function compare(one: Key, other: Key): number {
  const [a, b] = [one, other].map(key => key.subarray(0, key.length - KEY_TAIL_BYTES))
  const order = Buffer.compare(a!, b!)
  if (order !== 0) return order
  const [ours, theirs] = [one, other].map(key => key.readBigUInt64LE(key.length - KEY_TAIL_BYTES))
  return ours! > theirs! ? -1 : ours! < theirs! ? 1 : 0
}

/** @param orEqual the last two may be the same: an index may name the last key of a block itself */
export function isAscending(keys: readonly Key[], orEqual = false): boolean {
  return keys.every((key, at) => {
    if (at === 0) return true
    const order = compare(keys[at - 1]!, key)
    return order < 0 || (orEqual && at === keys.length - 1 && order === 0)
  })
}
