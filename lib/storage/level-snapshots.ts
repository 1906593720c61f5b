/**
 * Snapshots in LevelDB: chunks are written under an id of their own and seen by nobody until one head record makes them
 * a snapshot. Each chunk is a write of its own and as durable as the log: LevelDB begins a new file of its log without
 * syncing the old one, so a chunk that was not synced could vanish although a head written later survives.
 */

import { assert } from '../base/assert.ts'
import { MalformedError } from '../base/bytes.ts'
import type { LogPoint } from '../base/group.ts'
import type { SnapshotHead } from '../zab/types.ts'
import type { Disk, Operation } from './disk.ts'
import { chunkKey, chunksOf, headKey } from './keys.ts'
import { decodeChunk, encodeChunk, encodeHead, type StoredSnapshot } from './records.ts'
import { type Chain, ChainCursor, SnapshotCatalog } from './snapshots.ts'
import type { SnapshotKind, SnapshotReader } from './store.ts'

/** Chunks on their way to a snapshot that is not visible yet. */
interface Draft {
  readonly id: number
  /** As in `StoredSnapshot`. */
  readonly base: number
  chunks: number
  bytes: number
  /** Given up: what has not been written yet is not written. */
  dropped: boolean
  /** Settles when all chunks handed over so far are written. */
  written: Promise<void>
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
  readonly #kept: number
  #catalog = new SnapshotCatalog()
  /** Heads that are of no use but stay until a leader's snapshot is installed, as witnesses of the damage. */
  #useless: readonly number[] = []
  #nextId = 1
  #own: OwnDraft | undefined
  #staged: Draft | undefined
  /** Staged whole, and about to be installed. */
  #arrived: Draft | undefined

  constructor(disk: Disk, kept: number) {
    this.#disk = disk
    this.#kept = kept
  }

  get newestPoint(): LogPoint {
    return this.#catalog.newestPoint
  }

  get wantsFull(): boolean {
    return this.#catalog.wantsFull()
  }

  /** Takes over what recovery found. */
  restore(snapshots: readonly StoredSnapshot[], useless: readonly number[], nextId: number): void {
    this.#catalog = new SnapshotCatalog(snapshots)
    this.#useless = useless
    this.#nextId = nextId
  }

  async removeUseless(): Promise<void> {
    await this.#disk.commit('background', () => this.#useless.map(removeHead))
    this.#useless = []
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

  /** Closes the staging and waits until its chunks are written. To be followed by `install`. */
  async arrive(): Promise<void> {
    this.#arrived = this.#staged
    this.#staged = undefined
    await this.#arrived?.written
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

  /** Makes the own snapshot visible; false when it was aborted before that could happen. */
  async commit(): Promise<boolean> {
    const draft = this.#own
    assert(draft !== undefined, 'only a snapshot under way is committed')
    await this.#disk.commit('background', () => {
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
  purge(): { readonly operations: readonly Operation[]; readonly logStart: LogPoint } | undefined {
    const purge = this.#catalog.purge(this.#kept)
    return purge && { operations: purge.dropped.map(removeHead), logStart: purge.logStart }
  }

  /** Removes the chunks that belong to nothing. */
  async sweep(): Promise<void> {
    const end = this.#nextId
    const drafts = [this.#own, this.#staged, this.#arrived].filter(draft => draft !== undefined)
    const needed = [...this.#catalog.neededIds(), ...drafts.map(({ id }) => id)]
    let from = 0
    for (const id of [...needed.sort((a, b) => a - b), end]) {
      if (id > from) await this.#disk.clear(chunksOf(from, id))
      from = id + 1
    }
  }

  /** The newest snapshot, unless the log that follows it is gone. */
  open(logStart: LogPoint): SnapshotReader | undefined {
    const chain = this.#catalog.newestChain()
    const head = chain?.at(-1)?.head
    if (chain === undefined || head === undefined) return undefined
    if (head.point.zxid < logStart.zxid) return undefined
    return this.#read(chain, head)
  }

  #read(chain: Chain, head: SnapshotHead): SnapshotReader {
    const catalog = this.#catalog
    const cursor = new ChainCursor(chain)
    let open = true
    catalog.pin(chain)
    return {
      head,
      next: async () => {
        if (!open || cursor.done) return undefined
        const { id, chunk } = cursor.take()
        const bytes = await this.#readChunk(id, chunk)
        if (bytes === undefined) catalog.markUnreadable(id)
        return bytes && { bytes, last: cursor.done }
      },
      close: () => {
        if (open) catalog.unpin(chain)
        open = false
      },
    }
  }

  async #readChunk(id: number, chunk: number): Promise<Uint8Array | undefined> {
    const value = await this.#disk.get(chunkKey(id, chunk))
    try {
      return value && decodeChunk(id, chunk, value)
    } catch (error) {
      if (error instanceof MalformedError) return undefined
      throw error
    }
  }

  #draft(base: number): Draft {
    const id = this.#nextId++
    return { id, base, chunks: 0, bytes: 0, dropped: false, written: Promise.resolve() }
  }

  #write(draft: Draft, bytes: Uint8Array): Promise<void> {
    const at = draft.chunks++
    draft.bytes += bytes.length
    draft.written = this.#disk.commit('background', () => {
      if (draft.dropped) return []
      return [{ type: 'put', key: chunkKey(draft.id, at), value: encodeChunk(draft.id, at, bytes) }]
    })
    return draft.written
  }

  #drop(draft: Draft): void {
    draft.dropped = true
    // Nobody waits for this. Should it fail, the disk refuses the next call too, and that one is heard.
    this.#disk.clear(chunksOf(draft.id)).catch(() => undefined)
  }
}
