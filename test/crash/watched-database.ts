/** LevelDB with failpoints around everything that changes it. Reading goes through. */

import type { Database, Operation } from '../../lib/storage/disk.ts'
import { type Key, type KeyRange, META_KEY } from '../../lib/storage/keys.ts'
import { decodeMeta, type Meta } from '../../lib/storage/records.ts'
import type { Failpoints } from './failpoints.ts'
import { clearedBy, metaIn, stepOf } from './steps.ts'

type WriteOptions = NonNullable<Parameters<Database['put']>[2]>

export class WatchedDatabase {
  /** A leader's snapshot is coming in. */
  staging = false
  /** Recovery is over. */
  recovered = false
  readonly #inner: Database
  readonly #failpoints: Failpoints
  #meta: Meta | undefined

  constructor(inner: Database, failpoints: Failpoints) {
    this.#inner = inner
    this.#failpoints = failpoints
  }

  get asDatabase(): Database {
    return this as unknown as Database
  }

  open(): Promise<void> {
    return this.#failpoints.around('open', () => this.#inner.open())
  }

  close(): Promise<void> {
    return this.#failpoints.around('close', () => this.#inner.close())
  }

  async get(key: Key): Promise<Uint8Array | undefined> {
    const value: Uint8Array | undefined = await this.#inner.get(key)
    if (value !== undefined && key === META_KEY) this.#meta = decodeMeta(value)
    return value
  }

  put(key: Key, value: Uint8Array, options: WriteOptions): Promise<void> {
    const operations: Operation[] = [{ type: 'put', key, value }]
    return this.#write(operations, () => this.#inner.put(key, value, options))
  }

  batch(operations: Operation[], options: WriteOptions): Promise<void> {
    return this.#write(operations, () => this.#inner.batch(operations, options))
  }

  clear(range: KeyRange): Promise<void> {
    return this.#failpoints.around(clearedBy(range), () => this.#inner.clear(range))
  }

  iterator(options: Parameters<Database['iterator']>[0]): unknown {
    return this.#inner.iterator(options)
  }

  keys(options: Parameters<Database['keys']>[0]): unknown {
    return this.#inner.keys(options)
  }

  #write(operations: readonly Operation[], write: () => Promise<void>): Promise<void> {
    const { recovered, staging } = this
    const name = stepOf(operations, { meta: this.#meta, recovered, staging })
    this.#meta = metaIn(operations) ?? this.#meta
    return this.#failpoints.around(name, write)
  }
}
