/** LevelDB with a watchman: sees every call, can hold one up, and can make the Nth one fail. */

import type { Database } from '../../lib/storage/disk.ts'

export type CallName = 'put' | 'batch' | 'get' | 'clear' | 'nextv' | 'next'

export interface Call {
  readonly name: CallName
  readonly args: readonly unknown[]
}

export class FaultyDatabase {
  readonly calls: Call[] = []
  /** Most calls ever under way at the same time. */
  mostAtOnce = 0
  /** The call with this number fails, counted from 1. */
  failAt = 0
  /** Every call waits for this. */
  gate: Promise<void> = Promise.resolve()
  #running = 0
  readonly #inner: Database

  constructor(inner: Database) {
    this.#inner = inner
  }

  get asDatabase(): Database {
    return this as unknown as Database
  }

  put(key: Uint8Array, value: Uint8Array, options: object = {}): Promise<void> {
    return this.#watch('put', [key, value, options], () => this.#inner.put(key, value, options))
  }

  batch(...args: unknown[]): Promise<void> {
    type Batch = (...args: unknown[]) => Promise<void>
    return this.#watch('batch', args, () => (this.#inner.batch as Batch).apply(this.#inner, args))
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#watch('get', [key], () => this.#inner.get(key))
  }

  clear(options: Parameters<Database['clear']>[0]): Promise<void> {
    return this.#watch('clear', [options], () => this.#inner.clear(options))
  }

  iterator(options: object): unknown {
    return this.#watchIterator(this.#inner.iterator(options))
  }

  keys(options: object): unknown {
    return this.#watchIterator(this.#inner.keys(options))
  }

  close(): Promise<void> {
    return this.#inner.close()
  }

  #watchIterator(iterator: {
    nextv(size: number): Promise<unknown[]>
    next(): Promise<unknown>
    close(): Promise<void>
  }): unknown {
    return {
      nextv: (size: number) => this.#watch('nextv', [size], () => iterator.nextv(size)),
      next: () => this.#watch('next', [], () => iterator.next()),
      close: () => iterator.close(),
    }
  }

  async #watch<T>(name: CallName, args: readonly unknown[], call: () => Promise<T>): Promise<T> {
    this.calls.push({ name, args })
    const number = this.calls.length
    this.#running++
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#running)
    try {
      await this.gate
      if (number === this.failAt) {
        const message = 'IO error: /data/000003.log: No space left on device'
        throw Object.assign(new Error(message), { code: 'LEVEL_IO_ERROR' })
      }
      return await call()
    } finally {
      this.#running--
    }
  }
}
