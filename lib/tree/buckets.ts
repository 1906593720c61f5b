/**
 * Finds rows by the hash of their path: a hash table whose chains run through the rows themselves. It grows by linear
 * hashing, one bucket for each node more, so there is no moment at which a peer stands still to rehash a million
 * of them. It does not shrink: a bucket is four bytes.
 */

import { assert } from '../base/assert.ts'
import { NEXT_IN_BUCKET, NONE, PATH_HASH, type Rows } from './rows.ts'

const BUCKETS_MIN = 16

export class Buckets {
  readonly #rows: Rows
  /** The first slot of each bucket; as many as `#count` are in use. */
  #first = new Int32Array(BUCKETS_MIN)
  /** Invariant: (#mask + 1) / 2 <= #count <= #mask + 1, and `#mask + 1` is a power of two. */
  #count = BUCKETS_MIN
  #mask = BUCKETS_MIN - 1
  #size = 0

  constructor(rows: Rows) {
    this.#rows = rows
  }

  /** Number of rows. */
  get size(): number {
    return this.#size
  }

  /** The first slot of those that may have this hash; the others follow by `NEXT_IN_BUCKET`. */
  first(hash: number): number {
    return this.#first[this.#bucketOf(hash)]!
  }

  add(slot: number): void {
    if (++this.#size > this.#count) this.#grow()
    this.#push(this.#bucketOf(this.#rows.word(slot, PATH_HASH)), slot)
  }

  remove(slot: number): void {
    const rows = this.#rows
    const bucket = this.#bucketOf(rows.word(slot, PATH_HASH))
    const next = rows.word(slot, NEXT_IN_BUCKET)
    this.#size--
    let before = this.#first[bucket]!
    if (before === slot) {
      this.#first[bucket] = next
      return
    }
    while (rows.word(before, NEXT_IN_BUCKET) !== slot) {
      before = rows.word(before, NEXT_IN_BUCKET)
      assert(before !== NONE, 'a row is in the bucket of its hash')
    }
    rows.setWord(before, NEXT_IN_BUCKET, next)
  }

  #bucketOf(hash: number): number {
    const bucket = hash & this.#mask
    return bucket < this.#count ? bucket : bucket & (this.#mask >>> 1)
  }

  #push(bucket: number, slot: number): void {
    this.#rows.setWord(slot, NEXT_IN_BUCKET, this.#first[bucket]!)
    this.#first[bucket] = slot
  }

  /** One bucket more: what it takes over was all in one other bucket. */
  #grow(): void {
    const added = this.#count++
    if (added > this.#mask) this.#mask = 2 * this.#mask + 1
    if (added === this.#first.length) {
      const first = new Int32Array(2 * added)
      first.set(this.#first)
      this.#first = first
    }
    const split = added & (this.#mask >>> 1)
    let slot = this.#first[split]!
    this.#first[split] = NONE
    while (slot !== NONE) {
      const next = this.#rows.word(slot, NEXT_IN_BUCKET)
      this.#push(this.#bucketOf(this.#rows.word(slot, PATH_HASH)), slot)
      slot = next
    }
  }
}
