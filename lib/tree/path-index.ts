/**
 * Finds nodes by the hash of their path: tables, each for the hashes that have some lower bits in common (extendible
 * hashing). A table doubles until it is of a certain size, and is divided into two from then on, by one more bit; two
 * that were one become one again when they are nearly empty. So the index grows and shrinks by small steps, however
 * many nodes there are.
 */

import { PathTable } from './path-table.ts'

const TABLE_BITS_MIN = 5
/** A table of so many places is divided within a millisecond, unless hashes are all alike. */
const TABLE_BITS_MAX = 13
/** Two tables that have no more entries together become one, which is far from being divided again. */
const MERGED_SIZE_MAX = 1 << (TABLE_BITS_MAX - 2)
/**
 * Hashes with as many bits in common are left together, and their table doubles: paths can be chosen so that their
 * hashes have all bits in common, and the array of tables would double for each.
 */
const DEPTH_MAX = 16

export class PathIndex {
  /** As many as the deepest table needs to be told from others; one that needs fewer bits stands here several times. */
  #tables = [new PathTable(0, TABLE_BITS_MIN)]
  #size = 0

  /** Number of entries. */
  get size(): number {
    return this.#size
  }

  /** The table with all entries that have the hash. */
  tableOf(hash: number): PathTable {
    const tables = this.#tables
    return tables[hash & (tables.length - 1)]!
  }

  add(hash: number, slot: number, slab: number, offset: number): void {
    while (this.tableOf(hash).isFull) this.#makeRoom(hash)
    this.#size++
    this.tableOf(hash).add(hash, slot, slab, offset)
  }

  /** The block of a node is elsewhere from now on. */
  move(hash: number, slot: number, slab: number, offset: number): void {
    this.tableOf(hash).move(hash, slot, slab, offset)
  }

  remove(hash: number, slot: number): void {
    this.tableOf(hash).remove(hash, slot)
    this.#size--
    while (this.#merge(hash));
  }

  #makeRoom(hash: number): void {
    const full = this.tableOf(hash)
    const { depth, bits } = full
    if (bits < TABLE_BITS_MAX || depth === DEPTH_MAX) {
      const larger = new PathTable(depth, bits + 1)
      full.copyTo(larger)
      this.#replace(hash, depth, larger)
      return
    }
    const bit = 1 << depth
    if (bit === this.#tables.length) this.#tables = [...this.#tables, ...this.#tables]
    const without = new PathTable(depth + 1, bits)
    const having = new PathTable(depth + 1, bits)
    full.divide(bit, without, having)
    this.#replace(hash & ~bit, depth + 1, without)
    this.#replace(hash | bit, depth + 1, having)
  }

  /** Makes one of the table with the hash and the one it was divided from, if they have few entries. */
  #merge(hash: number): boolean {
    const one = this.tableOf(hash)
    const { depth } = one
    if (depth === 0 || one.size > MERGED_SIZE_MAX) return false
    const other = this.tableOf(hash ^ (1 << (depth - 1)))
    if (other.depth !== depth || one.size + other.size > MERGED_SIZE_MAX) return false
    const merged = new PathTable(depth - 1, TABLE_BITS_MAX)
    one.copyTo(merged)
    other.copyTo(merged)
    this.#replace(hash, depth - 1, merged)
    return true
  }

  /** Puts a table wherever the lower bits of the hash lead. */
  #replace(hash: number, depth: number, table: PathTable): void {
    const step = 1 << depth
    const tables = this.#tables
    for (let at = hash & (step - 1); at < tables.length; at += step) tables[at] = table
  }
}
