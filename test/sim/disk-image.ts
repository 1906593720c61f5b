/**
 * What is on a model disk: the records of one peer's store, as `lib/storage` keeps them in LevelDB. A record may have a
 * flaw that nobody has noticed yet: its sum is wrong, or LevelDB no longer finds it.
 */

import { type Group, LOG_START, type LogPoint, pointOf } from '../../lib/base/group.ts'
import { EPOCH_ZERO, ZXID_ZERO, type Zxid } from '../../lib/base/zxid.ts'
import type { GroupRecord, Mark, Meta, StoredSnapshot } from '../../lib/storage/records.ts'
import type { Epochs } from '../../lib/zab/types.ts'

/** Found by its sum when it is read, or not found at all. */
export type Flaw = 'bad' | 'gone'

interface Flawed {
  flaw: Flaw | undefined
}

export interface LoggedGroup extends GroupRecord, Flawed {}

type MetaField = 'revision' | 'epochs' | 'committed' | 'logStart' | 'tail' | 'damaged'

export interface StoredMeta extends Pick<Meta, MetaField>, Flawed {}

export interface StoredHead extends Flawed {
  readonly snapshot: StoredSnapshot
}

export interface StoredChunk extends Flawed {
  readonly bytes: Uint8Array
}

export function blankMeta(damaged: boolean): StoredMeta {
  return {
    revision: 0,
    epochs: { acceptedEpoch: EPOCH_ZERO, currentEpoch: EPOCH_ZERO },
    committed: ZXID_ZERO,
    logStart: LOG_START,
    tail: LOG_START,
    damaged,
    flaw: undefined,
  }
}

const BLANK = blankMeta(false)

export function isThere({ flaw }: Flawed): boolean {
  return flaw !== 'gone'
}

export class DiskImage {
  /** Undefined on a disk that was never used. */
  meta: StoredMeta | undefined
  /** The note of where the log ends, which is in a file of its own and may be old. */
  mark: Mark | undefined
  /** Ascending. */
  log: LoggedGroup[] = []
  /** Of visible snapshots, by ascending id. */
  heads: StoredHead[] = []
  /** Of snapshots visible or not, by snapshot id. */
  readonly chunks = new Map<number, StoredChunk[]>()

  get epochs(): Epochs {
    return this.#meta.epochs
  }

  set epochs(epochs: Epochs) {
    this.meta = { ...this.#meta, epochs }
  }

  get logStart(): LogPoint {
    return this.#meta.logStart
  }

  get last(): LogPoint {
    const record = this.log[this.log.length - 1]
    const logged = record === undefined ? this.logStart : pointOf(record.group)
    const { snapshotted } = this
    return snapshotted.zxid > logged.zxid ? snapshotted : logged
  }

  /** Up to where a snapshot makes up for the log, should that be gone. */
  get snapshotted(): LogPoint {
    return this.heads[this.heads.length - 1]?.snapshot.head.point ?? LOG_START
  }

  /** How far the log is known to be committed. */
  get committed(): Zxid {
    return Math.max(this.#meta.committed, this.log.at(-1)?.committed ?? 0) as Zxid
  }

  set committed(committed: Zxid) {
    this.meta = { ...this.#meta, committed }
  }

  get groups(): readonly Group[] {
    return this.log.map(({ group }) => group)
  }

  set groups(groups: readonly Group[]) {
    const { committed, revision: metaRevision } = this.#meta
    this.log = groups.map(group => ({ group, committed, metaRevision, flaw: undefined }))
  }

  /** Whether the group that ends at `point` is here, in the log or beneath what the log begins with. */
  contains(point: LogPoint): boolean {
    const record = this.log[this.indexAfter(point.zxid) - 1]
    if (record?.group.last === point.zxid) return record.group.chain === point.chain
    return point.zxid <= Math.max(this.logStart.zxid, this.snapshotted.zxid)
  }

  /** Index of the first group that ends after `zxid`. */
  indexAfter(zxid: Zxid): number {
    let low = 0
    let high = this.log.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.log[middle]!.group.last <= zxid) low = middle + 1
      else high = middle
    }
    return low
  }

  removeLogAfter(zxid: Zxid): void {
    this.log.length = this.indexAfter(zxid)
  }

  removeLogUpTo(zxid: Zxid): void {
    this.log.splice(0, this.indexAfter(zxid))
  }

  removeHeads(ids: readonly number[]): void {
    if (ids.length > 0) this.heads = this.heads.filter(({ snapshot }) => !ids.includes(snapshot.id))
  }

  putChunk(id: number, bytes: Uint8Array): void {
    const chunks = this.chunks.get(id)
    const chunk: StoredChunk = { bytes, flaw: undefined }
    if (chunks === undefined) this.chunks.set(id, [chunk])
    else chunks.push(chunk)
  }

  /** Removes all chunks but those of the snapshots named. */
  keepChunks(ids: readonly number[]): void {
    for (const id of this.chunks.keys()) if (!ids.includes(id)) this.chunks.delete(id)
  }

  /** The greatest id of a snapshot of which anything is found, if only the place where its chunks were. */
  get lastId(): number {
    const heads = this.heads.filter(isThere).map(({ snapshot }) => snapshot.id)
    return Math.max(0, ...heads, ...this.chunks.keys())
  }

  /** Whether anything that recovery or a learner may come to need has a flaw. */
  get flawed(): boolean {
    if (this.meta?.flaw !== undefined) return true
    if (this.log.some(({ flaw }) => flaw !== undefined)) return true
    return this.heads.some(({ flaw, snapshot }) => {
      const chunks = this.chunks.get(snapshot.id) ?? []
      return flaw !== undefined || chunks.some(chunk => chunk.flaw !== undefined)
    })
  }

  copy(): DiskImage {
    const copy = new DiskImage()
    copy.meta = this.meta
    copy.mark = this.mark
    copy.log = [...this.log]
    copy.heads = [...this.heads]
    for (const [id, chunks] of this.chunks) copy.chunks.set(id, [...chunks])
    return copy
  }

  get #meta(): StoredMeta {
    return this.meta ?? BLANK
  }
}
