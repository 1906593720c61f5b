/** One of a store's LevelDBs, with failpoints around everything that changes it. Reading goes through. */

import type { Database, Operation } from '../../lib/storage/disk.ts'
import { type Key, META_KEY } from '../../lib/storage/keys.ts'
import type { PartKind } from '../../lib/storage/part.ts'
import { decodeMeta } from '../../lib/storage/records.ts'
import type { Failpoints } from './failpoints.ts'
import { metaIn, type Situation, stepOf } from './steps.ts'

type WriteOptions = NonNullable<Parameters<Database['put']>[2]>

/** What all databases of a store have in common. */
export type Surroundings = { -readonly [Name in keyof Omit<Situation, 'isNew'>]: Situation[Name] }

export class WatchedDatabase {
  readonly #inner: Database
  readonly #kind: PartKind
  readonly #surroundings: Surroundings
  readonly #failpoints: Failpoints
  /** No record of epochs was read from it or written to it: each segment that is written to begins with one. */
  #isNew = true

  constructor(inner: Database, kind: PartKind, surroundings: Surroundings, failpoints: Failpoints) {
    this.#inner = inner
    this.#kind = kind
    this.#surroundings = surroundings
    this.#failpoints = failpoints
  }

  get asDatabase(): Database {
    return this as unknown as Database
  }

  open(options: Parameters<Database['open']>[0]): Promise<void> {
    return this.#failpoints.around(`open ${this.#kind}`, () => this.#inner.open(options))
  }

  close(): Promise<void> {
    return this.#failpoints.around(`close ${this.#kind}`, () => this.#inner.close())
  }

  async get(key: Key): Promise<Uint8Array | undefined> {
    const value: Uint8Array | undefined = await this.#inner.get(key)
    if (value !== undefined && key === META_KEY) {
      this.#surroundings.meta = decodeMeta(value)
      this.#isNew = false
    }
    return value
  }

  put(key: Key, value: Uint8Array, options: WriteOptions): Promise<void> {
    const operations: Operation[] = [{ type: 'put', key, value }]
    return this.#write(operations, () => this.#inner.put(key, value, options))
  }

  batch(operations: Operation[], options: WriteOptions): Promise<void> {
    return this.#write(operations, () => this.#inner.batch(operations, options))
  }

  iterator(options: Parameters<Database['iterator']>[0]): unknown {
    return this.#inner.iterator(options)
  }

  keys(options: Parameters<Database['keys']>[0]): unknown {
    return this.#inner.keys(options)
  }

  #write(operations: readonly Operation[], write: () => Promise<void>): Promise<void> {
    const name = stepOf(operations, { ...this.#surroundings, isNew: this.#isNew })
    const meta = metaIn(operations)
    if (meta !== undefined) {
      this.#surroundings.meta = meta
      this.#isNew = false
    }
    return this.#failpoints.around(name, write)
  }
}
