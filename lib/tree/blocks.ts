/**
 * Blocks of bytes for what has no fixed length. Small ones share slabs: a slab holds blocks of one size, and a byte
 * array of its own for each node would cost more than what is in it. Large ones have a slab to themselves.
 *
 * Sizes are rounded up to one of eight steps between two powers of two, so that less than an eighth of a block beyond
 * 64 bytes lies idle, and up to seven bytes of a smaller one. A slab is given back when its last block is, unless it
 * is the only one of its size with room. Slabs that are sparsely used stay: nothing is moved together.
 */

import { assert } from '../base/assert.ts'

/** Blocks are aligned to as many bytes; a free one names the next in its first four. */
const STEP_BYTES_MIN = 8
const STEPS_BITS = 3
const SLAB_BYTES_MIN = 1024
/** So large that a cache keeps the objects that stand for the slabs of many nodes: each access goes by one. */
const SLAB_BYTES_MAX = 1_048_576
/** Larger blocks do not share a slab. */
const SHARED_BYTES_MAX = 8192
const NOWHERE = -1

/** The size of the block that holds so many bytes. */
export function blockBytesFor(bytes: number): number {
  const bits = 31 - Math.clz32((bytes - 1) | 1)
  const step = Math.max(STEP_BYTES_MIN, 1 << Math.max(bits - STEPS_BITS, 0))
  return (bytes + step - 1) & -step
}

class Slab {
  readonly id: number
  readonly bytes: Buffer
  /** The same memory: to ask a buffer for it takes longer. */
  readonly buffer: ArrayBufferLike
  readonly words: Int32Array
  readonly blockBytes: number
  /** Where it stands among the slabs of its size that have room. */
  roomyAt = NOWHERE
  #used = 0
  /** Blocks from here on were never used. */
  #fresh = 0
  #free = NOWHERE

  constructor(id: number, blockBytes: number, blocks: number) {
    this.id = id
    this.blockBytes = blockBytes
    this.bytes = Buffer.allocUnsafeSlow(blockBytes * blocks)
    this.buffer = this.bytes.buffer
    assert(this.bytes.byteOffset === 0, 'a slab is a whole buffer')
    this.words = new Int32Array(this.buffer)
  }

  get isEmpty(): boolean {
    return this.#used === 0
  }

  get isFull(): boolean {
    return this.#free === NOWHERE && this.#fresh === this.bytes.length
  }

  take(): number {
    this.#used++
    const offset = this.#free
    if (offset !== NOWHERE) {
      this.#free = this.bytes.readInt32LE(offset)
      return offset
    }
    const fresh = this.#fresh
    this.#fresh += this.blockBytes
    return fresh
  }

  give(offset: number): void {
    this.#used--
    assert(this.#used >= 0, 'a block is given back once')
    this.bytes.writeInt32LE(this.#free, offset)
    this.#free = offset
  }
}

/** Stands where a slab was given back. */
const NO_SLAB = new Slab(NOWHERE, 0, 0)

/** Slabs with blocks of one size. */
class SizeClass {
  readonly blockBytes: number
  /** Those with room; blocks come from the last. */
  readonly roomy: Slab[] = []
  /** In all slabs. */
  bytes = 0

  constructor(blockBytes: number) {
    this.blockBytes = blockBytes
  }

  /** Slabs grow with the class, so that what is small stays small. */
  get nextSlabBlocks(): number {
    if (this.blockBytes > SHARED_BYTES_MAX) return 1
    const bytes = Math.min(SLAB_BYTES_MAX, Math.max(SLAB_BYTES_MIN, this.bytes))
    return Math.max(1, Math.floor(bytes / this.blockBytes))
  }

  addRoomy(slab: Slab): void {
    slab.roomyAt = this.roomy.push(slab) - 1
  }

  removeRoomy(slab: Slab): void {
    const last = this.roomy.pop()!
    if (last !== slab) {
      this.roomy[slab.roomyAt] = last
      last.roomyAt = slab.roomyAt
    }
    slab.roomyAt = NOWHERE
  }
}

/** Known by the number of its slab, and its offset there. */
export class Blocks {
  readonly #slabs: Slab[] = []
  /** Numbers of slabs that were given back. */
  readonly #spareIds: number[] = []
  readonly #classes = new Map<number, SizeClass>()
  #usedBytes = 0

  /** A slab that has a block for so many bytes, at least one. */
  slabFor(bytes: number): number {
    const sizeClass = this.#classOf(blockBytesFor(bytes))
    const slab = sizeClass.roomy.at(-1) ?? this.#addSlab(sizeClass)
    return slab.id
  }

  /** The offset of a block in a slab that has one. What is there is undefined. */
  take(slabId: number): number {
    const slab = this.#slabs[slabId]!
    const offset = slab.take()
    this.#usedBytes += slab.blockBytes
    if (slab.isFull) this.#classOf(slab.blockBytes).removeRoomy(slab)
    return offset
  }

  give(slabId: number, offset: number): void {
    const slab = this.#slabs[slabId]!
    const sizeClass = this.#classOf(slab.blockBytes)
    slab.give(offset)
    this.#usedBytes -= slab.blockBytes
    if (slab.roomyAt === NOWHERE) sizeClass.addRoomy(slab)
    if (!slab.isEmpty) return
    if (sizeClass.roomy.length > 1 || slab.blockBytes > SHARED_BYTES_MAX) {
      this.#dropSlab(sizeClass, slab)
    }
  }

  /** Whether the blocks of a slab are those for so many bytes. */
  fits(slabId: number, bytes: number): boolean {
    return this.#slabs[slabId]!.blockBytes === blockBytesFor(bytes)
  }

  /** The memory of a slab, for a view on some of it. */
  buffer(slabId: number): ArrayBufferLike {
    return this.#slabs[slabId]!.buffer
  }

  /** The same in words. Each block begins with one. */
  words(slabId: number): Int32Array {
    return this.#slabs[slabId]!.words
  }

  /** Where in the slab's words the last one of a block is. */
  lastWordAt(slabId: number, offset: number): number {
    return ((offset + this.#slabs[slabId]!.blockBytes) >>> 2) - 1
  }

  /** All bytes of a slab. */
  bytes(slabId: number): Buffer {
    return this.#slabs[slabId]!.bytes
  }

  /** Bytes of all blocks that are taken. */
  get usedBytes(): number {
    return this.#usedBytes
  }

  /** Bytes of all slabs. */
  get heldBytes(): number {
    let bytes = 0
    for (const sizeClass of this.#classes.values()) bytes += sizeClass.bytes
    return bytes
  }

  #classOf(blockBytes: number): SizeClass {
    const known = this.#classes.get(blockBytes)
    if (known !== undefined) return known
    const made = new SizeClass(blockBytes)
    this.#classes.set(blockBytes, made)
    return made
  }

  #addSlab(sizeClass: SizeClass): Slab {
    const id = this.#spareIds.pop() ?? this.#slabs.length
    const slab = new Slab(id, sizeClass.blockBytes, sizeClass.nextSlabBlocks)
    this.#slabs[id] = slab
    sizeClass.bytes += slab.bytes.length
    sizeClass.addRoomy(slab)
    return slab
  }

  #dropSlab(sizeClass: SizeClass, slab: Slab): void {
    sizeClass.removeRoomy(slab)
    sizeClass.bytes -= slab.bytes.length
    this.#slabs[slab.id] = NO_SLAB
    this.#spareIds.push(slab.id)
  }
}
