/**
 * Snapshots, each in a LevelDB of its own, seen by nobody until one head record in the log makes it a snapshot. Chunks
 * are as durable as the log, each by itself, since one sync of them all would hold the log up; and before the head is
 * written, the whole database is made durable, whatever LevelDB has left unsynced of it.
 */

import { assert } from '../base/assert.ts'
import type { LogPoint } from '../base/group.ts'
import type { SnapshotHead } from '../zab/types.ts'
import { ChunkReader } from './chunk-reader.ts'
import type { Database, Disk, Operation } from './disk.ts'
import { chunkKey, headKey } from './keys.ts'
import type { Part } from './part.ts'
import { encodeChunk, encodeHead, type StoredSnapshot } from './records.ts'
import type { SnapshotParts } from './snapshot-parts.ts'
import { type Chain, ChainCursor, SnapshotCatalog } from './snapshots.ts'
import type { ChainSize, SnapshotKind, SnapshotReader } from './store.ts'
import { syncDatabase, syncDirectory } from './sync.ts'

/** Chunks on their way to a snapshot that is not visible yet. */
interface Draft {
  readonly id: number
  /** As in `StoredSnapshot`. */
  readonly base: number
  chunks: number
  bytes: number
  /** Given up: what has not been written yet is not written. */
  dropped: boolean
  /** Made with the first chunk. */
  part: Part | undefined
  database: Promise<Database> | undefined
  /** Settles when all chunks handed over so far are written. */
  written: Promise<void>
}

/** What a purge took out of sight, as the records that say so, and where the log begins by what is left. */
export interface Purged {
  readonly operations: readonly Operation[]
  readonly logStart: LogPoint
}

interface OwnDraft extends Draft {
  readonly head: SnapshotHead
}

function asStored({ id, base, chunks, bytes }: Draft, head: SnapshotHead): StoredSnapshot {
  return { id, base, chunks, bytes, head }
}

function removeHead(id: number): Operation {
  return { type: 'del', key: headKey(id) }
}

function putHead(snapshot: StoredSnapshot): Operation {
  return { type: 'put', key: headKey(snapshot.id), value: encodeHead(snapshot) }
}

export class LevelSnapshots {
  readonly #disk: Disk
  readonly #parts: SnapshotParts
  readonly #kept: number
  #catalog = new SnapshotCatalog()
  /** Ends each of the readers that are open. */
  readonly #readers = new Set<() => Promise<void>>()
  #closed = false
  /** Heads that are of no use but stay until a leader's snapshot is installed, as witnesses of the damage. */
  #useless: readonly number[] = []
  #nextId = 1
  #own: OwnDraft | undefined
  #staged: Draft | undefined
  /** Staged whole, and about to be installed. */
  #arrived: Draft | undefined

  constructor(disk: Disk, parts: SnapshotParts, kept: number) {
    this.#disk = disk
    this.#parts = parts
    this.#kept = kept
  }

  get newestPoint(): LogPoint {
    return this.#catalog.newestPoint
  }

  get newestChain(): ChainSize | undefined {
    return this.#catalog.newestSize()
  }

  /** Takes over what recovery found. */
  restore(snapshots: readonly StoredSnapshot[], useless: readonly number[], nextId: number): void {
    this.#catalog = new SnapshotCatalog(snapshots)
    this.#useless = useless
    this.#nextId = nextId
  }

  /** The heads of all that is visible, for a segment that has none. */
  heads(): Operation[] {
    return this.#catalog.snapshots.map(putHead)
  }

  removeUseless(): Operation[] {
    const operations = this.#useless.map(removeHead)
    this.#useless = []
    return operations
  }

  stage(chunk: Uint8Array): Promise<void> {
    this.#staged ??= this.#draft(0)
    return this.#write(this.#staged, chunk)
  }

  abortStaging(): void {
    const draft = this.#staged
    this.#staged = undefined
    if (draft !== undefined) this.#drop(draft)
  }

