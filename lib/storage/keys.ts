/**
 * Names of records in LevelDB. The first byte tells the kind, numbers are big-endian so that keys sort as they count:
 * 'l' + first zxid (log group), 'm' (meta), 's' + snapshot id + chunk number (chunk), 'v' + snapshot id (head, which
 * makes the snapshot visible).
 */

import { counterOf, epochOf, type Zxid } from '../base/zxid.ts'

export type Key = Uint8Array

export interface KeyRange {
  readonly gt?: Key
  readonly gte?: Key
  readonly lt?: Key
  readonly lte?: Key
}

const LOG = 0x6c
const META = 0x6d
const CHUNK = 0x73
const HEAD = 0x76

function makeKey(kind: number, ...words: readonly number[]): Key {
  const key = Buffer.allocUnsafe(1 + words.length * 4)
  key[0] = kind
  words.forEach((word, at) => {
    key.writeUInt32BE(word, 1 + at * 4)
  })
  return key
}

export const META_KEY: Key = makeKey(META)

export function logKey(first: Zxid): Key {
  return makeKey(LOG, epochOf(first), counterOf(first))
}

export function chunkKey(snapshotId: number, at: number): Key {
  return makeKey(CHUNK, snapshotId, at)
}

export function headKey(snapshotId: number): Key {
  return makeKey(HEAD, snapshotId)
}

/** The snapshot a chunk's or a head's key belongs to; undefined when the key is too short to be one. */
export function snapshotIdOf(key: Key): number | undefined {
  if (key.length < 5) return undefined
  return new DataView(key.buffer, key.byteOffset, key.byteLength).getUint32(1)
}

/** Groups whose first zxid is greater. */
export function logAfter(zxid: Zxid): KeyRange {
  return { gt: logKey(zxid), lt: makeKey(LOG + 1) }
}

/** Groups whose first zxid is not greater. */
export function logUpTo(zxid: Zxid): KeyRange {
  return { gte: makeKey(LOG), lte: logKey(zxid) }
}

/** Chunks of the snapshots from id `from` up to, not including, `end`. */
export function chunksOf(from: number, end = from + 1): KeyRange {
  return { gte: chunkKey(from, 0), lt: chunkKey(end, 0) }
}

export const ALL_CHUNKS: KeyRange = { gte: makeKey(CHUNK), lt: makeKey(CHUNK + 1) }
export const ALL_HEADS: KeyRange = { gte: makeKey(HEAD), lt: makeKey(HEAD + 1) }
