/**
 * The store of one life of a peer upon its model disk: what `LevelStore` and `LevelSnapshots` in lib/storage do, as
 * atomic batches that somebody else applies to the image when their time has come.
 */

import { follows, type LogPoint, pointOf } from '../../lib/base/group.ts'
import { epochOf, type Zxid } from '../../lib/base/zxid.ts'
import type { Mark, StoredSnapshot } from '../../lib/storage/records.ts'
import { ChainCursor, SnapshotCatalog } from '../../lib/storage/snapshots.ts'
import type { ChainSize } from '../../lib/storage/store.ts'
import type { Load, Loaded, Persist, SnapshotHead } from '../../lib/zab/types.ts'
import { blankMeta, type DiskImage, type LoggedGroup, type StoredMeta } from './disk-image.ts'
import type { Findings } from './recovery.ts'
import { holds } from './violation.ts'

/** Changes an image as one atomic write does. */
export type Batch = (image: DiskImage) => void

interface Draft {
  readonly id: number
  readonly base: number
  readonly head: SnapshotHead | undefined
  chunks: number
  bytes: number
  dropped: boolean
}

interface Reader {
  readonly chain: readonly StoredSnapshot[]
  readonly cursor: ChainCursor
}

export interface DiskStoreOptions {
  readonly snapshotsKept: number
  /** Deltas upon one full image before another is wanted. */
  readonly deltasMax: number
  readonly loadBytes: number
}

/** The end of the log is noted with each change of the meta record, and else so often at most. */
const NOTE_EVERY_US = 1_000_000

export class DiskStore {
  readonly #image: DiskImage
  readonly #options: DiskStoreOptions
  readonly #catalog: SnapshotCatalog
  readonly #readers = new Map<number, Reader>()
  #meta: StoredMeta
  #tail: LogPoint
  #doubtful: boolean
  #useless: readonly number[]
  #nextId: number
  #own: Draft | undefined
  #staged: Draft | undefined
  readonly #now: () => number
  #notedAt = Number.NEGATIVE_INFINITY

  /** Takes over what recovery found, and tidies up if all is well. */
  constructor(
    image: DiskImage,
    found: Findings,
    founding: boolean,
    options: DiskStoreOptions,
    now: () => number,
  ) {
    this.#now = now
    this.#image = image
    this.#options = options
    this.#catalog = new SnapshotCatalog(found.usable)
    this.#tail = found.tail
    this.#doubtful = found.damage !== undefined
    this.#useless = found.useless
    this.#nextId = image.lastId + 1
    image.meta ??= blankMeta(!founding)
    const { epochs, committed } = found
    const { logStart, revision } = found.meta ?? blankMeta(true)
    this.#meta = {
      tail: found.meta?.tail ?? found.tail,
      revision: Math.max(revision, found.metaRevision, image.mark?.revision ?? 0),
      epochs,
      committed,
      logStart: this.#doubtful
        ? (found.base?.at(-1)?.head.point ?? blankMeta(true).logStart)
        : logStart,
      damaged: this.#doubtful,
      flaw: undefined,
    }
    if (this.#doubtful) return
    image.removeHeads(found.useless)
    this.#useless = []
    this.#sweep(image)
  }

