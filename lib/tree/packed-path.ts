/**
 * Paths as bytes: a byte for each character of an ASCII path, two for each UTF-16 unit of any other. The packed length
 * tells both how many units there are and which it is. Blocks hold paths like this; one that is looked for is packed
 * too, so that it is read once for its hash and its bytes, and compared by words.
 */

import { assert } from '../base/assert.ts'
import type { AsciiText } from '../base/bytes.ts'
import { SLASH, type ZPath } from '../base/path.ts'
import { hashUnits, mix, settle } from './digest.ts'

/** A path as a string, or as it stands in an image, packed already. */
export type PathText = ZPath | AsciiText

const ASCII_MAX = 0x7f
const CAPACITY_BYTES = 256

export function packedBytes(packedLength: number): number {
  return (packedLength >>> 1) << (packedLength & 1)
}

/** The path, or its end from the unit `from` on. */
export function unpackPath(bytes: Buffer, at: number, packedLength: number, from = 0): string {
  const end = at + packedBytes(packedLength)
  if ((packedLength & 1) === 1) return bytes.toString('utf16le', at + 2 * from, end)
  return bytes.toString('latin1', at + from, end)
}

/** One path at a time: who looks for paths has one of these, and packs each into it. */
export class PackedPath {
  #bytes = new Uint8Array(CAPACITY_BYTES)
  #words = new Int32Array(this.#bytes.buffer)
  #packedLength = 0
  #hash = 0
  #isHashed = true

  /** Twice the number of units, and one more when each takes two bytes. */
  get packedLength(): number {
    return this.#packedLength
  }

  /** What `hashPath` gives for it. */
  get hash(): number {
    if (!this.#isHashed) {
      this.#isHashed = true
      this.#hash = hashUnits(this.#bytes, this.#packedLength >>> 1)
    }
    return this.#hash
  }

  /** Becomes the path. */
  set(path: PathText): this {
    // A unit takes two bytes at most.
    if (2 * path.length > this.#bytes.length) this.#grow(2 * path.length)
    if (typeof path === 'string') this.#setText(path)
    else this.#setAscii(path)
    return this
  }

  /** Becomes the path of the parent: only for a path below the root, and of ASCII. */
  cutToParent(): void {
    const bytes = this.#bytes
    assert(this.#packedLength > 2 && (this.#packedLength & 1) === 0, 'an ASCII path has a parent')
    let end = (this.#packedLength >>> 1) - 1
    while (end > 0 && bytes[end] !== SLASH) end--
    // The root's own "/" stays.
    this.#packedLength = 2 * Math.max(end, 1)
    this.#isHashed = false
  }

  /** Whether it is what stands in a block. */
  equals(words: Int32Array, bytes: Uint8Array, at: number, packedLength: number): boolean {
    if (packedLength !== this.#packedLength) return false
    const mine = this.#words
    const size = packedBytes(packedLength)
    const whole = size >>> 2
    const first = at >>> 2
    for (let word = 0; word < whole; word++) {
      if (words[first + word] !== mine[word]) return false
    }
    for (let byte = 4 * whole; byte < size; byte++) {
      if (bytes[at + byte] !== this.#bytes[byte]) return false
    }
    return true
  }

  /** Writes it into a block, and up to three bytes more, behind it, that mean nothing. */
  copyTo(words: Int32Array, at: number): void {
    const mine = this.#words
    const first = at >>> 2
    const count = (packedBytes(this.#packedLength) + 3) >>> 2
    for (let word = 0; word < count; word++) words[first + word] = mine[word]!
  }

  /** Packs, and hashes as `hashPath` does, in one pass: to read a string's units takes its time. */
  #setText(path: ZPath): void {
    const bytes = this.#bytes
    const { length } = path
    let hash = 0
    let units = 0
    let at = 0
    for (; at + 1 < length; at += 2) {
      const unit = path.charCodeAt(at)
      const next = path.charCodeAt(at + 1)
      units |= unit | next
      bytes[at] = unit
      bytes[at + 1] = next
      hash = mix(hash, unit | (next << 16))
    }
    if (at < length) {
      const last = path.charCodeAt(at)
      units |= last
      bytes[at] = last
      hash = mix(hash, last)
    }
    this.#hash = settle(hash ^ length)
    this.#isHashed = true
    this.#packedLength = 2 * length
    if (units > ASCII_MAX) this.#widen(path)
  }

  #widen(path: ZPath): void {
    const bytes = this.#bytes
    for (let at = 0; at < path.length; at++) {
      const unit = path.charCodeAt(at)
      bytes[2 * at] = unit
      bytes[2 * at + 1] = unit >>> 8
    }
    this.#packedLength = 2 * path.length + 1
  }

  #setAscii(path: AsciiText): void {
    const bytes = this.#bytes
    const { length } = path
    for (let at = 0; at < length; at++) bytes[at] = path.bytes[path.at + at]!
    this.#packedLength = 2 * length
    this.#isHashed = false
  }

  #grow(bytes: number): void {
    let capacity = this.#bytes.length
    while (capacity < bytes) capacity *= 2
    this.#bytes = new Uint8Array(capacity)
    this.#words = new Int32Array(this.#bytes.buffer)
  }
}
