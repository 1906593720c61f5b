/**
 * Rows of numbers, one for each znode, in pages of typed arrays: nothing of a node is an object, so a million of them
 * are no work for the garbage collector. A row is two cache lines side by side: its wide numbers, then its narrow ones,
 * those first that a reader wants. Pages are added as rows are wanted and never moved. The row of a node that went is
 * used again; pages are kept.
 */

/** Pages are large, and so few that a cache keeps the objects that stand for them: each access goes by one. */
const PAGE_BITS = 13
const PAGE_ROWS = 1 << PAGE_BITS
const ROW_MASK = PAGE_ROWS - 1
const ROW_BYTES = 128
/** Doubles and 32-bit words in a row, as powers of two. */
const ROW_DOUBLES_BITS = 4
const ROW_WORDS_BITS = 5

/** The slot of no row. Fresh rows are zeroed, so they link to nothing. */
export const NONE = 0

/** Wide columns, in doubles from the beginning of a row. */
export const CZXID = 0
export const MZXID = 1
export const PZXID = 2
export const CTIME = 3
export const MTIME = 4
export const EPHEMERAL_OWNER = 5
export const DIGEST = 6

/** Narrow columns, in 32-bit words from the beginning of a row. */
/** See `packedLength` of `PackedPath`. */
export const PATH_LENGTH = 16
export const DATA_LENGTH = 17
/** Where the block with the path and the data is: see `Blocks`. */
export const SLAB = 18
export const OFFSET = 19
/** See `Acls`. */
export const ACL = 20
export const VERSION = 21
export const CREATES = 22
export const AVERSION = 23
export const CHILD_COUNT = 24
export const PATH_HASH = 25
export const DATA_HASH = 26
/** See `Ledger`. */
export const MARK = 27
export const PARENT = 28
export const FIRST_CHILD = 29
export const NEXT_SIBLING = 30
export const PREVIOUS_SIBLING = 31

/** Where a row begins among the doubles of its page. */
export function doublesAt(slot: number): number {
  return (slot & ROW_MASK) << ROW_DOUBLES_BITS
}

/** Where a row begins among the words of its page. */
export function wordsAt(slot: number): number {
  return (slot & ROW_MASK) << ROW_WORDS_BITS
}

export class Rows {
  readonly #doubles: Float64Array[] = []
  readonly #words: Int32Array[] = []
  /** Beyond all slots ever in use. */
  #end = NONE + 1
  /** The first of the slots that are free again, each of which names another in place of its sibling. */
  #free = NONE

  get end(): number {
    return this.#end
  }

  /** The page that holds the slot's wide numbers. */
  doubles(slot: number): Float64Array {
    return this.#doubles[slot >>> PAGE_BITS]!
  }

  /** The page that holds the slot's narrow numbers. */
  words(slot: number): Int32Array {
    return this.#words[slot >>> PAGE_BITS]!
  }

  word(slot: number, column: number): number {
    return this.words(slot)[wordsAt(slot) + column]!
  }

  setWord(slot: number, column: number, value: number): void {
    this.words(slot)[wordsAt(slot) + column] = value
  }

  double(slot: number, column: number): number {
    return this.doubles(slot)[doublesAt(slot) + column]!
  }

  setDouble(slot: number, column: number, value: number): void {
    this.doubles(slot)[doublesAt(slot) + column] = value
  }

  /** A slot whose row is all zeros. */
  take(): number {
    const slot = this.#free
    if (slot === NONE) return this.#takeFresh()
    this.#free = this.word(slot, NEXT_SIBLING)
    const doubles = doublesAt(slot)
    this.doubles(slot).fill(0, doubles, doubles + (1 << ROW_DOUBLES_BITS))
    return slot
  }

  /** The slot may be taken again. Until then its row stays as it is, but for its link to a sibling. */
  give(slot: number): void {
    this.setWord(slot, NEXT_SIBLING, this.#free)
    this.#free = slot
  }

  #takeFresh(): number {
    const slot = this.#end++
    if (slot >>> PAGE_BITS >= this.#words.length) {
      const page = new ArrayBuffer(PAGE_ROWS * ROW_BYTES)
      this.#doubles.push(new Float64Array(page))
      this.#words.push(new Int32Array(page))
    }
    return slot
  }
}
