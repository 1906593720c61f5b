/**
 * One LevelDB of a peer's directory: a segment of its log, or a snapshot. It is open while somebody uses it, so that
 * few files are, and LevelDB gives back its buffers. Nothing is ever removed from one: it goes as a whole, because what
 * is removed record by record makes LevelDB merge, and write anew, most of what stays.
 */

import { readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { MalformedError } from '../base/bytes.ts'
import type { Database, Disk, Urgency } from './disk.ts'
import { asStorageFailure, storageFailure } from './failures.ts'
import { checkLogs } from './logs.ts'
import { makeDirectory } from './make-directory.ts'
import { checkTables } from './tables.ts'
import { findUnopenedLog } from './unopened-log.ts'

/** LevelDB's pointer to its current manifest: no database without it. */
const LEVELDB_CURRENT = 'CURRENT'

/** Makes the object for the LevelDB in a directory; opening and closing it is left to others. */
export type MakeDatabase = (directory: string, kind: PartKind) => Database
export type PartKind = 'segment' | 'snapshot'

export class Part {
  readonly directory: string
  readonly #disk: Disk
  readonly #make: () => Database
  #database: Database | undefined
  #users = 0
  #isNew: boolean
  /** What lies there was written, or looked at, in this life of the peer. */
  #known: boolean
  #doomed = false

  /** `isNew`: there is no such directory yet, or nothing of value in it. */
  constructor(directory: string, disk: Disk, make: () => Database, isNew: boolean) {
    this.directory = directory
    this.#disk = disk
    this.#make = make
    this.#isNew = isNew
    this.#known = isNew
  }

  /**
   * The database, for as long as it takes until `release`.
   * @throws MalformedError when LevelDB cannot, or had better not, open it.
   */
  async acquire(urgency: Urgency = 'background'): Promise<Database> {
    this.#users++
    const failure = await this.#look()
    const found = await this.#disk.run(urgency, async () => {
      try {
        if (this.#doomed && this.#database === undefined) return 'it is about to be deleted'
        if (failure !== undefined) throw failure
        return await this.#open()
      } catch (error) {
        const failure = asStorageFailure(error, this.#disk.directory)
        // In what was never there nothing can be damaged: there the disk has failed.
        const isDamaged = 'code' in failure && failure.code === 'DIRECTORY_DAMAGED'
        if (this.#isNew || !isDamaged) throw failure
        return failure.message
      }
    })
    if (typeof found !== 'string') return found
    await this.release()
    throw new MalformedError(found)
  }

  /** Where its entries can be read without LevelDB, which then need not make a table of them; see `unopened-log`. */
  async unopenedLog(): Promise<string | undefined> {
    if (this.#isNew || this.#database !== undefined) return undefined
    return findUnopenedLog(this.directory).catch(() => undefined)
  }

  /** As `acquire`, but within a turn of the disk, or before there are any. */
  async acquireNow(): Promise<Database> {
    this.#users++
    const failure = await this.#look()
    if (failure !== undefined) throw failure
    return this.#open()
  }

  /** The last one to release it closes it. */
  async release(): Promise<void> {
    this.#users--
    await this.#settle()
  }

  /** Deletes the directory, as soon as nobody uses it. */
  async remove(): Promise<void> {
    this.#doomed = true
    await this.#settle()
  }

  /** It was to be removed, and nobody uses it. */
  get isGone(): boolean {
    return this.#doomed && this.#users === 0
  }

  /** When there are no turns any more. */
  async close(): Promise<void> {
    const database = this.#database
    this.#database = undefined
    await database?.close()
  }

  async #look(): Promise<unknown> {
    if (this.#isNew) return undefined
    try {
      const names = await readdir(this.directory)
      if (!names.includes(LEVELDB_CURRENT)) {
        const file = join(basename(this.directory), LEVELDB_CURRENT)
        const what = `LevelDB's file ${file} is missing`
        return storageFailure('DIRECTORY_DAMAGED', this.#disk.directory, what)
      }
      if (this.#known) return undefined
      await checkTables(this.directory, this.#disk.directory)
      await checkLogs(this.directory, this.#disk.directory)
      this.#known = true
      return undefined
    } catch (error) {
      return error
    }
  }

  async #open(): Promise<Database> {
    if (this.#database !== undefined) return this.#database
    if (this.#isNew) await makeDirectory(this.directory)
    const database = this.#make()
    try {
      // LevelDB takes files it is not let near for missing ones, and would write a new, empty database over them.
      await database.open({ createIfMissing: this.#isNew })
    } catch (error) {
      await database.close().catch(() => undefined)
      throw asStorageFailure(error, this.#disk.directory)
    }
    this.#database = database
    this.#isNew = false
    return database
  }

  async #settle(): Promise<void> {
    if (this.#users > 0) return
    await this.#disk.run('background', async () => {
      // Somebody may have come while this waited for its turn.
      if (this.#users === 0) await this.close()
    })
    if (!this.isGone) return
    // To give back the space of a large file takes a file system some time, and log writes are not to wait for it.
    await this.#disk.aside(() => rm(this.directory, { recursive: true, force: true }))
  }
}
