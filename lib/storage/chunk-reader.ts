/**
 * Reads the chunks of one snapshot after the other, for a learner: from LevelDB's log where that will do, so that no
 * log write waits while LevelDB makes a table of it, or else through LevelDB.
 */

import { MalformedError } from '../base/bytes.ts'
import type { Database, Disk, Entry } from './disk.ts'
import { chunkKey, isSameKey } from './keys.ts'
import type { Part } from './part.ts'
import { decodeChunk } from './records.ts'
import type { SnapshotParts } from './snapshot-parts.ts'
import { readUnopenedLog } from './unopened-log.ts'

export class ChunkReader {
  readonly #disk: Disk
  readonly #parts: SnapshotParts
  /** The snapshot it is at. */
  #id = 0
  /** What is left of its log, while that is what is read. */
  #log: AsyncGenerator<Entry> | undefined
  /** Kept open from one chunk to the next. */
  #part: Part | undefined
  #database: Database | undefined
  #closed = false

  constructor(disk: Disk, parts: SnapshotParts) {
    this.#disk = disk
    this.#parts = parts
  }

  /** Undefined when it cannot be read. Chunks of a snapshot are asked for in their order, from the first. */
  async read(id: number, chunk: number): Promise<Uint8Array | undefined> {
    try {
      if (id !== this.#id) await this.#turnTo(id)
      const value = (await this.#nextOfLog(chunk)) ?? (await this.#get(chunk))
      return value && decodeChunk(id, chunk, value)
    } catch (error) {
      if (error instanceof MalformedError) return undefined
      throw error
    }
  }

  /** Resolves when it has let go of all that it had open. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#leave()
  }

  async #turnTo(id: number): Promise<void> {
    void this.#leave()
    this.#id = id
    const log = await this.#parts.get(id)?.unopenedLog()
    if (log !== undefined && !this.#closed) this.#log = readUnopenedLog(log)
  }

  /** The reader's memory is used again, so what it gives is copied. */
  async #nextOfLog(chunk: number): Promise<Uint8Array | undefined> {
    const log = this.#log
    if (log === undefined) return undefined
    try {
      const { value: entry } = await log.next()
      if (entry !== undefined && isSameKey(entry[0], chunkKey(this.#id, chunk))) {
        return Buffer.from(entry[1])
      }
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error
    }
    void this.#leaveLog()
    return undefined
  }

  async #get(chunk: number): Promise<Uint8Array | undefined> {
    const id = this.#id
    if (this.#part === undefined) {
      const part = this.#parts.get(id)
      const database = await part?.acquire()
      if (database === undefined) return undefined
      this.#part = part
      this.#database = database
      if (this.#closed) void this.#leave()
    }
    return this.#database && (await this.#disk.get(this.#database, chunkKey(id, chunk)))
  }

  /** Never fails: what was to be read is of no use any more. */
  async #leave(): Promise<void> {
    const left = [this.#leaveLog(), this.#part?.release()]
    this.#id = 0
    this.#part = undefined
    this.#database = undefined
    await Promise.allSettled(left)
  }

  async #leaveLog(): Promise<void> {
    const log = this.#log
    this.#log = undefined
    await log?.return(undefined).catch(() => undefined)
  }
}
