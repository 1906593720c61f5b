/**
 * A first-in first-out queue in a ring: constant time at both ends, no memory while it never held anything, and what a
 * burst made it grow to is given back when it runs empty.
 */

const CAPACITY_MIN = 8
const CAPACITY_KEPT = 1024

export class Fifo<T> {
  /** Length is 0 or a power of two. */
  #ring: (T | undefined)[] = []
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  /** The oldest item. */
  get first(): T | undefined {
    return this.#length === 0 ? undefined : this.#ring[this.#head]
  }

  push(item: T): void {
    if (this.#length === this.#ring.length) this.#grow()
    this.#ring[(this.#head + this.#length) & (this.#ring.length - 1)] = item
    this.#length++
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined
    const item = this.#ring[this.#head]
    this.#ring[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#ring.length - 1)
    this.#length--
    if (this.#length === 0 && this.#ring.length > CAPACITY_KEPT) this.clear()
    return item
  }

  clear(): void {
    this.#ring = []
    this.#head = 0
    this.#length = 0
  }

  /** Takes all items out, in order. */
  drain(): T[] {
    const items = this.#inOrder() as T[]
    this.clear()
    return items
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let i = 0; i < this.#length; i++) {
      yield this.#ring[(this.#head + i) & (this.#ring.length - 1)]!
    }
  }

  #inOrder(): (T | undefined)[] {
    const end = this.#head + this.#length
    const items = this.#ring.slice(this.#head, end)
    const beyond = end - this.#ring.length
    return beyond > 0 ? items.concat(this.#ring.slice(0, beyond)) : items
  }

  #grow(): void {
    const items: (T | undefined)[] = this.#inOrder()
    const capacity = Math.max(CAPACITY_MIN, items.length * 2)
    while (items.length < capacity) items.push(undefined)
    this.#ring = items
    this.#head = 0
  }
}
