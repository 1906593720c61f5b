/**
 * A database in memory that stands in for LevelDB under a real store. It keeps a journal of its atomic writes and
 * knows which of them were synced, so that a test can see what any crash would leave; and any of its calls can be made
 * to fail.
 */

import { mkdirSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Database, Operation } from '../../lib/storage/disk.ts'
import type { Key, KeyRange } from '../../lib/storage/keys.ts'
import { openStore, type StoreOptions } from '../../lib/storage/open.ts'
import type { Store } from '../../lib/storage/store.ts'
import { SID } from '../storage/support.ts'
import { temporaryDirectory } from '../temporary.ts'

type Contents = Map<string, Uint8Array>

const [CHUNK, HEAD] = Buffer.from('sv')

function isOfSnapshot(key: Uint8Array): boolean {
  return key[0] === CHUNK || key[0] === HEAD
}

interface IteratorOptions extends KeyRange {
  readonly reverse?: boolean
  readonly limit?: number
}

function nameOf(key: Key): string {
  return Buffer.from(key).toString('hex')
}

/** Not `slice`, which of a Buffer makes a view. */
export function copy(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes)
}

function change(contents: Contents, write: readonly Operation[]): void {
  for (const operation of write) {
    if (operation.type === 'put') contents.set(nameOf(operation.key), copy(operation.value))
    else contents.delete(nameOf(operation.key))
  }
}

export class MapDatabase {
  readonly contents: Contents
  /** All writes since it was made, each atomic. */
  readonly journal: (readonly Operation[])[] = []
  /** How many of them a power cut leaves for certain: a synced write makes those before it safe too. */
  safe = 0
  /** Writes begun so far, and for which of them it fails instead. */
  writes = 0
  failsAt: (write: number) => boolean = () => false
  readonly #begun: Contents

  constructor(contents: Contents = new Map()) {
    this.#begun = new Map(contents)
    this.contents = new Map(contents)
  }

  get asDatabase(): Database {
    return this as unknown as Database
  }

  /** Of the snapshots that have a head or a chunk here. */
  get snapshotIds(): ReadonlySet<number> {
    const keys = [...this.contents.keys()].map(name => Buffer.from(name, 'hex'))
    return new Set(keys.filter(isOfSnapshot).map(key => key.readUInt32BE(1)))
  }

  /** What is there when the first `count` writes of the journal survive. */
  after(count: number): MapDatabase {
    const contents = new Map(this.#begun)
    for (const write of this.journal.slice(0, count)) change(contents, write)
    return new MapDatabase(contents)
  }

  async open(): Promise<void> {}

  async close(): Promise<void> {}

  async get(key: Key): Promise<Uint8Array | undefined> {
    const value = this.contents.get(nameOf(key))
    return value && copy(value)
  }

  async put(key: Key, value: Uint8Array, options: { readonly sync?: boolean }): Promise<void> {
    this.#write([{ type: 'put', key, value }], options.sync === true)
  }

  async batch(operations: Operation[], options: { readonly sync?: boolean }): Promise<void> {
    this.#write(operations, options.sync === true)
  }

  /** Not atomic, as LevelDB's is not: each key goes by itself. */
  async clear(range: KeyRange): Promise<void> {
    for (const key of this.#keysIn(range)) this.#write([{ type: 'del', key }], false)
  }

  iterator(range: IteratorOptions): unknown {
    return walk(this.#keysIn(range).map(key => [key, copy(this.contents.get(nameOf(key))!)]))
  }

  keys(range: IteratorOptions): unknown {
    return walk(this.#keysIn(range))
  }

  #write(operations: readonly Operation[], sync: boolean): void {
    if (this.failsAt(++this.writes)) {
      const message = 'IO error: /data/000003.log: Input/output error'
      throw Object.assign(new Error(message), { code: 'LEVEL_IO_ERROR' })
    }
    this.journal.push(operations)
    change(this.contents, operations)
    if (sync) this.safe = this.journal.length
  }

  #keysIn({ gt, gte, lt, lte, reverse = false, limit = -1 }: IteratorOptions): Key[] {
    const names = [...this.contents.keys()]
      .sort()
      .filter(
        name =>
          (gt === undefined || name > nameOf(gt)) &&
          (gte === undefined || name >= nameOf(gte)) &&
          (lt === undefined || name < nameOf(lt)) &&
          (lte === undefined || name <= nameOf(lte)),
      )
    if (reverse) names.reverse()
    return names.slice(0, limit < 0 ? undefined : limit).map(name => Buffer.from(name, 'hex'))
  }
}

function walk<T>(items: readonly T[]): unknown {
  const left = [...items]
  return {
    nextv: async (size: number) => left.splice(0, size),
    next: async () => left.shift(),
    close: async () => {},
  }
}

/** Makes it look as if LevelDB had a part there. */
function stand(part: string, { asDatabase }: MapDatabase): Database {
  mkdirSync(part, { recursive: true })
  writeFileSync(join(part, 'CURRENT'), '')
  return asDatabase
}

/** A directory that is in use, without LevelDB's files: the database, one for all parts, is given at each opening. */
export class Shelf {
  readonly #directory: string

  private constructor(directory: string) {
    this.#directory = directory
  }

  static async make(t: TestContext): Promise<Shelf> {
    const shelf = new Shelf(await temporaryDirectory(t))
    // Says whose directory it is.
    await (await shelf.open(new MapDatabase())).close()
    return shelf
  }

  /** Not recovered yet. Nothing beside it is of the log of an earlier database. */
  async open(database: MapDatabase, options: Partial<StoreOptions> = {}): Promise<Store> {
    const dataDir = this.#directory
    for (const name of ['tail', 'journal']) {
      await rm(join(dataDir, `quorumtree.${name}`), { force: true })
    }
    for (const id of database.snapshotIds) {
      stand(join(dataDir, `snapshot-${String(id).padStart(8, '0')}`), database)
    }
    return openStore(
      { sid: SID, dataDir, durability: 'process', snapshotsKept: 2, ...options },
      place => stand(place, database),
    )
  }
}

/** A directory of its own for a store that is fresh. */
export async function openFresh(
  t: TestContext,
  database: MapDatabase,
  options: Partial<StoreOptions> = {},
): Promise<Store> {
  const dataDir = await temporaryDirectory(t)
  return openStore(
    { sid: SID, dataDir, durability: 'power', snapshotsKept: 2, ...options },
    place => stand(place, database),
  )
}
