/** First in, first out, in constant time: the session's line is one of these and may hold many thousands of calls. */

const COMPACT_FROM = 1024

export class Queue<T> {
  #items: (T | undefined)[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  push(item: T): void {
    this.#items.push(item)
  }

  peek(): T | undefined {
    return this.#items[this.#head]
  }

  shift(): T | undefined {
    const head = this.#head
    if (head === this.#items.length) return undefined
    const item = this.#items[head]
    this.#items[head] = undefined
    this.#head = head + 1
    if (this.#head === this.#items.length) this.clear()
    else if (head >= COMPACT_FROM && head * 2 > this.#items.length) this.#compact()
    return item
  }

  clear(): void {
    this.#items = []
    this.#head = 0
  }

  /** Takes all items out, in order. */
  drain(): T[] {
    const items = this.#head === 0 ? this.#items : this.#items.slice(this.#head)
    this.clear()
    return items as T[]
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let at = this.#head; at < this.#items.length; at++) yield this.#items[at] as T
  }

  #compact(): void {
    this.#items = this.#items.slice(this.#head)
    this.#head = 0
  }
}