  /** Full images come by the number of deltas here, so that chains of all lengths are seen in trees of all sizes. */
  get newestChain(): ChainSize | undefined {
    const chain = this.#catalog.newestChain()
    if (chain?.at(-1)?.id !== this.#catalog.newestId) return undefined
    if (chain.length > this.#options.deltasMax) return undefined
    return { imageBytes: 0, deltaBytes: 0 }
  }

  get logStart(): LogPoint {
    return this.#meta.logStart
  }

  write(persist: Persist): Batch {
    const { install, truncateAfter, groups, committed } = persist
    this.#check(persist)
    const cut = install?.point ?? truncateAfter ?? (this.#doubtful ? this.#tail : undefined)
    const last = groups.at(-1)
    if (last !== undefined) this.#tail = pointOf(last)
    else if (cut !== undefined) this.#tail = cut
    const installed = install && this.#install(install)
    const meta = this.#metaAfter(persist)
    const { revision } = this.#meta
    const end = { revision, tail: this.#tail }
    const records = groups.map(
      (group): LoggedGroup => ({ group, committed, metaRevision: revision, flaw: undefined }),
    )
    return image => {
      if (cut !== undefined) image.removeLogAfter(cut.zxid)
      installed?.(image)
      if (meta !== undefined) image.meta = meta
      image.log.push(...records)
      this.#note(image, end, meta !== undefined)
    }
  }

  stage(chunk: Uint8Array): Batch {
    this.#staged ??= this.#draft(0, undefined)
    return this.#append(this.#staged, chunk)
  }

  abortStaging(): void {
    if (this.#staged !== undefined) this.#staged.dropped = true
    this.#staged = undefined
  }

  beginSnapshot(head: SnapshotHead, full: boolean): void {
    holds(this.#own === undefined, 'Recovery', () => 'two own snapshots at a time')
    holds(full || this.#catalog.newestId > 0, 'Recovery', () => 'a delta without a base')
    this.#own = this.#draft(full ? 0 : this.#catalog.newestId, head)
  }

  appendSnapshot(chunk: Uint8Array): Batch {
    holds(this.#own !== undefined, 'Recovery', () => 'a chunk of a snapshot that was not begun')
    return this.#append(this.#own, chunk)
  }

  /** To be called when its turn has come; gives nothing when the snapshot was aborted before that. */
  commitSnapshot(): () => Batch | undefined {
    const draft = this.#own
    const head = draft?.head
    holds(draft !== undefined && head !== undefined, 'Recovery', () => {
      return 'a snapshot is committed that was not begun'
    })
    return () => {
      if (draft.dropped) return undefined
      this.#own = undefined
      const snapshot = asStored(draft, head)
      this.#catalog.add(snapshot)
      return image => image.heads.push({ snapshot, flaw: undefined })
    }
  }

  abortSnapshot(): void {
    if (this.#own !== undefined) this.#own.dropped = true
    this.#own = undefined
  }

  /** Undefined when nothing may go. */
  purge(): Batch | undefined {
    const purge = this.#catalog.purge(this.#options.snapshotsKept)
    if (purge === undefined) return undefined
    const { dropped, logStart } = purge
    const moves = logStart.zxid > this.#meta.logStart.zxid
    const meta = moves ? this.#changeMeta({ logStart, tail: this.#tail }) : undefined
    return image => {
      image.removeHeads(dropped)
      if (meta !== undefined) image.meta = meta
      this.#sweep(image)
    }
  }

  /** Reads for a learner; needs no time of the disk for opening and releasing a snapshot. */
  load(load: Load): Loaded | undefined {
    switch (load.kind) {
      case 'groups':
        return this.#loadGroups(load.after)
      case 'snapshot':
        return this.#openSnapshot(load.loadId)
      case 'chunk':
        return this.#loadChunk(load.snapshotId)
      case 'release': {
        const reader = this.#readers.get(load.snapshotId)
        this.#readers.delete(load.snapshotId)
        if (reader !== undefined) this.#catalog.unpin(reader.chain)
        return undefined
      }
    }
  }

  #loadGroups(after: LogPoint): Loaded {
    const image = this.#image
    if (after.zxid < this.#meta.logStart.zxid || after.zxid > this.#tail.zxid) return MISSING
    if (after.zxid === this.#tail.zxid) {
      return after.chain === this.#tail.chain ? { kind: 'groups', groups: [] } : MISSING
    }
    const groups = []
    let point = after
    let bytes = 0
    for (let at = image.indexAfter(after.zxid); at < image.log.length; at++) {
      const { group, flaw } = image.log[at]!
      if (flaw === 'gone') continue
      if (flaw === 'bad' || !follows(point, group)) break
      groups.push(group)
      point = pointOf(group)
      bytes += group.payload.length
      if (bytes >= this.#options.loadBytes) break
    }
    return groups.length === 0 ? MISSING : { kind: 'groups', groups }
  }

  #openSnapshot(loadId: number): Loaded {
    const chain = this.#catalog.newestChain()
    const head = chain?.at(-1)?.head
    if (chain === undefined || head === undefined) return MISSING
    if (head.point.zxid < this.#meta.logStart.zxid) return MISSING
    this.#catalog.pin(chain)
    this.#readers.set(loadId, { chain, cursor: new ChainCursor(chain) })
    return { kind: 'snapshot', head }
  }

  #loadChunk(snapshotId: number): Loaded {
    const reader = this.#readers.get(snapshotId)
    if (reader === undefined || reader.cursor.done) return MISSING
    const { id, chunk } = reader.cursor.take()
    const found = this.#image.chunks.get(id)?.[chunk]
    if (found?.flaw === undefined && found !== undefined) {
      return { kind: 'chunk', bytes: found.bytes, last: reader.cursor.done }
    }
    this.#catalog.markUnreadable(id)
    return MISSING
  }

  #check({ install, truncateAfter, groups, epochs }: Persist): void {
    const image = this.#image
    if (truncateAfter !== undefined) {
      const { zxid: at, chain } = truncateAfter
      const snapshotted = this.#catalog.snapshots.some(({ head: { point } }) => {
        return point.zxid === at && point.chain === chain
      })
      holds(snapshotted || image.contains(truncateAfter), 'LogContiguity', () => {
        return `cut at ${at}, where nothing ends`
      })
      holds(at >= this.#catalog.newestPoint.zxid, 'PrefixConsistency', () => {
        return `cut at ${at} would leave a snapshot ahead of the log`
      })
    }
    let end = install?.point ?? truncateAfter ?? this.#tail
    for (const group of groups) {
      holds(follows(end, group), 'LogContiguity', () => `${group.first} after ${end.zxid}`)
      end = pointOf(group)
    }
    const { acceptedEpoch, currentEpoch } = epochs
    holds(acceptedEpoch >= currentEpoch && currentEpoch >= epochOf(end.zxid), 'EpochOrder', () => {
      return `accepted ${acceptedEpoch}, current ${currentEpoch}, log up to ${end.zxid}`
    })
    const before = this.#meta.epochs
    holds(
      acceptedEpoch >= before.acceptedEpoch && currentEpoch >= before.currentEpoch,
      'EpochOrder',
      () => `epochs go back to ${acceptedEpoch}, ${currentEpoch}`,
    )
  }

  #install(head: SnapshotHead): Batch {
    const draft = this.#staged
    this.#staged = undefined
    holds(this.#own === undefined, 'Recovery', () => 'an own snapshot is not aborted')
    holds(draft !== undefined || head.point.zxid === 0, 'Recovery', () => {
      return 'a snapshot without a chunk is installed'
    })
    // Without a chunk it is the empty tree, from which the whole log follows.
    const snapshot = draft && asStored(draft, head)
    const replaced = [...this.#catalog.replaceAll(snapshot), ...this.#useless]
    this.#useless = []
    return image => {
      image.removeHeads(replaced)
      image.removeLogUpTo(head.point.zxid)
      if (snapshot !== undefined) image.heads.push({ snapshot, flaw: undefined })
    }
  }

  #metaAfter({ epochs, committed, install, truncateAfter }: Persist): StoredMeta | undefined {
    const before = this.#meta
    const same =
      epochs.acceptedEpoch === before.epochs.acceptedEpoch &&
      epochs.currentEpoch === before.epochs.currentEpoch
    const cuts = install !== undefined || truncateAfter !== undefined
    if (same && !cuts && !this.#doubtful) return undefined
    this.#doubtful = false
    return this.#changeMeta({
      epochs,
      committed,
      logStart: install?.point ?? before.logStart,
      damaged: before.damaged && install === undefined,
      tail: this.#tail,
    })
  }

  #changeMeta(changes: Partial<StoredMeta>): StoredMeta {
    this.#meta = { ...this.#meta, ...changes, revision: this.#meta.revision + 1 }
    // The image gets a record of its own: what becomes of that one, the store does not know.
    return { ...this.#meta }
  }

  #note(image: DiskImage, mark: Mark, atOnce: boolean): void {
    const now = this.#now()
    if (!atOnce && now - this.#notedAt < NOTE_EVERY_US) return
    this.#notedAt = now
    image.mark = mark
  }

  #draft(base: number, head: SnapshotHead | undefined): Draft {
    return { id: this.#nextId++, base, head, chunks: 0, bytes: 0, dropped: false }
  }

  #append(draft: Draft, bytes: Uint8Array): Batch {
    draft.chunks++
    draft.bytes += bytes.length
    return image => {
      if (!draft.dropped) image.putChunk(draft.id, bytes)
    }
  }

  #sweep(image: DiskImage): void {
    const drafts = [this.#own, this.#staged].filter(draft => draft !== undefined)
    image.keepChunks([...this.#catalog.neededIds(), ...drafts.map(({ id }) => id)])
    image.removeLogUpTo(this.#meta.logStart.zxid as Zxid)
  }
}

const MISSING: Loaded = { kind: 'missing' }

function asStored({ id, base, chunks, bytes }: Draft, head: SnapshotHead): StoredSnapshot {
  return { id, base, chunks, bytes, head }
}
