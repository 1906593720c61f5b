/**
 * Stores in the same process, beside which our local view is held: LMDB and SQLite, each with the same paths and values
 * and read one by one, by path, as bytes of the caller's own.
 */

import { join } from 'node:path'
import type { BlockingTarget } from '../load/closed-loop.ts'
import { optionalPackage } from '../util/packages.ts'
import { dataDirectory } from '../util/places.ts'

export interface LocalStore {
  readonly system: string
  readonly target: BlockingTarget<Uint8Array | undefined>
  readonly close: () => void | Promise<void>
}

/** What we use of `lmdb`. */
interface Lmdb {
  open(options: { path: string; encoding: 'binary' }): LmdbDatabase
}

interface LmdbDatabase {
  put(key: string, value: Uint8Array): Promise<boolean>
  getBinary(key: string): Buffer | undefined
  close(): Promise<void>
}

/** What we use of `better-sqlite3`. */
type Sqlite = new (file: string) => SqliteDatabase

interface SqliteDatabase {
  exec(sql: string): void
  prepare(sql: string): SqliteStatement
  transaction(work: () => void): () => void
  close(): void
}

interface SqliteStatement {
  run(...values: unknown[]): void
  /** Rows of one column become its values. */
  pluck(): SqliteStatement
  get(value: string): unknown
}

/** Undefined when the package is not to be had. */
export async function openLmdb(
  parent: string,
  paths: readonly string[],
  data: Uint8Array,
): Promise<LocalStore | undefined> {
  const lmdb = optionalPackage<Lmdb>('lmdb')
  if (lmdb === undefined) return undefined
  const database = lmdb.open({ path: dataDirectory('lmdb', parent), encoding: 'binary' })
  await Promise.all(paths.map(path => database.put(path, data)))
  return {
    system: 'lmdb getBinary',
    target: {
      call: at => database.getBinary(paths[at % paths.length]!),
      isRight: value => value?.length === data.length,
    },
    close: () => database.close(),
  }
}

/** Undefined when the package is not to be had. */
export function openSqlite(
  parent: string,
  paths: readonly string[],
  data: Uint8Array,
): LocalStore | undefined {
  const Database = optionalPackage<Sqlite>('better-sqlite3')
  if (Database === undefined) return undefined
  const database = new Database(join(dataDirectory('sqlite', parent), 'nodes'))
  database.exec('PRAGMA journal_mode = WAL')
  database.exec('CREATE TABLE nodes (path TEXT PRIMARY KEY, data BLOB) WITHOUT ROWID')
  const insert = database.prepare('INSERT INTO nodes VALUES (?, ?)')
  database.transaction(() => {
    for (const path of paths) insert.run(path, data)
  })()
  const select = database.prepare('SELECT data FROM nodes WHERE path = ?').pluck()
  return {
    system: 'better-sqlite3 SELECT',
    target: {
      call: at => select.get(paths[at % paths.length]!) as Uint8Array | undefined,
      isRight: value => value?.length === data.length,
    },
    close: () => database.close(),
  }
}
