/**
 * Opening a peer's store: from the promise that the directory is this peer's own to a store that is ready to be
 * recovered. Whatever stands in the way is told with the path and what to do about it.
 */

import { Level } from 'level'
import { assert } from '../base/assert.ts'
import { MalformedError } from '../base/bytes.ts'
import { TreeError } from '../base/errors.ts'
import { LOG_START } from '../base/group.ts'
import { SNAPSHOTS_KEPT } from '../base/limits.ts'
import type { Durability } from '../base/ports.ts'
import { EPOCH_ZERO, type Sid, ZXID_ZERO } from '../base/zxid.ts'
import { checkFormat, checkOwner, claimDirectory, forgetDatabase, markInUse } from './directory.ts'
import { type Database, Disk } from './disk.ts'
import { asStorageFailure } from './failures.ts'
import { META_KEY } from './keys.ts'
import { LevelStore } from './level-store.ts'
import { checkLogs } from './logs.ts'
import { MemoryStore } from './memory-store.ts'
import { decodeMeta, encodeMeta, formatOf, type Meta } from './records.ts'
import type { Store } from './store.ts'
import { checkTables } from './tables.ts'
import { readMark, TailMark } from './tail-mark.ts'

export interface StoreOptions {
  readonly sid: Sid
  /** The peer's own directory, made when missing; not used with durability `memory`. */
  readonly dataDir: string | undefined
  readonly durability: Durability
  /** False when a new directory stands in for one that was lost: it counts as damaged until a leader's snapshot. */
  readonly trusted?: boolean
  readonly snapshotsKept?: number
}

const MIB = 1024 * 1024

const DATABASE_OPTIONS = Object.freeze({
  keyEncoding: 'view',
  valueEncoding: 'view',
  // Log and chunks are read once or never; compressing them would only cost every write.
  compression: false,
  // Each fill becomes a table that is merged, although most of the log is purged unread: larger is better. But two of
  // them may be in memory for each peer, and the whole is read back at opening. Beyond this, speed gains little.
  writeBufferSize: 8 * MIB,
  // Few and large files: the limit of open files is shared with the whole process, and with the other peers.
  maxFileSize: 8 * MIB,
  maxOpenFiles: 256,
  // Nothing is read twice.
  cacheSize: MIB,
} as const)

const SYNCED = Object.freeze({ keyEncoding: 'view', valueEncoding: 'view', sync: true } as const)

/** Makes the database of a directory; it is opened, used and closed by the store. */
export type MakeDatabase = (directory: string) => Database

function makeLevel(directory: string): Database {
  return new Level(directory, DATABASE_OPTIONS)
}

interface FoundMeta {
  readonly meta: Meta
  readonly metaFault: string | undefined
}

function blankMeta(sid: Sid, damaged: boolean): Meta {
  return {
    sid,
    revision: 1,
    epochs: { acceptedEpoch: EPOCH_ZERO, currentEpoch: EPOCH_ZERO },
    committed: ZXID_ZERO,
    logStart: LOG_START,
    tail: LOG_START,
    damaged,
  }
}

function parseMeta(value: Uint8Array, directory: string): Meta | string {
  try {
    checkFormat(formatOf(value), directory)
    return decodeMeta(value)
  } catch (error) {
    if (error instanceof MalformedError) return error.message
    throw error
  }
}

async function findMeta(
  database: Database,
  directory: string,
  { sid, trusted = true }: StoreOptions,
  wasInUse: boolean,
): Promise<FoundMeta> {
  const value: Uint8Array | undefined = await database.get(META_KEY)
  const found = value === undefined ? 'it is missing' : parseMeta(value, directory)
  if (typeof found !== 'string') {
    checkOwner(found.sid, sid, directory)
    if (!wasInUse) await markInUse(directory, sid)
    return { meta: found, metaFault: undefined }
  }
  if (wasInUse) {
    const metaFault = `the record of epochs cannot be read: ${found}`
    return { meta: blankMeta(sid, true), metaFault }
  }
  const meta = blankMeta(sid, !trusted)
  await database.put(META_KEY, encodeMeta(meta), SYNCED)
  await markInUse(directory, sid)
  return { meta, metaFault: undefined }
}

/**
 * LevelDB does not sync all that a new database consists of: a power cut may leave one that cannot be opened. As long
 * as the directory was never in use, nothing in it is of value, and LevelDB is to begin anew.
 */
async function openDatabase(
  database: Database,
  directory: string,
  wasInUse: boolean,
): Promise<void> {
  try {
    await database.open()
  } catch (error) {
    const failure = asStorageFailure(error, directory)
    const isDamaged = failure instanceof TreeError && failure.code === 'DIRECTORY_DAMAGED'
    if (wasInUse || !isDamaged) throw failure
    await forgetDatabase(directory)
    await database.open()
  }
}

async function openLevelStore(
  directory: string,
  options: StoreOptions,
  makeDatabase: MakeDatabase,
): Promise<Store> {
  const wasInUse = await claimDirectory(directory, options.sid)
  const marked = await readMark(directory)
  await checkTables(directory)
  await checkLogs(directory)
  const database = makeDatabase(directory)
  try {
    await openDatabase(database, directory, wasInUse)
    const found = await findMeta(database, directory, options, wasInUse)
    const { snapshotsKept = SNAPSHOTS_KEPT, durability } = options
    const sync = durability === 'power'
    const disk = new Disk(database, directory, sync)
    const tailMark = sync ? await TailMark.open(directory, marked) : undefined
    return new LevelStore(disk, { snapshotsKept, ...found, found: marked, tailMark })
  } catch (error) {
    await database.close().catch(() => undefined)
    throw asStorageFailure(error, directory)
  }
}

/**
 * Opens the store of one peer, to be recovered next.
 * @param makeDatabase what stands in for LevelDB, when that is not to be used as it is
 * @throws TreeError DIRECTORY_LOCKED, DIRECTORY_NOT_OURS, DIRECTORY_DAMAGED, FORMAT_TOO_NEW, NO_PERMISSION, NO_SPACE or
 * STORAGE_FAILED; its `path` is the directory.
 */
export async function openStore(
  options: StoreOptions,
  makeDatabase: MakeDatabase = makeLevel,
): Promise<Store> {
  const { dataDir, durability, snapshotsKept = SNAPSHOTS_KEPT } = options
  if (durability === 'memory') return new MemoryStore({ snapshotsKept })
  assert(dataDir !== undefined, 'a durable peer has a directory')
  return openLevelStore(dataDir, options, makeDatabase)
}
