/**
 * Writing and reading packed bytes: the substance of every frame, log record and snapshot chunk. Little-endian, no
 * alignment, no field names. A reader is bounds-checked: damaged bytes end in a `MalformedError`, never in a value read
 * past the end.
 */

import { assert } from './assert.ts'
import { came, hashOf, KEPT_LENGTH_MAX, recall } from './texts.ts'

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
  /** On the same memory: it writes an integer at once, a buffer byte by byte. */
  #view: DataView
  #at = 0
  readonly #initial: number

  constructor(initialBytes = 256) {
    this.#initial = initialBytes
    this.#bytes = Buffer.allocUnsafeSlow(initialBytes)
    this.#view = new DataView(this.#bytes.buffer)
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
      this.#allocate(Math.max(this.#initial, length))
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
    this.#view.setUint16(this.#at, value, true)
    this.#at += 2
  }

  u32(value: number): void {
    this.#room(4)
    this.#view.setUint32(this.#at, value, true)
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
    const view = this.#view
    view.setUint32(this.#at, value - high * TWO_32, true)
    view.setUint32(this.#at + 4, high, true)
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
    this.#view.setUint32(at, value, true)
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
    const before = this.#bytes
    this.#allocate(Math.max(needed, before.length * 2))
    before.copy(this.#bytes, 0, 0, this.#at)
  }

  #allocate(size: number): void {
    this.#bytes = Buffer.allocUnsafeSlow(size)
    this.#view = new DataView(this.#bytes.buffer)
  }
}

/** A text of ASCII characters where it stands, for who has no need of a string. */
export interface AsciiText {
  readonly bytes: Uint8Array
  readonly at: number
  readonly length: number
}

/** Reads what a `ByteWriter` wrote. */
export class ByteReader {
  readonly #bytes: Uint8Array
  /** To ask a typed array for them takes longer than to read a number. */
  readonly #buffer: ArrayBufferLike
  readonly #offset: number
  /** On the same memory: it reads an integer at once. */
  readonly #view: DataView
  #at = 0
  readonly #end: number
  /** The same bytes, made when a text is read: for most frames it is not. */
  #texts: Buffer | undefined

  constructor(bytes: Uint8Array) {
    const { buffer, byteOffset, byteLength } = bytes
    this.#bytes = bytes
    this.#buffer = buffer
    this.#offset = byteOffset
    this.#view = new DataView(buffer, byteOffset, byteLength)
    this.#end = byteLength
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
    return this.#view.getUint16(this.#take(2), true)
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true)
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4), true)
  }

  u53(): number {
    const at = this.#take(8)
    const low = this.#view.getUint32(at, true)
    const high = this.#view.getUint32(at + 4, true)
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
    return new Uint8Array(this.#buffer, this.#offset + at, length)
  }

  text(): string {
    const word = this.#textHeader()
    const size = word >>> 1
    const at = this.#take(size)
    if ((word & 1) === 0) return this.#makeText('utf8', at, size)
    if (size > KEPT_LENGTH_MAX) return this.#makeText('latin1', at, size)
    const hash = hashOf(this.#bytes, at, size)
    const known = recall(hash, this.#bytes, at, size)
    if (known !== undefined) return known
    const text = this.#makeText('latin1', at, size)
    came(hash, text)
    return text
  }

  /** The same, as bytes where they are all ASCII: a view, like that of `bytes`. */
  asciiOrText(): AsciiText | string {
    const word = this.#textHeader()
    const length = word >>> 1
    const at = this.#take(length)
    if ((word & 1) === 0) return this.#makeText('utf8', at, length)
    const bytes = this.#bytes
    let all = 0
    for (let each = at; each < at + length; each++) all |= bytes[each]!
    if (all > 0x7f) throw new MalformedError('a text that is not the ASCII it says it is')
    return { bytes, at, length }
  }

  skip(length: number): void {
    this.#take(length)
  }

  /** As `ByteWriter` makes it: twice the size in bytes, and one more for pure ASCII. */
  #textHeader(): number {
    const word = this.u16()
    return word < 0x8000 ? word : (word & 0x7fff) | (this.u16() << 15)
  }

  #makeText(encoding: 'latin1' | 'utf8', at: number, size: number): string {
    this.#texts ??= Buffer.from(this.#buffer, this.#offset, this.#end)
    return this.#texts.toString(encoding, at, at + size)
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
