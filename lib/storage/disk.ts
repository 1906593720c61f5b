/**
 * The one road to a peer's LevelDB. Calls stand in a line and run one at a time: each takes one of the four threads
 * that the whole process has for its files, and a stalled write may hold it for seconds. Log writes go to the head of
 * the line; everything else is cut into short calls so that they never wait for long. The first failure is final:
 * LevelDB may go on after a failed write, but what it acknowledges then can be lost, so nothing is ever tried again.
 */

import type { Level } from 'level'
import { InvariantError } from '../base/assert.ts'
import type { TreeError } from '../base/errors.ts'
import { asStorageFailure, storageFailure } from './failures.ts'
import { type Key, type KeyRange, META_KEY } from './keys.ts'

export type Database = Level<Uint8Array, Uint8Array>
export type Entry = readonly [key: Key, value: Uint8Array]
export type Operation =
  | { readonly type: 'put'; readonly key: Key; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: Key }

/** Who goes first. */
export type Urgency = 'log' | 'background'

/** Bytes and entries that one call brings in; some milliseconds at most. */
const SLICE_BYTES = 1024 * 1024
const SLICE_ENTRIES = 1000
const SLICE_KEYS = 256

/** Frozen, and in LevelDB's own encodings, so that nothing is cloned or converted on the way. */
const SYNCED = Object.freeze({ keyEncoding: 'view', valueEncoding: 'view', sync: true } as const)
const UNSYNCED = Object.freeze({ ...SYNCED, sync: false } as const)

interface Waiting {
  readonly start: () => Promise<void>
  readonly refuse: (error: unknown) => void
}

/** All use the one key there is. */
function isMeta({ key }: Operation): boolean {
  return key === META_KEY
}

export class Disk {
  readonly #database: Database
  readonly #directory: string
  readonly #sync: boolean
  readonly #lines: Readonly<Record<Urgency, Waiting[]>> = { log: [], background: [] }
  #busy = false
  #refusal: TreeError | undefined
  #closing: Promise<void> | undefined
  #idle: (() => void) | undefined

  /**
   * `sync`: each write reaches the medium before it is done, not only the operating system. One that changes the record
   * of epochs does so in any case: an election that a power cut takes back, on one peer and not on another, would leave
   * logs that no leader could bring together again.
   */
  constructor(database: Database, directory: string, sync: boolean) {
    this.#database = database
    this.#directory = directory
    this.#sync = sync
  }

  get directory(): string {
    return this.#directory
  }

  get(key: Key): Promise<Uint8Array | undefined> {
    return this.#run('background', () => this.#database.get(key))
  }

  /** One atomic write. `build` is called when its turn has come, so that it sees the effects of all writes before. */
  commit(urgency: Urgency, build: () => readonly Operation[]): Promise<void> {
    return this.#run(urgency, () => {
      const operations = build()
      const [only] = operations
      if (only === undefined) return Promise.resolve()
      const options = this.#sync || operations.some(isMeta) ? SYNCED : UNSYNCED
      if (operations.length === 1 && only.type === 'put') {
        return this.#database.put(only.key, only.value, options)
      }
      return this.#database.batch([...operations], options)
    })
  }

  /** Entries in order, as they were at the first call, a slice at a time. */
  async *scan(range: KeyRange, urgency: Urgency = 'background'): AsyncGenerator<readonly Entry[]> {
    const options = { ...range, fillCache: false, highWaterMarkBytes: SLICE_BYTES }
    const iterator = this.#database.iterator(options)
    try {
      for (;;) {
        const slice = await this.#run(urgency, () => iterator.nextv(SLICE_ENTRIES))
        if (slice.length === 0) return
        yield slice
      }
    } finally {
      await iterator.close()
    }
  }

  /** Keys in order, as they were at the first call, a slice at a time. */
  async *keys(range: KeyRange, urgency: Urgency = 'background'): AsyncGenerator<readonly Key[]> {
    const iterator = this.#database.keys({ ...range, fillCache: false })
    try {
      for (;;) {
        const slice = await this.#run(urgency, () => iterator.nextv(SLICE_KEYS))
        if (slice.length === 0) return
        yield slice
      }
    } finally {
      await iterator.close()
    }
  }

  async lastKey(range: KeyRange): Promise<Key | undefined> {
    const iterator = this.#database.keys({ ...range, reverse: true, limit: 1 })
    try {
      return await this.#run('background', () => iterator.next())
    } finally {
      await iterator.close()
    }
  }

  /**
   * Removes a range, a slice at a time. Not atomic and not synced: for what nothing refers to any more. A slice is
   * cleared between its own keys, so that LevelDB does not walk over the ones removed before, and only if that is
   * `stillDue` at its turn: writes that came between may have put something in the place of what was found.
   */
  async clear(range: KeyRange, stillDue: () => boolean = () => true): Promise<void> {
    for await (const keys of this.keys(range)) {
      const slice = { gte: keys[0]!, lte: keys.at(-1)! }
      await this.#run('background', async () => {
        if (stillDue()) await this.#database.clear(slice)
      })
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#refuseAll(storageFailure('CLOSED', this.#directory, 'the store was closed'))
    if (this.#busy) {
      await new Promise<void>(resolve => {
        this.#idle = resolve
      })
    }
    try {
      await this.#database.close()
    } catch (error) {
      throw asStorageFailure(error, this.#directory)
    }
  }

  #run<T>(urgency: Urgency, call: () => Promise<T>): Promise<T> {
    if (this.#refusal !== undefined) return Promise.reject(this.#refusal)
    return new Promise((resolve, reject) => {
      const start = async (): Promise<void> => {
        try {
          resolve(await call())
        } catch (error) {
          reject(this.#fail(error))
        }
      }
      this.#lines[urgency].push({ start, refuse: reject })
      if (!this.#busy) void this.#work()
    })
  }

  async #work(): Promise<void> {
    this.#busy = true
    for (;;) {
      const next = this.#lines.log.shift() ?? this.#lines.background.shift()
      if (next === undefined) break
      await next.start()
    }
    this.#busy = false
    this.#idle?.()
  }

  #fail(error: unknown): TreeError | InvariantError {
    const failure = asStorageFailure(error, this.#directory)
    if (!(failure instanceof InvariantError)) this.#refuseAll(failure)
    return failure
  }

  #refuseAll(refusal: TreeError): void {
    this.#refusal ??= refusal
    for (const line of Object.values(this.#lines)) {
      for (const waiting of line.splice(0)) waiting.refuse(this.#refusal)
    }
  }
}
