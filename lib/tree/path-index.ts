/**
 * Finds slots by the hash of their path: a hash table with open addressing, in one array of pairs of hash and slot, so
 * that to look for a node is to look at one place in memory before it is looked at itself.
 *
 * A pair stands at its home, which the upper bits of its hash name, or behind it with no gap between. As the upper bits
 * are used, the table grows by being read and written from front to back: some milliseconds for a million nodes. It
 * does not shrink.
 */

import { assert } from '../base/assert.ts'
import { NONE } from './rows.ts'

const PAIRS_BITS_MIN = 5
const NOWHERE = -1

export class PathIndex {
  /** A hash at each even place, and its slot behind it; `NONE` where there is no pair. */
  #pairs = new Int32Array(2 << PAIRS_BITS_MIN)
  /** How far a hash is shifted to name its home. */
  #shift = 32 - PAIRS_BITS_MIN
  #size = 0

  /** Number of pairs. */
  get size(): number {
    return this.#size
  }

  /** Where the first pair with this hash is, or -1. */
  first(hash: number): number {
    return this.#seek(hash, this.#homeOf(hash))
  }

  /** Where the next pair with this hash is, behind one that has it, or -1. */
  next(hash: number, at: number): number {
    return this.#seek(hash, this.#behind(at))
  }

  slotAt(at: number): number {
    return this.#pairs[at + 1]!
  }

  add(hash: number, slot: number): void {
    const pairs = this.#pairs.length / 2
    // At most three quarters are taken, so that a search ends soon.
    if (4 * (this.#size + 1) > 3 * pairs) this.#grow()
    this.#size++
    this.#put(hash, slot)
  }

  remove(hash: number, slot: number): void {
    let at = this.first(hash)
    while (at !== NOWHERE && this.slotAt(at) !== slot) at = this.next(hash, at)
    assert(at !== NOWHERE, 'a node that is removed was found by its hash')
    this.#size--
    this.#close(at)
  }

  #homeOf(hash: number): number {
    return (hash >>> this.#shift) * 2
  }

  #behind(at: number): number {
    return (at + 2) & (this.#pairs.length - 1)
  }

  #seek(hash: number, from: number): number {
    const pairs = this.#pairs
    const mask = pairs.length - 1
    for (let at = from; pairs[at + 1] !== NONE; at = (at + 2) & mask) {
      if (pairs[at] === hash) return at
    }
    return NOWHERE
  }

  #put(hash: number, slot: number): void {
    const pairs = this.#pairs
    let at = this.#homeOf(hash)
    while (pairs[at + 1] !== NONE) at = this.#behind(at)
    pairs[at] = hash
    pairs[at + 1] = slot
  }

  /** Closes the gap that a pair leaves: what stands behind it because of it moves up. */
  #close(gap: number): void {
    const pairs = this.#pairs
    const mask = pairs.length - 1
    let hole = gap
    for (let at = this.#behind(gap); pairs[at + 1] !== NONE; at = this.#behind(at)) {
      // A pair that has the hole between its home and itself may go there.
      const fromHome = (at - this.#homeOf(pairs[at]!)) & mask
      if (fromHome < ((at - hole) & mask)) continue
      pairs[hole] = pairs[at]!
      pairs[hole + 1] = pairs[at + 1]!
      hole = at
    }
    pairs[hole + 1] = NONE
  }

  #grow(): void {
    const before = this.#pairs
    this.#pairs = new Int32Array(2 * before.length)
    this.#shift--
    for (let at = 0; at < before.length; at += 2) {
      const slot = before[at + 1]!
      if (slot !== NONE) this.#put(before[at]!, slot)
    }
  }
}
