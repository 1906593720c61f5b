/**
 * A peer's log and snapshots in memory, with the same behaviour as on disk: for durability `memory`, and as the disk of
 * simulated peers, where the contents outlive the store as they outlive a peer that dies.
 */

import { assert } from '../base/assert.ts'
import type { TreeError } from '../base/errors.ts'
import { follows, type Group, LOG_START, type LogPoint } from '../base/group.ts'
import { EPOCH_ZERO, ZXID_ZERO, type Zxid } from '../base/zxid.ts'
import type { Epochs, Persist, SnapshotHead } from '../zab/types.ts'
import { storageFailure } from './failures.ts'
import { endOf, epochEndsOf, tailAfter } from './log.ts'
import type { StoredSnapshot } from './records.ts'
import { type Chain, ChainCursor, SnapshotCatalog } from './snapshots.ts'
import type {
  ChainSize,
  ImageSink,
  Recovered,
  SnapshotKind,
  SnapshotReader,
  Store,
} from './store.ts'

/** What a disk would hold. */
export class MemoryContents {
  epochs: Epochs = { acceptedEpoch: EPOCH_ZERO, currentEpoch: EPOCH_ZERO }
  committed: Zxid = ZXID_ZERO
  logStart: LogPoint = LOG_START
  groups: Group[] = []
  snapshots: readonly StoredSnapshot[] = []
  /** Of visible snapshots and of those that are being read, by snapshot id. */
  readonly chunks = new Map<number, readonly Uint8Array[]>()
  nextId = 1
}

interface OwnDraft {
  readonly head: SnapshotHead
  readonly base: number
  readonly chunks: Uint8Array[]
}

export interface MemoryStoreOptions {
  readonly snapshotsKept: number
  readonly contents?: MemoryContents
}

export class MemoryStore implements Store {
  readonly #contents: MemoryContents
  readonly #kept: number
  readonly #catalog: SnapshotCatalog
  #tail: LogPoint = LOG_START
  #own: OwnDraft | undefined
  #staged: Uint8Array[] = []
  #closed: TreeError | undefined

  constructor({ snapshotsKept, contents = new MemoryContents() }: MemoryStoreOptions) {
    this.#contents = contents
    this.#kept = snapshotsKept
    this.#catalog = new SnapshotCatalog(contents.snapshots)
  }

