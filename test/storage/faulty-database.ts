/** LevelDBs with one watchman: sees every call but a close, can hold one up, and can make the Nth one fail. */

import type { Database } from '../../lib/storage/disk.ts'

type OpenOptions = Parameters<Database['open']>[0]

export type CallName = 'open' | 'put' | 'batch' | 'get' | 'nextv' | 'next'

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
  /** Told of every call. */
  onCall: () => void = () => undefined
  #running = 0

  /** Lets every call from now on wait until the function that is returned is called. */
  holdUp(): () => void {
    let open: () => void = () => {}
    this.gate = new Promise(resolve => {
      open = resolve
    })
    return open
  }

  /** `inner` with the watchman before it. */
  wrap(inner: Database): Database {
    type Put = (key: Uint8Array, value: Uint8Array, options?: object) => Promise<void>
    type Batch = (...args: unknown[]) => Promise<void>
    const put = inner.put.bind(inner) as Put
    const batch = inner.batch.bind(inner) as Batch
    const watched = {
      open: (options: OpenOptions) => this.#watch('open', [options], () => inner.open(options)),
      close: () => inner.close(),
      put: (key: Uint8Array, value: Uint8Array, options: object = {}) =>
        this.#watch('put', [key, value, options], () => put(key, value, options)),
      batch: (...args: unknown[]) => this.#watch('batch', args, () => batch(...args)),
      get: (key: Uint8Array) => this.#watch('get', [key], () => inner.get(key)),
      iterator: (options: object) => this.#watchIterator(inner.iterator(options)),
      keys: (options: object) => this.#watchIterator(inner.keys(options)),
    }
    return watched as unknown as Database
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
    this.onCall()
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
