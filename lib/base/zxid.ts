/**
 * Identities and positions: zxid, epoch, server id, session id.
 *
 * A zxid is the number `epoch * 2^32 + counter`, so order is `<` and no 64-bit type is needed as long as the epoch
 * stays below 2^21 (asserted). The brands make it impossible to pass a plain number where one of these is meant.
 */

import { assert } from './assert.ts'

declare const brand: unique symbol
type Branded<T, Name extends string> = T & { readonly [brand]: Name }

/** Position in the total order of transactions: `epoch * 2^32 + counter`. */
export type Zxid = Branded<number, 'Zxid'>
/** Number of a leader's reign; each leader has a new one. */
export type Epoch = Branded<number, 'Epoch'>
/** Server id of a peer: an integer from 1 to 254. */
export type Sid = Branded<number, 'Sid'>
/** A session's id: the zxid of the transaction that created it, so it is unique and only grows. */
export type SessionId = Branded<number, 'SessionId'>

const COUNTER_SPAN = 2 ** 32
export const COUNTER_MAX = COUNTER_SPAN - 1
export const EPOCH_MAX = 2 ** 21 - 1
export const SID_MAX = 254

/** Before the first transaction. */
export const ZXID_ZERO = 0 as Zxid
/** No transaction comes after this one. */
export const ZXID_MAX = (EPOCH_MAX * COUNTER_SPAN + COUNTER_MAX) as Zxid
export const EPOCH_ZERO = 0 as Epoch
/** Owner of a node that is not ephemeral, and sender of a transaction that belongs to no session. */
export const NO_SESSION = 0 as SessionId

export function makeEpoch(value: number): Epoch {
  assert(Number.isInteger(value) && value >= 0 && value <= EPOCH_MAX, `epoch ${value} out of range`)
  return value as Epoch
}

export function makeZxid(epoch: Epoch, counter: number): Zxid {
  assert(Number.isInteger(counter) && counter >= 0, `counter ${counter} is not a count`)
  assert(counter <= COUNTER_MAX, `counter ${counter} does not fit in 32 bits`)
  assert(epoch <= EPOCH_MAX, `epoch ${epoch} out of range`)
  return (epoch * COUNTER_SPAN + counter) as Zxid
}

export function epochOf(zxid: Zxid): Epoch {
  return Math.floor(zxid / COUNTER_SPAN) as Epoch
}

export function counterOf(zxid: Zxid): number {
  return zxid % COUNTER_SPAN
}

/** The zxid `count` places on in the same epoch. */
export function advanceZxid(zxid: Zxid, count: number): Zxid {
  assert(counterOf(zxid) + count <= COUNTER_MAX, 'zxid counter exhausted')
  return (zxid + count) as Zxid
}

export function isSid(value: unknown): value is Sid {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= SID_MAX
}

export function makeSid(value: number): Sid {
  assert(isSid(value), `server id ${value} is not an integer from 1 to ${SID_MAX}`)
  return value
}

/** As ZooKeeper prints it: `0x100000003`. */
export function formatZxid(zxid: Zxid): string {
  return `0x${zxid.toString(16)}`
}
