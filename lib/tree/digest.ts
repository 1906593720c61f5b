/**
 * The digest: one number that is equal on every peer as long as their trees are. It is the sum, modulo 2^52, of one
 * hash per znode and per session, so changing an item costs one subtraction and one addition, and the sum does not
 * depend on the road that led to a state.
 *
 * The functions take plain facts, because the leader needs the digest of a state before that state exists. The hash is
 * MurmurHash3 (32 bits); two of them under different seeds make the 52 bits of one item.
 */

import { type Acl, OPEN_ACL } from '../base/acl.ts'
import type { ZPath } from '../base/path.ts'
import type { SessionId, Sid, Zxid } from '../base/zxid.ts'

/** All of a znode that is hashed. Data, ACL and path stand for themselves as hashes, so they are hashed once. */
export interface NodeFacts {
  readonly pathHash: number
  readonly czxid: Zxid
  readonly mzxid: Zxid
  readonly pzxid: Zxid
  readonly ctime: number
  readonly mtime: number
  readonly version: number
  /** Children ever created under the node: the next sequence number. */
  readonly creates: number
  readonly aversion: number
  readonly ephemeralOwner: SessionId
  readonly dataHash: number
  readonly aclHash: number
}

/** All of a session that is hashed. */
export interface SessionFacts {
  readonly id: SessionId
  readonly timeoutMs: number
  /** Peer the session is connected to, or was last. */
  readonly owner: Sid
  /** Number of its connection at that peer. */
  readonly connection: number
  /** Count of the session's writes so far. */
  readonly lastCxid: number
}

const HIGH_WORD = 2 ** -32
const TWO_26 = 2 ** 26
const DIGEST_SPAN = 2 ** 52

const NODE_SEEDS = [0x243f6a88, 0x85a308d3 | 0] as const
const SESSION_SEEDS = [0x13198a2e, 0x03707344] as const

/** Folds one 32-bit word into a hash. */
export function mix(hash: number, word: number): number {
  const scaled = Math.imul(word, 0xcc9e2d51)
  const mixed = hash ^ Math.imul((scaled << 15) | (scaled >>> 17), 0x1b873593)
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0
}

/** Lets every bit of the hash depend on every bit folded in. */
export function settle(hash: number): number {
  let value = hash
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return value ^ (value >>> 16)
}

export function hashData(data: Uint8Array): number {
  const length = data.length
  const whole = length & ~3
  let hash = 0
  for (let at = 0; at < whole; at += 4) {
    hash = mix(
      hash,
      data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24),
    )
  }
  let tail = 0
  for (let at = length - 1; at >= whole; at--) tail = (tail << 8) | data[at]!
  tail = Math.imul(tail, 0xcc9e2d51)
  hash ^= Math.imul((tail << 15) | (tail >>> 17), 0x1b873593)
  return settle(hash ^ length)
}

function hashText(text: string): number {
  const length = text.length
  let hash = 0
  let at = 0
  for (; at + 1 < length; at += 2) {
    hash = mix(hash, text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16))
  }
  if (at < length) hash = mix(hash, text.charCodeAt(at))
  return settle(hash ^ length)
}

/** Two more pieces of code make the same number: `hashUnits` and `PackedPath`. */
export function hashPath(path: ZPath): number {
  return hashText(path)
}

/** The same number for the first `count` units of an ASCII path, as bytes. */
export function hashUnits(bytes: Uint8Array, count: number): number {
  let hash = 0
  let at = 0
  for (; at + 1 < count; at += 2) hash = mix(hash, bytes[at]! | (bytes[at + 1]! << 16))
  if (at < count) hash = mix(hash, bytes[at]!)
  return settle(hash ^ count)
}

function hashEntries(acl: Acl): number {
  let hash = acl.length
  for (const { permissions, scheme, id } of acl) {
    hash = mix(mix(mix(hash, permissions), hashText(scheme)), hashText(id))
  }
  return settle(hash)
}

const OPEN_ACL_HASH = hashEntries(OPEN_ACL)

export function hashAcl(acl: Acl): number {
  return acl === OPEN_ACL ? OPEN_ACL_HASH : hashEntries(acl)
}

/** The facts of one item as 32-bit words: filled and folded within one call, and only there to split facts once. */
const words = new Int32Array(18)

/** An integer from 0 to 2^53 - 1 takes two words; the array keeps the low 32 bits of what is put into it. */
function putWide(at: number, value: number): void {
  words[at] = value
  words[at + 1] = value * HIGH_WORD
}

/** Two hashes of the first `count` words; the upper 26 bits of each, side by side. */
function fold(count: number, leftSeed: number, rightSeed: number): number {
  let left = leftSeed
  let right = rightSeed
  for (let at = 0; at < count; at++) {
    const word = words[at]!
    left = mix(left, word)
    right = mix(right, word)
  }
  return (settle(left) >>> 6) * TWO_26 + (settle(right) >>> 6)
}

/** What a znode contributes to the digest of its tree. */
export function nodeDigest(node: NodeFacts): number {
  words[0] = node.pathHash
  words[1] = node.dataHash
  words[2] = node.aclHash
  words[3] = node.version
  words[4] = node.creates
  words[5] = node.aversion
  putWide(6, node.czxid)
  putWide(8, node.mzxid)
  putWide(10, node.pzxid)
  putWide(12, node.ctime)
  putWide(14, node.mtime)
  putWide(16, node.ephemeralOwner)
  return fold(18, NODE_SEEDS[0], NODE_SEEDS[1])
}

/** What a session contributes to the digest of its tree. */
export function sessionDigest(session: SessionFacts): number {
  words[0] = session.timeoutMs
  words[1] = session.owner
  words[2] = session.lastCxid
  putWide(3, session.id)
  putWide(5, session.connection)
  return fold(7, SESSION_SEEDS[0], SESSION_SEEDS[1])
}

/** The digest with one item more. */
export function addDigest(total: number, contribution: number): number {
  const sum = total + contribution
  return sum < DIGEST_SPAN ? sum : sum - DIGEST_SPAN
}

/** The digest with one item less. */
export function removeDigest(total: number, contribution: number): number {
  const rest = total - contribution
  return rest >= 0 ? rest : rest + DIGEST_SPAN
}
