/**
 * The one road to a peer's open LevelDBs. Calls stand in a line and run one at a time: each takes one of the four
 * threads that the whole process has for its files, and a stalled write may hold it for seconds. Log writes go to the
 * head of the line; everything else is cut into short calls so that they never wait for long. The first failure is
 * final: LevelDB may go on after a failed write, but what it acknowledges then can be lost, so nothing is ever tried
 * again.
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
  readonly directory: string
  /**
   * Whether each write reaches the medium before it is done, not only the operating system. One that changes the
   * record of epochs does so in any case: an election that a power cut takes back, on one peer and not on another,
   * would leave logs that no leader could bring together again.
   */
  readonly sync: boolean
  readonly #lines: Readonly<Record<Urgency, Waiting[]>> = { log: [], background: [] }
  #busy = false
  /** Calls that run beside the line. */
  #beside = 0
  #refusal: TreeError | undefined
  #closing: Promise<void> | undefined
  #idle: (() => void) | undefined

  constructor(directory: string, sync: boolean) {
    this.directory = directory
    this.sync = sync
  }

  /** Runs `call` at its turn: it sees the effects of all calls before, and nothing else is under way. */
  run<T>(urgency: Urgency, call: () => Promise<T>): Promise<T> {
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

  /** Runs `call` beside the line, for what LevelDB has no part in; a failure is as final as in a turn. */
  async aside(call: () => Promise<void>): Promise<void> {
    if (this.#refusal !== undefined) throw this.#refusal
    this.#beside++
    try {
      await call()
    } catch (error) {
      const failure = this.#fail(error)
      throw this.#refusal ?? failure
    } finally {
      this.#beside--
      this.#tellIdle()
    }
  }

  /** One atomic write. To be called within a turn. */
  write(database: Database, operations: readonly Operation[]): Promise<void> {
    const [only] = operations
    if (only === undefined) return Promise.resolve()
    const options = this.sync || operations.some(isMeta) ? SYNCED : UNSYNCED
    if (operations.length === 1 && only.type === 'put') {
      return database.put(only.key, only.value, options)
    }
    return database.batch([...operations], options)
  }

  get(database: Database, key: Key): Promise<Uint8Array | undefined> {
    return this.run('background', () => database.get(key))
  }

  /** Entries in order, as they were at the first call, a slice at a time. */
  async *scan(database: Database, range: KeyRange): AsyncGenerator<readonly Entry[]> {
    const options = { ...range, fillCache: false, highWaterMarkBytes: SLICE_BYTES }
    const iterator = database.iterator(options)
    try {
      for (;;) {
        const slice = await this.run('background', () => iterator.nextv(SLICE_ENTRIES))
        if (slice.length === 0) return
        yield slice
      }
    } finally {
      await iterator.close()
    }
  }

  /** Keys in order, as they were at the first call, a slice at a time. */
  async *keys(
    database: Database,
    range: KeyRange,
    urgency: Urgency = 'background',
  ): AsyncGenerator<readonly Key[]> {
    const iterator = database.keys({ ...range, fillCache: false })
    try {
      for (;;) {
        const slice = await this.run(urgency, () => iterator.nextv(SLICE_KEYS))
        if (slice.length === 0) return
        yield slice
      }
    } finally {
      await iterator.close()
    }
  }

  /**
   * Refuses what waits, and ends with `last`, when what is under way is done, also beside the line: who opens the
   * directory next, or deletes it, must find nobody at work there.
   */
  close(last: () => Promise<void>): Promise<void> {
    this.#closing ??= this.#close(last)
    return this.#closing
  }

  async #close(last: () => Promise<void>): Promise<void> {
    this.#refuseAll(storageFailure('CLOSED', this.directory, 'the store was closed'))
    if (this.#isBusy) {
      await new Promise<void>(resolve => {
        this.#idle = resolve
      })
    }
    try {
      await last()
    } catch (error) {
      throw asStorageFailure(error, this.directory)
    }
  }

  async #work(): Promise<void> {
    this.#busy = true
    for (;;) {
      const next = this.#lines.log.shift() ?? this.#lines.background.shift()
      if (next === undefined) break
      await next.start()
    }
    this.#busy = false
    this.#tellIdle()
  }

  get #isBusy(): boolean {
    return this.#busy || this.#beside > 0
  }

  #tellIdle(): void {
    if (!this.#isBusy) this.#idle?.()
  }

  #fail(error: unknown): TreeError | InvariantError {
    const failure = asStorageFailure(error, this.directory)
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
