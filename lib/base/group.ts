/**
 * A group: the unit that is proposed, logged, acknowledged and committed. It holds the transactions of one turn of the
 * leader under consecutive zxids. A group is made once and never split or merged, so every peer's log is made of the
 * same groups and a chain of hashes can prove it.
 */

import { assert } from './assert.ts'
import { counterOf, epochOf, type Zxid } from './zxid.ts'

export interface Group {
  readonly first: Zxid
  readonly last: Zxid
  /** CRC-32 of `payload`. */
  readonly crc: number
  /** Hash over this group's place and sum and the chain of the group before it. */
  readonly chain: number
  /** Encoded transactions; opaque to agreement and storage. */
  readonly payload: Uint8Array
}

/** A place in the log: after the group that ends at `zxid`. */
export interface LogPoint {
  readonly zxid: Zxid
  readonly chain: number
}

/** The place after a group. */
export function pointOf(group: Group): LogPoint {
  return { zxid: group.last, chain: group.chain }
}

/** Bytes of transactions in all of them. */
export function payloadBytesOf(groups: readonly Group[]): number {
  let bytes = 0
  for (const { payload } of groups) bytes += payload.length
  return bytes
}

function mix(hash: number, word: number): number {
  let value = Math.imul(hash ^ word, 0x9e3779b1)
  value ^= value >>> 15
  value = Math.imul(value, 0x85ebca77)
  return value ^ (value >>> 13)
}

/** The chain hash of a group, from the chain before it. */
export function chainOf(previous: number, first: Zxid, last: Zxid, crc: number): number {
  let hash = mix(previous | 0, crc)
  hash = mix(hash, epochOf(first))
  hash = mix(hash, counterOf(first) | 0)
  hash = mix(hash, counterOf(last) | 0)
  return hash >>> 0
}

/** Whether `next` may stand directly after `point`: the next counter of its epoch, or the first of a later epoch. */
export function follows(
  point: LogPoint,
  next: Pick<Group, 'first' | 'last' | 'crc' | 'chain'>,
): boolean {
  const sameEpoch = epochOf(next.first) === epochOf(point.zxid)
  const place = sameEpoch ? next.first === point.zxid + 1 : counterOf(next.first) === 1
  return (
    place &&
    next.first > point.zxid &&
    next.last >= next.first &&
    epochOf(next.last) === epochOf(next.first) &&
    next.chain === chainOf(point.chain, next.first, next.last, next.crc)
  )
}

/** Makes the group that follows `previous`. */
export function makeGroup(
  previous: LogPoint,
  first: Zxid,
  last: Zxid,
  payload: Uint8Array,
  crc: number,
): Group {
  const group = { first, last, crc, chain: chainOf(previous.chain, first, last, crc), payload }
  assert(follows(previous, group), 'a group follows the one before it')
  return group
}

export const LOG_START: LogPoint = { zxid: 0 as Zxid, chain: 0 }
