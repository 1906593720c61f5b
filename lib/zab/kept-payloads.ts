/**
 * Payloads that are kept for a while, in memory that is used again. In memory of its own each would grow old, outside
 * of V8's heap but counted there, and make V8 collect all of its garbage every second: some milliseconds in which the
 * thread stands still.
 */

import { verify } from '../base/assert.ts'

const SLAB_BYTES_MIN = 16 * 1024
const SLAB_BYTES_MAX = 1024 * 1024
/** A larger one keeps the memory it came in: too much of a slab would lie idle behind the one before it. */
const KEPT_BYTES_MAX = SLAB_BYTES_MAX / 4

export class KeptPayloads {
  /** How many payloads are in each slab that has any. */
  readonly #counts = new Map<ArrayBufferLike, number>()
  /** Slabs of the largest size with nothing in them. */
  readonly #spare: Uint8Array[] = []
  /** The one that is filled. */
  #slab: Uint8Array = new Uint8Array(0)
  #used = 0

  /** The same bytes, which stay until they are dropped. */
  keep(payload: Uint8Array): Uint8Array {
    const { length } = payload
    if (length > KEPT_BYTES_MAX) return payload
    if (this.#used + length > this.#slab.length) this.#begin(length)
    const kept = this.#slab.subarray(this.#used, this.#used + length)
    kept.set(payload)
    this.#used += length
    const { buffer } = kept
    this.#counts.set(buffer, (this.#counts.get(buffer) ?? 0) + 1)
    return kept
  }

  /** What `keep` returned may be written over from now on. */
  drop(payload: Uint8Array): void {
    const { buffer } = payload
    const count = this.#counts.get(buffer)
    // It kept its own memory.
    if (count === undefined) return
    // Whoever reads it now shall not find what was there.
    verify(() => payload.fill(0xa5).length >= 0, 'a payload that is dropped is spoilt')
    if (count > 1) {
      this.#counts.set(buffer, count - 1)
      return
    }
    this.#counts.delete(buffer)
    if (buffer !== this.#slab.buffer) this.#spareOf(new Uint8Array(buffer))
  }

  /** Goes on in a slab with room; each is larger than the one before, so that who keeps little has a small one. */
  #begin(length: number): void {
    const before = this.#slab
    if (before.length > 0 && !this.#counts.has(before.buffer)) this.#spareOf(before)
    const bytes = Math.max(SLAB_BYTES_MIN, 2 * before.length, 4 * length)
    this.#slab = this.#spare.pop() ?? new Uint8Array(Math.min(SLAB_BYTES_MAX, bytes))
    this.#used = 0
  }

  #spareOf(slab: Uint8Array): void {
    if (slab.length === SLAB_BYTES_MAX) this.#spare.push(slab)
  }
}
