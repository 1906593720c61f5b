/**
 * A hash table with open addressing, in one array of entries: a hash, the slot of a node, and where its block is. Who
 * looks for a node looks at one place in memory, and then fetches its row and its block at once, not the one to learn
 * where the other is.
 *
 * An entry stands at its home, which the upper bits of its hash name, or behind it with no gap between. As the upper
 * bits are used, tables are made larger and divided by being read and written from front to back.
 */

import { assert } from '../base/assert.ts'
import { NONE } from './rows.ts'

const ENTRY_BITS = 2
const ENTRY_WORDS = 1 << ENTRY_BITS
/** Words of an entry, behind its hash. There is none where the slot is `NONE`. */
const SLOT = 1
const SLAB = 2
const OFFSET = 3
const NOWHERE = -1
/** How much of a table is taken at most, in parts of it. */
const PARTS = 16
const PARTS_MAX = 13

export class PathTable {
  /** How many of the lower bits all hashes in it have in common: see `PathIndex`. */
  readonly depth: number
  #words: Int32Array
  /** How far a hash is shifted to name its home. */
  #shift: number
  #size = 0

  constructor(depth: number, bits: number) {
    this.depth = depth
    this.#words = new Int32Array(ENTRY_WORDS << bits)
    this.#shift = 32 - bits
  }

  /** Number of entries. */
  get size(): number {
    return this.#size
  }

  /** Number of places for entries, as a power of two. */
  get bits(): number {
    return 32 - this.#shift
  }

  /**
   * At most thirteen of sixteen places are taken: a search ends soon, and a cache holds more of a table than of one
   * with more room.
   */
  get isFull(): boolean {
    return PARTS * (this.#size + 1) > PARTS_MAX * (this.#words.length >>> ENTRY_BITS)
  }

  /** Where the first entry with this hash is, or -1. */
  first(hash: number): number {
    return this.#seek(hash, this.#homeOf(hash))
  }

  /** Where the next entry with this hash is, behind one that has it, or -1. */
  next(hash: number, at: number): number {
    return this.#seek(hash, this.#behind(at))
  }

  slotAt(at: number): number {
    return this.#words[at + SLOT]!
  }

  slabAt(at: number): number {
    return this.#words[at + SLAB]!
  }

  offsetAt(at: number): number {
    return this.#words[at + OFFSET]!
  }

  /** It is not full. */
  add(hash: number, slot: number, slab: number, offset: number): void {
    this.#size++
    let at = this.#homeOf(hash)
    while (this.slotAt(at) !== NONE) at = this.#behind(at)
    const words = this.#words
    words[at] = hash
    words[at + SLOT] = slot
    words[at + SLAB] = slab
    words[at + OFFSET] = offset
  }

  /** The block of a node is elsewhere from now on. */
  move(hash: number, slot: number, slab: number, offset: number): void {
    const at = this.#entryOf(hash, slot)
    this.#words[at + SLAB] = slab
    this.#words[at + OFFSET] = offset
  }

  remove(hash: number, slot: number): void {
    const at = this.#entryOf(hash, slot)
    this.#size--
    this.#close(at)
  }

  /** Gives each entry to one of two tables, the second if its hash has the bit. */
  divide(bit: number, without: PathTable, having: PathTable): void {
    const words = this.#words
    for (let at = 0; at < words.length; at += ENTRY_WORDS) {
      const slot = words[at + SLOT]!
      if (slot === NONE) continue
      const hash = words[at]!
      const table = (hash & bit) === 0 ? without : having
      table.add(hash, slot, words[at + SLAB]!, words[at + OFFSET]!)
    }
  }

  /** Gives another table all entries as well. */
  copyTo(other: PathTable): void {
    this.divide(0, other, other)
  }

  #homeOf(hash: number): number {
    return (hash >>> this.#shift) << ENTRY_BITS
  }

  #behind(at: number): number {
    return (at + ENTRY_WORDS) & (this.#words.length - 1)
  }

  #seek(hash: number, from: number): number {
    const words = this.#words
    const mask = words.length - 1
    for (let at = from; words[at + SLOT] !== NONE; at = (at + ENTRY_WORDS) & mask) {
      if (words[at] === hash) return at
    }
    return NOWHERE
  }

  #entryOf(hash: number, slot: number): number {
    let at = this.first(hash)
    while (at !== NOWHERE && this.slotAt(at) !== slot) at = this.next(hash, at)
    assert(at !== NOWHERE, 'a node is found by its hash as long as it is there')
    return at
  }

  /** Closes the gap that an entry leaves: what stands behind it because of it moves up. */
  #close(gap: number): void {
    const words = this.#words
    const mask = words.length - 1
    let hole = gap
    for (let at = this.#behind(gap); words[at + SLOT] !== NONE; at = this.#behind(at)) {
      // An entry that has the hole between its home and itself may go there.
      const fromHome = (at - this.#homeOf(words[at]!)) & mask
      if (fromHome < ((at - hole) & mask)) continue
      words.copyWithin(hole, at, at + ENTRY_WORDS)
      hole = at
    }
    words[hole + SLOT] = NONE
  }
}
