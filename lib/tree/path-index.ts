/**
 * Finds nodes by the hash of their path: tables, each for the hashes that have some lower bits in common. A table
 * doubles until it is of a certain size, and is divided into two from then on, by one more bit. So the index grows by
 * small steps, however many nodes there are. It does not shrink.
 */

import { PathTable } from './path-table.ts'

const TABLE_BITS_MIN = 5
/** A table of so many places is divided within a millisecond. */
const TABLE_BITS_MAX = 13
/** Hashes that have as many bits in common, which is no accident, are left together, and their table doubles. */
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
  }

  #makeRoom(hash: number): void {
    const full = this.tableOf(hash)
    const { depth, bits } = full
    if (bits < TABLE_BITS_MAX || depth === DEPTH_MAX) {
      const larger = new PathTable(depth, bits + 1)
      full.divide(0, larger, larger)
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

  /** Puts a table wherever the lower bits of the hash lead. */
  #replace(hash: number, depth: number, table: PathTable): void {
    const step = 1 << depth
    const tables = this.#tables
    for (let at = hash & (step - 1); at < tables.length; at += step) tables[at] = table
  }
}
