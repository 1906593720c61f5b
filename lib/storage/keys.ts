/**
 * Names of records in LevelDB. The first byte tells the kind, numbers are big-endian so that keys sort as they count:
 * in a segment of the log 'l' + first zxid (group), 'm' (meta), 'v' + snapshot id (head, which makes the snapshot
 * visible); in the database of a snapshot 's' + its id + chunk number (chunk).
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

/** The snapshot a head's key belongs to; undefined when the key is too short to be one. */
export function snapshotIdOf(key: Key): number | undefined {
  if (key.length < 5) return undefined
  return new DataView(key.buffer, key.byteOffset, key.byteLength).getUint32(1)
}

/** Groups whose first zxid is greater than `zxid`, and not greater than `last`. */
export function logAfter(zxid: Zxid, last?: Zxid): KeyRange {
  const gt = logKey(zxid)
  return last === undefined ? { gt, lt: makeKey(LOG + 1) } : { gt, lte: logKey(last) }
}

export function chunksOf(snapshotId: number): KeyRange {
  return { gte: chunkKey(snapshotId, 0), lt: chunkKey(snapshotId + 1, 0) }
}

export function isSameKey(one: Key, other: Key): boolean {
  return Buffer.compare(one, other) === 0
}

export const ALL_HEADS: KeyRange = { gte: makeKey(HEAD), lt: makeKey(HEAD + 1) }
