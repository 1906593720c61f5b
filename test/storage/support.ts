/** Logs, snapshots and directories for the tests of storage. */

import { cp, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { Level } from 'level'
import { crc32 } from '../../lib/base/crc32.ts'
import { type Group, LOG_START, type LogPoint, makeGroup } from '../../lib/base/group.ts'
import type { Durability } from '../../lib/base/ports.ts'
import { advanceZxid, makeEpoch, makeSid, makeZxid } from '../../lib/base/zxid.ts'
import type { Database } from '../../lib/storage/disk.ts'
import { MemoryContents, MemoryStore } from '../../lib/storage/memory-store.ts'
import { openStore, type StoreOptions } from '../../lib/storage/open.ts'
import type { ImageSink, Recovered, Store } from '../../lib/storage/store.ts'
import type { Epochs, Persist, SnapshotHead } from '../../lib/zab/types.ts'
import { endOfData } from '../support/end-of-data.ts'
import { temporaryDirectory } from '../temporary.ts'

export const SID = makeSid(1)

export function openLevel(dataDir: string, options: Partial<StoreOptions> = {}): Promise<Store> {
  return openStore({ sid: SID, dataDir, durability: 'power', ...options })
}

/** A way to open the same data again and again, as a peer does that dies and comes back. */
export type Opener = (options?: { snapshotsKept?: number }) => Promise<Store>

export function levelOpener(directory: string, durability: Durability = 'process'): Opener {
  return options => openLevel(directory, { durability, ...options })
}

export function memoryOpener(): Opener {
  const contents = new MemoryContents()
  return async ({ snapshotsKept = 3 } = {}) => new MemoryStore({ snapshotsKept, contents })
}

/** What a process that is killed now would leave of a directory. */
export async function copyOf(t: TestContext, directory: string): Promise<string> {
  const copy = await temporaryDirectory(t)
  await cp(directory, copy, { recursive: true })
  return copy
}

const VIEWS = { keyEncoding: 'view', valueEncoding: 'view', compression: false } as const
const CHUNK = 's'.charCodeAt(0)

/** Directories of the log's segments or of the snapshots, the oldest first. */
export async function partsOf(
  directory: string,
  kind: 'log' | 'snapshot',
): Promise<readonly string[]> {
  const names = (await readdir(directory)).filter(name => name.startsWith(`${kind}-`))
  return names.sort().map(name => join(directory, name))
}

/** The last segment of the log. */
export async function segmentOf(directory: string): Promise<string> {
  return (await partsOf(directory, 'log')).at(-1)!
}

export async function withLevel<T>(
  place: string,
  use: (database: Database) => Promise<T>,
): Promise<T> {
  const database: Database = new Level(place, VIEWS)
  await database.open()
  try {
    return await use(database)
  } finally {
    await database.close()
  }
}

/** The LevelDB of the log's last segment, for looking behind the store and for doing harm. */
export async function withDatabase<T>(
  directory: string,
  use: (database: Database) => Promise<T>,
): Promise<T> {
  return withLevel(await segmentOf(directory), use)
}

/** Whether there is such a record in a LevelDB. */
function has(place: string, key: Uint8Array): Promise<boolean> {
  return withLevel(place, async database => (await database.get(key)) !== undefined)
}

/** The LevelDB that has the record with this key: that of a snapshot, or the newest segment that does. */
export async function withOwner<T>(
  directory: string,
  key: Uint8Array,
  use: (database: Database) => Promise<T>,
): Promise<T> {
  if (key[0] === CHUNK) {
    const id = Buffer.from(key).readUInt32BE(1)
    return withLevel(join(directory, `snapshot-${String(id).padStart(8, '0')}`), use)
  }
  for (const place of (await partsOf(directory, 'log')).toReversed()) {
    if (await has(place, key)) return withLevel(place, use)
  }
  return withDatabase(directory, use)
}

/** LevelDB's own log: what was written since it was opened last. */
export async function levelLogOf(directory: string): Promise<string> {
  const segment = await segmentOf(directory)
  const names = (await readdir(segment)).filter(name => name.endsWith('.log')).sort()
  return join(segment, names.at(-1)!)
}

/** What is written in it, without the room behind that. */
export async function readLevelLog(directory: string): Promise<Buffer> {
  const bytes = await readFile(await levelLogOf(directory))
  return bytes.subarray(0, endOfData(bytes))
}

/** Keys of one kind in all databases, by their first letter. */
export async function keysOf(directory: string, kind: string): Promise<Uint8Array[]> {
  const keys: Uint8Array[] = []
  const parts = await partsOf(directory, kind === 's' ? 'snapshot' : 'log')
  for (const place of parts) {
    const all = await withLevel(place, database => database.keys().all())
    keys.push(...all.filter(key => key[0] === kind.charCodeAt(0)))
  }
  return keys
}

export async function flipByte(directory: string, key: Uint8Array, at: number): Promise<void> {
  await withOwner(directory, key, async database => {
    const value = Buffer.from(await database.get(key))
    const place = at < 0 ? value.length + at : at
    value[place]! ^= 0x10
    await database.put(key, value)
  })
}

export async function removeKey(directory: string, key: Uint8Array): Promise<void> {
  await withOwner(directory, key, database => database.del(key))
}

/** Makes groups that follow one another. */
export class LogMaker {
  point: LogPoint
  readonly made: Group[] = []

  constructor(point: LogPoint = LOG_START) {
    this.point = point
  }

  /** One group; a new `epoch` begins with counter 1. */
  next(text: string, { epoch = 0, txns = 1, bytes = 0 } = {}): Group {
    const first =
      epoch === 0 && this.point.zxid > 0
        ? advanceZxid(this.point.zxid, 1)
        : makeZxid(makeEpoch(epoch || 1), 1)
    const last = advanceZxid(first, txns - 1)
    const payload = Buffer.from(text.padEnd(bytes, '.'))
    const group = makeGroup(this.point, first, last, payload, crc32(payload))
    this.point = { zxid: group.last, chain: group.chain }
    this.made.push(group)
    return group
  }

  many(count: number, name = 'group', bytes = 0): Group[] {
    return Array.from({ length: count }, (_, at) => this.next(`${name}-${at}`, { bytes }))
  }
}

/** Where a log of `count` groups ends. */
export function pointAfter(count: number): LogPoint {
  const log = new LogMaker()
  log.many(count)
  return log.point
}

export function epochs(acceptedEpoch: number, currentEpoch = acceptedEpoch): Epochs {
  return { acceptedEpoch: makeEpoch(acceptedEpoch), currentEpoch: makeEpoch(currentEpoch) }
}

export function batch(parts: Partial<Persist>): Persist {
  return {
    writeId: 1,
    epochs: epochs(1),
    install: undefined,
    truncateAfter: undefined,
    groups: [],
    committed: LOG_START.zxid,
    ...parts,
  }
}

export function headAt(point: LogPoint, digest = 7): SnapshotHead {
  return { point, digest, epochEnds: point.zxid === 0 ? [] : [point] }
}

export async function takeSnapshot(
  store: Store,
  point: LogPoint,
  kind: 'full' | 'delta',
  ...chunks: readonly string[]
): Promise<LogPoint> {
  store.beginSnapshot(headAt(point), kind)
  for (const chunk of chunks) await store.appendSnapshot(Buffer.from(chunk))
  return store.commitSnapshot()
}

/** For whom the chunks do not matter. */
export const NO_IMAGE: ImageSink = { chunk: () => undefined, restart: () => undefined }

/** Recovers and collects the chunks as text. */
export async function recover(store: Store): Promise<Recovered & { readonly chunks: string[] }> {
  const chunks: string[] = []
  const recovered = await store.recover({
    chunk: bytes => chunks.push(textOf(bytes)),
    restart: () => chunks.splice(0),
  })
  return { ...recovered, chunks }
}

export async function readSnapshot(store: Store): Promise<string[] | undefined> {
  const reader = await store.openSnapshot()
  if (reader === undefined) return undefined
  const chunks: string[] = []
  try {
    for (;;) {
      const chunk = await reader.next()
      if (chunk === undefined) return undefined
      chunks.push(textOf(chunk.bytes))
      if (chunk.last) return chunks
    }
  } finally {
    reader.close()
  }
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString()
}

export function textsOf(groups: readonly Group[] | undefined): string[] | undefined {
  return groups?.map(group => textOf(group.payload).replace(/\.+$/, ''))
}

/** Opens, uses and closes a store that was there before. */
export async function session<T>(
  open: () => Promise<Store>,
  use: (store: Store, recovered: Recovered & { readonly chunks: string[] }) => Promise<T>,
): Promise<T> {
  const store = await open()
  try {
    return await use(store, await recover(store))
  } finally {
    await store.close()
  }
}
