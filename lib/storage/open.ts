/**
 * Opening a peer's store: from the promise that the directory is this peer's own to a store that is ready to be
 * recovered. Whatever stands in the way is told with the path and what to do about it.
 */

import { Level } from 'level'
import { assert } from '../base/assert.ts'
import { MalformedError } from '../base/bytes.ts'
import { LOG_START } from '../base/group.ts'
import { SNAPSHOTS_KEPT } from '../base/limits.ts'
import type { Durability } from '../base/ports.ts'
import { EPOCH_ZERO, type Sid, ZXID_ZERO } from '../base/zxid.ts'
import { checkFormat, checkOwner, claimDirectory, type Identity } from './directory.ts'
import { type Database, Disk, type Operation } from './disk.ts'
import { asStorageFailure } from './failures.ts'
import { Journal, readJournal } from './journal.ts'
import { JournaledStore } from './journaled-store.ts'
import { META_KEY } from './keys.ts'
import { LevelStore } from './level-store.ts'
import { MemoryStore } from './memory-store.ts'
import type { MakeDatabase, PartKind } from './part.ts'
import { decodeMeta, encodeMeta, formatOf, type Meta } from './records.ts'
import { Segments } from './segments.ts'
import { SnapshotParts } from './snapshot-parts.ts'
import type { Store } from './store.ts'
import { readMark, TailMark } from './tail-mark.ts'

export interface StoreOptions {
  readonly sid: Sid
  /** The peer's own directory, made when missing; not used with durability `memory`. */
  readonly dataDir: string | undefined
  readonly durability: Durability
  /** False when a new directory stands in for one that was lost: it counts as damaged until a leader's snapshot. */
  readonly trusted?: boolean
  readonly snapshotsKept?: number
  /** Bytes of groups after which a snapshot leaves a segment of the log for the next. */
  readonly segmentBytes?: number
  /** Bytes of groups after which a segment is left though a snapshot is still under way. */
  readonly segmentBytesMax?: number
}

const MIB = 1024 * 1024
/** Beginning a segment costs some milliseconds, and a directory. */
const SEGMENT_BYTES = 8 * MIB
/** With what is on its way to it, still less than LevelDB's buffer. */
const SEGMENT_BYTES_MAX = 48 * MIB

/** A larger write is worth the way through the pool, and would fill the journal at once. */
const JOURNALED_BYTES = 4 * 1024

const DATABASE_OPTIONS = Object.freeze({
  keyEncoding: 'view',
  valueEncoding: 'view',
  // Log and chunks are read once or never; compressing them would only cost every write.
  compression: false,
  // Few and large files: the limit of open files is shared with the whole process, and with the other peers.
  maxFileSize: 8 * MIB,
  maxOpenFiles: 256,
  // Nothing is read twice.
  cacheSize: MIB,
} as const)

/**
 * What is in memory before LevelDB makes a table of it. Most of the log goes unread with its segment: as long as a
 * segment is smaller than this, each byte of it is written once, and nothing is ever merged. A delta is about as large
 * as the log it stands for, and under a heavy load that is more than usual. Memory is taken as it is needed, and given
 * back when the part is closed.
 */
const WRITE_BUFFER_BYTES: Readonly<Record<PartKind, number>> = {
  segment: 64 * MIB,
  snapshot: 96 * MIB,
}

function makeLevel(directory: string, kind: PartKind): Database {
  return new Level(directory, { ...DATABASE_OPTIONS, writeBufferSize: WRITE_BUFFER_BYTES[kind] })
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

async function findMeta(database: Database, directory: string, sid: Sid): Promise<FoundMeta> {
  const value: Uint8Array | undefined = await database.get(META_KEY)
  const found = value === undefined ? 'it is missing' : parseMeta(value, directory)
  if (typeof found === 'string') {
    const metaFault = `the record of epochs cannot be read: ${found}`
    return { meta: blankMeta(sid, true), metaFault }
  }
  checkOwner(found.sid, sid, directory)
  return { meta: found, metaFault: undefined }
}

async function openSegments(
  disk: Disk,
  make: MakeDatabase,
  identity: Identity,
  { sid, trusted = true }: StoreOptions,
): Promise<Segments> {
  const value = encodeMeta(blankMeta(sid, !trusted))
  const first: Operation = { type: 'put', key: META_KEY, value }
  return Segments.open(disk, make, identity, [first])
}

/** With synced writes there is one only if an earlier life has left something in it. */
async function openJournal(directory: string, sync: boolean): Promise<Journal | undefined> {
  if (sync && (await readJournal(directory)).length === 0) return undefined
  return Journal.open(directory)
}

async function openLevelStore(
  directory: string,
  options: StoreOptions,
  make: MakeDatabase,
): Promise<Store> {
  const { sid, snapshotsKept = SNAPSHOTS_KEPT } = options
  const { segmentBytes = SEGMENT_BYTES, segmentBytesMax = SEGMENT_BYTES_MAX } = options
  const sync = options.durability === 'power'
  const identity = await claimDirectory(directory, sid)
  const marked = await readMark(directory)
  const disk = new Disk(directory, sync)
  let segments: Segments | undefined
  let journal: Journal | undefined
  try {
    segments = await openSegments(disk, make, identity, options)
    const snapshots = await SnapshotParts.find(disk, make)
    const found = await findMeta(segments.database, directory, sid)
    journal = await openJournal(directory, sync)
    const tailMark = sync ? await TailMark.open(directory, marked) : undefined
    const shelves = { disk, segments, snapshots }
    const store = new LevelStore(shelves, {
      ...{ snapshotsKept, segmentBytes, segmentBytesMax, found: marked, tailMark },
      ...found,
    })
    if (journal === undefined) return store
    const smallBytes = sync ? 0 : JOURNALED_BYTES
    return new JournaledStore(store, { disk, segments, journal, smallBytes })
  } catch (error) {
    await journal?.close().catch(() => undefined)
    await segments?.close().catch(() => undefined)
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