  async recover(image: ImageSink): Promise<Recovered> {
    this.#checkOpen()
    const { epochs, committed, logStart } = this.#contents
    const chain = this.#catalog.newestChain() ?? []
    for (const { id } of chain) {
      for (const bytes of this.#chunksOf(id)) image.chunk(bytes)
    }
    const snapshot = chain.at(-1)?.head
    const start = snapshot?.point ?? LOG_START
    const groups = this.#groupsAfter(start.zxid)
    this.#tail = endOf(start, groups)
    return {
      epochs,
      snapshot,
      groups,
      committed: Math.min(Math.max(committed, start.zxid), this.#tail.zxid) as Zxid,
      logStart,
      epochEnds: epochEndsOf(snapshot, groups),
      damage: undefined,
      fresh: this.#tail.zxid === ZXID_ZERO && epochs.acceptedEpoch === EPOCH_ZERO,
      findings: [],
    }
  }

  async write(batch: Persist): Promise<void> {
    this.#checkOpen()
    const contents = this.#contents
    const { install, truncateAfter, groups } = batch
    const tail = tailAfter(this.#tail, this.#catalog.newestPoint, batch)
    if (install !== undefined) this.#install(install)
    if (truncateAfter !== undefined) {
      contents.groups.length -= this.#groupsAfter(truncateAfter.zxid).length
    }
    for (const group of groups) contents.groups.push(group)
    contents.epochs = batch.epochs
    contents.committed = batch.committed
    this.#tail = tail
  }

  async loadGroups(after: LogPoint, maxBytes: number): Promise<readonly Group[] | undefined> {
    this.#checkOpen()
    if (after.zxid < this.#contents.logStart.zxid || after.zxid > this.#tail.zxid) return undefined
    if (after.zxid === this.#tail.zxid) return after.chain === this.#tail.chain ? [] : undefined
    const groups = this.#groupsAfter(after.zxid)
    if (groups[0] === undefined || !follows(after, groups[0])) return undefined
    let bytes = 0
    const enough = groups.findIndex(group => {
      bytes += group.payload.length
      return bytes >= maxBytes
    })
    return enough === -1 ? groups : groups.slice(0, enough + 1)
  }

  async openSnapshot(): Promise<SnapshotReader | undefined> {
    this.#checkOpen()
    const chain = this.#catalog.newestChain()
    const head = chain?.at(-1)?.head
    return chain && head && this.#read(chain, head)
  }

  async stage(chunk: Uint8Array): Promise<void> {
    this.#checkOpen()
    this.#staged.push(own(chunk))
  }

  abortStaging(): void {
    this.#staged = []
  }

  newestChain(): ChainSize | undefined {
    return this.#catalog.newestSize()
  }

  beginSnapshot(head: SnapshotHead, kind: SnapshotKind): void {
    assert(this.#own === undefined, 'one own snapshot at a time')
    assert(kind === 'full' || this.#catalog.newestId > 0, 'a delta needs a snapshot before it')
    this.#own = { head, base: kind === 'full' ? 0 : this.#catalog.newestId, chunks: [] }
  }

  async appendSnapshot(chunk: Uint8Array): Promise<void> {
    this.#checkOpen()
    assert(this.#own !== undefined, 'a chunk belongs to a snapshot under way')
    this.#own.chunks.push(own(chunk))
  }

  async commitSnapshot(): Promise<LogPoint> {
    this.#checkOpen()
    const draft = this.#own
    assert(draft !== undefined, 'only a snapshot under way is committed')
    assert(draft.base > 0 || draft.chunks.length > 0, 'a full image has a chunk')
    this.#own = undefined
    this.#catalog.add(this.#keep(draft.head, draft.base, draft.chunks))
    this.#purge()
    return this.#contents.logStart
  }

  abortSnapshot(): void {
    this.#own = undefined
  }

  async close(): Promise<void> {
    this.#closed ??= storageFailure('CLOSED', 'memory', 'the store was closed')
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw this.#closed
  }

  #install(head: SnapshotHead): void {
    assert(this.#own === undefined, 'an own snapshot is aborted before another is installed')
    const chunks = this.#staged
    this.#staged = []
    assert(chunks.length > 0 || head.point.zxid === 0, 'an installed snapshot has a chunk')
    const snapshot = chunks.length > 0 ? this.#keep(head, 0, chunks) : undefined
    this.#catalog.replaceAll(snapshot)
    this.#contents.groups = []
    this.#contents.logStart = head.point
    this.#sweep()
  }

  #keep(head: SnapshotHead, base: number, chunks: readonly Uint8Array[]): StoredSnapshot {
    const id = this.#contents.nextId++
    this.#contents.chunks.set(id, chunks)
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
    return { id, base, chunks: chunks.length, bytes, head }
  }

  #purge(): void {
    const { logStart } = this.#catalog.purge(this.#kept) ?? {}
    if (logStart !== undefined && logStart.zxid > this.#contents.logStart.zxid) {
      this.#contents.logStart = logStart
      this.#contents.groups = this.#groupsAfter(logStart.zxid)
    }
    this.#sweep()
  }

  #sweep(): void {
    const { chunks } = this.#contents
    const needed = new Set(this.#catalog.neededIds())
    for (const id of chunks.keys()) {
      if (!needed.has(id)) chunks.delete(id)
    }
    this.#contents.snapshots = this.#catalog.snapshots
  }

  #read(chain: Chain, head: SnapshotHead): SnapshotReader {
    const cursor = new ChainCursor(chain)
    let open = true
    this.#catalog.pin(chain)
    return {
      head,
      next: async () => {
        if (!open || this.#closed !== undefined || cursor.done) return undefined
        const { id, chunk } = cursor.take()
        return { bytes: this.#chunksOf(id)[chunk]!, last: cursor.done }
      },
      close: () => {
        if (open) this.#catalog.unpin(chain)
        open = false
      },
    }
  }

  #chunksOf(id: number): readonly Uint8Array[] {
    const chunks = this.#contents.chunks.get(id)
    assert(chunks !== undefined, 'the chunks of a snapshot are there')
    return chunks
  }

  #groupsAfter(zxid: Zxid): Group[] {
    const { groups } = this.#contents
    let low = 0
    for (let high = groups.length; low < high; ) {
      const middle = (low + high) >>> 1
      if (groups[middle]!.last <= zxid) low = middle + 1
      else high = middle
    }
    return groups.slice(low)
  }
}

/** A chunk that is a view on a frame would keep the whole frame alive. */
function own(chunk: Uint8Array): Uint8Array {
  return chunk.length === chunk.buffer.byteLength ? chunk : chunk.slice()
}
