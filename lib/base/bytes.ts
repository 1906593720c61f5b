/**
 * Writing and reading packed bytes: the substance of every frame, log record and snapshot chunk. Little-endian, no
 * alignment, no field names. A reader is bounds-checked: damaged bytes end in a `MalformedError`, never in a value read
 * past the end.
 */

import { assert } from './assert.ts'

/** Bytes that cannot be decoded: a damaged record, or a frame that is not ours. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError'
}

const SHORT_TEXT = 24
/** V8 keeps so many bytes of a typed array on its own heap: making one is then as cheap as making an object. */
const SMALL_BYTES = 64
const NO_BYTES = new Uint8Array(0)
const TWO_32 = 2 ** 32

/** A growing buffer. `take` hands out the bytes written so far and starts over in fresh memory. */
export class ByteWriter {
  #bytes: Buffer
  #at = 0
  readonly #initial: number

  constructor(initialBytes = 256) {
    this.#initial = initialBytes
    this.#bytes = Buffer.allocUnsafeSlow(initialBytes)
  }

  get length(): number {
    return this.#at
  }

  /** The bytes written, as a view that the next write may overwrite. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#at)
  }

  /** The bytes written, in memory of their own; the writer is empty afterwards. */
  take(): Uint8Array {
    const length = this.#at
    const bytes = this.#bytes
    this.#at = 0
    if (length <= SMALL_BYTES) {
      const small = new Uint8Array(length)
      for (let at = 0; at < length; at++) small[at] = bytes[at]!
      return small
    }
    if (length * 2 >= bytes.length) {
      this.#bytes = Buffer.allocUnsafeSlow(Math.max(this.#initial, length))
      return new Uint8Array(bytes.buffer, 0, length)
    }
    return new Uint8Array(bytes.subarray(0, length))
  }

  reset(): void {
    this.#at = 0
  }

  u8(value: number): void {
    this.#room(1)
    this.#bytes[this.#at++] = value
  }

  u16(value: number): void {
    this.#room(2)
    const bytes = this.#bytes
    bytes[this.#at++] = value
    bytes[this.#at++] = value >>> 8
  }

  u32(value: number): void {
    this.#room(4)
    this.setU32(this.#at, value)
    this.#at += 4
  }

  /** A signed 32-bit integer; read it back with `i32`. */
  i32(value: number): void {
    this.u32(value)
  }

  /** A non-negative integer up to 2^53 - 1: zxid, time, session id, digest. */
  u53(value: number): void {
    this.#room(8)
    const high = Math.floor(value / TWO_32)
    this.setU32(this.#at, value - high * TWO_32)
    this.setU32(this.#at + 4, high)
    this.#at += 8
  }

  bool(value: boolean): void {
    this.u8(value ? 1 : 0)
  }

  bytes(value: Uint8Array): void {
    this.u32(value.length)
    this.raw(value)
  }

  /** Bytes without their length. */
  raw(value: Uint8Array): void {
    this.#room(value.length)
    this.#bytes.set(value, this.#at)
    this.#at += value.length
  }

  text(value: string): void {
    const length = value.length
    if (length <= SHORT_TEXT && this.#ascii(value)) return
    const size = Buffer.byteLength(value)
    this.#header(size, size === length)
    this.#room(size)
    if (size === length) this.#bytes.write(value, this.#at, size, 'latin1')
    else this.#bytes.write(value, this.#at, size, 'utf8')
    this.#at += size
  }

  /** Overwrites four bytes written before: for lengths and counts known only afterwards. */
  setU32(at: number, value: number): void {
    const bytes = this.#bytes
    bytes[at] = value
    bytes[at + 1] = value >>> 8
    bytes[at + 2] = value >>> 16
    bytes[at + 3] = value >>> 24
  }

  /** Size in bytes with the lowest bit telling pure ASCII, so that reading needs no decoder. */
  #header(size: number, ascii: boolean): void {
    assert(size < 2 ** 30, 'text too long')
    const word = (size << 1) | (ascii ? 1 : 0)
    if (word < 0x8000) this.u16(word)
    else {
      this.u16(0x8000 | (word & 0x7fff))
      this.u16(word >>> 15)
    }
  }

  #ascii(value: string): boolean {
    const length = value.length
    this.#room(length + 2)
    const bytes = this.#bytes
    const start = this.#at + 2
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i)
      if (unit > 0x7f) return false
      bytes[start + i] = unit
    }
    this.u16((length << 1) | 1)
    this.#at += length
    return true
  }

  #room(extra: number): void {
    const needed = this.#at + extra
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2))
    this.#bytes.copy(grown, 0, 0, this.#at)
    this.#bytes = grown
  }
}

/** Reads what a `ByteWriter` wrote. */
export class ByteReader {
  readonly #bytes: Uint8Array
  #at = 0
  readonly #end: number
  /** The same bytes, made when a text is read: for most frames it is not. */
  #texts: Buffer | undefined

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#end = bytes.length
  }

  get remaining(): number {
    return this.#end - this.#at
  }

  get done(): boolean {
    return this.#at >= this.#end
  }

  get position(): number {
    return this.#at
  }

  u8(): number {
    return this.#bytes[this.#take(1)]!
  }

  u16(): number {
    const at = this.#take(2)
    return this.#bytes[at]! | (this.#bytes[at + 1]! << 8)
  }

  u32(): number {
    return this.i32() >>> 0
  }

  i32(): number {
    const at = this.#take(4)
    const bytes = this.#bytes
    return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
  }

  u53(): number {
    const low = this.u32()
    const high = this.u32()
    if (high >= 2 ** 21) throw new MalformedError('integer beyond 2^53')
    return high * TWO_32 + low
  }

  bool(): boolean {
    return this.u8() !== 0
  }

  /** A view on the frame: copy it before keeping it longer than the frame. */
  bytes(): Uint8Array {
    return this.raw(this.u32())
  }

  raw(length: number): Uint8Array {
    const at = this.#take(length)
    if (length === 0) return NO_BYTES
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + at, length)
  }

  text(): string {
    let word = this.u16()
    if (word >= 0x8000) word = (word & 0x7fff) | (this.u16() << 15)
    const size = word >>> 1
    const at = this.#take(size)
    const bytes = this.#bytes
    this.#texts ??= Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    return this.#texts.toString((word & 1) === 1 ? 'latin1' : 'utf8', at, at + size)
  }

  skip(length: number): void {
    this.#take(length)
  }

  #take(length: number): number {
    const at = this.#at
    if (at + length > this.#end) {
      throw new MalformedError(`${length} bytes wanted at ${at}, ${this.#end - at} left`)
    }
    this.#at = at + length
    return at
  }
}