  /** Closes the staging and waits until its chunks are durable. To be followed by `install`. */
  async arrive(): Promise<void> {
    this.#arrived = this.#staged
    this.#staged = undefined
    if (this.#arrived !== undefined) await this.#finish(this.#arrived)
  }

  /** Makes what has arrived the only snapshot. */
  install(head: SnapshotHead): Operation[] {
    const draft = this.#arrived
    assert(this.#own === undefined, 'an own snapshot is aborted before another is installed')
    // A leader that has no snapshot sends no chunk: the log then begins with the empty tree.
    assert(draft !== undefined || head.point.zxid === 0, 'an installed snapshot has a chunk')
    const snapshot = draft && asStored(draft, head)
    const replaced = [...this.#catalog.replaceAll(snapshot), ...this.#useless]
    this.#useless = []
    this.#arrived = undefined
    const operations = replaced.map(removeHead)
    if (snapshot !== undefined) operations.push(putHead(snapshot))
    return operations
  }

  begin(head: SnapshotHead, kind: SnapshotKind): void {
    assert(this.#own === undefined, 'one own snapshot at a time')
    assert(kind === 'full' || this.#catalog.newestId > 0, 'a delta needs a snapshot before it')
    this.#own = { ...this.#draft(kind === 'full' ? 0 : this.#catalog.newestId), head }
  }

  append(chunk: Uint8Array): Promise<void> {
    assert(this.#own !== undefined, 'a chunk belongs to a snapshot under way')
    return this.#write(this.#own, chunk)
  }

  /** Makes the own snapshot visible by `write`; false when it was aborted before that could happen. */
  async commit(write: (build: () => readonly Operation[]) => Promise<void>): Promise<boolean> {
    const draft = this.#own
    assert(draft !== undefined, 'only a snapshot under way is committed')
    await this.#finish(draft)
    await write(() => {
      if (draft.dropped) return []
      assert(draft.base > 0 || draft.chunks > 0, 'a full image has a chunk')
      const snapshot = asStored(draft, draft.head)
      this.#catalog.add(snapshot)
      this.#own = undefined
      return [putHead(snapshot)]
    })
    return !draft.dropped
  }

  abort(): void {
    const draft = this.#own
    this.#own = undefined
    if (draft !== undefined) this.#drop(draft)
  }

  /** Takes what is not kept out of sight. */
  purge(): Purged | undefined {
    const purge = this.#catalog.purge(this.#kept)
    return purge && { operations: purge.dropped.map(removeHead), logStart: purge.logStart }
  }

  /** Removes the chunks that belong to nothing. */
  async sweep(): Promise<void> {
    const drafts = [this.#own, this.#staged, this.#arrived].filter(draft => draft !== undefined)
    const needed = new Set([...this.#catalog.neededIds(), ...drafts.map(({ id }) => id)])
    for (const id of this.#parts.ids) {
      if (!needed.has(id)) await this.#parts.remove(id)
    }
  }

  /** Closes all readers: they have files open, which the disk's line does not know of. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#readers].map(end => end()))
  }

  /** The newest snapshot, unless the log that follows it is gone. */
  open(logStart: LogPoint): SnapshotReader | undefined {
    if (this.#closed) return undefined
    const chain = this.#catalog.newestChain()
    const head = chain?.at(-1)?.head
    if (chain === undefined || head === undefined) return undefined
    if (head.point.zxid < logStart.zxid) return undefined
    return this.#read(chain, head)
  }

  #read(chain: Chain, head: SnapshotHead): SnapshotReader {
    const catalog = this.#catalog
    const cursor = new ChainCursor(chain)
    const chunks = new ChunkReader(this.#disk, this.#parts)
    catalog.pin(chain)
    const isOpen = (): boolean => this.#readers.has(end)
    const end = async (): Promise<void> => {
      if (!this.#readers.delete(end)) return
      catalog.unpin(chain)
      await chunks.close()
    }
    this.#readers.add(end)
    return {
      head,
      next: async () => {
        if (!isOpen() || cursor.done) return undefined
        const { id, chunk } = cursor.take()
        const bytes = await chunks.read(id, chunk)
        if (!isOpen()) return undefined
        if (bytes === undefined) catalog.markUnreadable(id)
        return bytes && { bytes, last: cursor.done }
      },
      close: () => void end(),
    }
  }

  #draft(base: number): Draft {
    const id = this.#nextId++
    return {
      ...{ id, base, chunks: 0, bytes: 0, dropped: false },
      ...{ part: undefined, database: undefined, written: Promise.resolve() },
    }
  }

  #write(draft: Draft, bytes: Uint8Array): Promise<void> {
    const at = draft.chunks++
    draft.bytes += bytes.length
    draft.part ??= this.#parts.make(draft.id)
    draft.database ??= draft.part.acquire()
    draft.written = this.#put(draft, draft.database, at, bytes)
    return draft.written
  }

  async #put(
    draft: Draft,
    opening: Promise<Database>,
    at: number,
    bytes: Uint8Array,
  ): Promise<void> {
    const database = await opening
    await this.#disk.run('background', async () => {
      if (draft.dropped) return
      const value = encodeChunk(draft.id, at, bytes)
      await this.#disk.write(database, [{ type: 'put', key: chunkKey(draft.id, at), value }])
    })
  }

  /** Waits for the draft's chunks, and makes them durable. */
  async #finish(draft: Draft): Promise<void> {
    await draft.written
    const { part } = draft
    if (part === undefined || draft.dropped) return
    draft.database = undefined
    await part.release()
    await this.#disk.aside(async () => {
      try {
        await syncDatabase(part.directory)
        await syncDirectory(this.#disk.directory)
      } catch (error) {
        // Given up meanwhile, it is removed meanwhile.
        if (!draft.dropped) throw error
      }
    })
  }

  #drop(draft: Draft): void {
    draft.dropped = true
    // Nobody waits for this. Should it fail, the disk refuses the next call too, and that one is heard.
    this.#forget(draft).catch(() => undefined)
  }

  async #forget(draft: Draft): Promise<void> {
    if (draft.database !== undefined) {
      await draft.database
      await draft.part?.release()
    }
    await this.#parts.remove(draft.id)
  }
}
