/**
 * A peer's log and snapshots in LevelDB. What the store remembers changes when a write is built, at its turn in the
 * line before the disk, so that each write builds on all earlier ones; should one fail, the store is of no use anyway.
 */

import { assert } from '../base/assert.ts'
import { MalformedError } from '../base/bytes.ts'
import { follows, type Group, LOG_START, type LogPoint, pointOf } from '../base/group.ts'
import type { Persist, SnapshotHead } from '../zab/types.ts'
import type { Disk, Operation } from './disk.ts'
import { logKey, META_KEY } from './keys.ts'
import { LevelSnapshots, type Purged } from './level-snapshots.ts'
import { areSameEpochs, tailAfter } from './log.ts'
import { decodeGroup, encodeGroup, encodeMeta, type Mark, type Meta } from './records.ts'
import { type Known, recoverFrom } from './recovery.ts'
import type { Segments } from './segments.ts'
import type { SnapshotParts } from './snapshot-parts.ts'
import type {
  ChainSize,
  ImageSink,
  Recovered,
  SnapshotKind,
  SnapshotReader,
  Store,
} from './store.ts'
import type { FoundMark, TailMark } from './tail-mark.ts'

/** Where everything is. */
export interface Shelves {
  readonly disk: Disk
  readonly segments: Segments
  readonly snapshots: SnapshotParts
}

export interface LevelStoreOptions {
  readonly snapshotsKept: number
  /** Bytes of groups after which a snapshot leaves a segment of the log for the next. */
  readonly segmentBytes: number
  /** Bytes of groups after which a segment is left though a snapshot is still under way. */
  readonly segmentBytesMax: number
  readonly meta: Meta
  /** The record of `meta` cannot be read, for this reason; what is given is a blank one. */
  readonly metaFault: string | undefined
  /** The note of the log's end that was found, or why it cannot be read. */
  readonly found?: Pick<FoundMark, 'mark' | 'fault'>
  /** Gets such notes; undefined when writes are not synced, so that there is nothing to vouch for. */
  readonly tailMark?: TailMark | undefined
}

export class LevelStore implements Store {
  readonly #disk: Disk
  readonly #segments: Segments
  readonly #parts: SnapshotParts
  readonly #snapshots: LevelSnapshots
  readonly #segmentBytes: number
  readonly #segmentBytesMax: number
  #meta: Meta
  readonly #metaFault: string | undefined
  readonly #found: Pick<FoundMark, 'mark' | 'fault'>
  readonly #tailMark: TailMark | undefined
  #tail: LogPoint = LOG_START
  /** Of groups written to the last segment. */
  #bytes = 0
  /** Damage was found: there may be records after the tail, which the next write removes. */
  #doubtful = false
  #recovered = false

  constructor({ disk, segments, snapshots }: Shelves, options: LevelStoreOptions) {
    this.#disk = disk
    this.#segments = segments
    this.#parts = snapshots
    this.#snapshots = new LevelSnapshots(disk, snapshots, options.snapshotsKept)
    this.#segmentBytes = options.segmentBytes
    this.#segmentBytesMax = options.segmentBytesMax
    this.#meta = options.meta
    this.#metaFault = options.metaFault
    this.#found = options.found ?? { mark: undefined, fault: undefined }
    this.#tailMark = options.tailMark
  }

  async recover(image: ImageSink): Promise<Recovered> {
    assert(!this.#recovered, 'a store is recovered once')
    this.#recovered = true
    const shelves = { disk: this.#disk, segments: this.#segments, snapshots: this.#parts }
    const recovery = await recoverFrom(shelves, this.#known(), image)
    const { recovered, tail, metaRevision } = recovery
    this.#snapshots.restore(recovery.snapshots, recovery.useless, recovery.nextId)
    this.#tail = tail
    this.#doubtful = recovered.damage !== undefined
    const { epochs, committed, logStart } = recovered
    const revision = Math.max(this.#meta.revision, metaRevision, this.#found.mark?.revision ?? 0)
    const damaged = this.#doubtful
    this.#meta = { ...this.#meta, revision, epochs, committed, logStart, damaged }
    if (!this.#doubtful) {
      this.#tailMark?.note(this.#end())
      await this.#commit(() => this.#snapshots.removeUseless())
      await this.#sweep()
    }
    return recovered
  }

  async write(batch: Persist): Promise<void> {
    const { install } = batch
    const cut = this.#cutOf(batch)
    // There are few: hardly more than were never committed.
    const doomed = cut === undefined ? [] : await this.#segments.keysAfter(cut.zxid)
    if (install !== undefined) await this.#snapshots.arrive()
    const before = this.#end()
    let end = before
    await this.#disk.run('log', () => {
      const tail = tailAfter(this.#tail, this.#snapshots.newestPoint, batch)
      const heads = install === undefined ? [] : this.#snapshots.install(install)
      const meta = this.#metaChanges(batch, tail)
      const groups = this.#groupsOf(batch)
      this.#tail = tail
      end = this.#end()
      // What a leader's snapshot replaces is out of sight with all segments before this one.
      const leaves = install !== undefined || (cut && cut.zxid < this.#segments.base.zxid)
      if (cut !== undefined && leaves) return this.#beginSegment(cut, groups)
      const removed = doomed.map((key): Operation => ({ type: 'del', key }))
      return this.#segments.write([...removed, ...heads, ...meta, ...groups])
    })
    // A promise that could be forgotten without a word must not be told to anyone; the end of the log need not be
    // noted with each write.
    if (end.revision !== before.revision) await this.#tailMark?.keep(end)
    else this.#tailMark?.note(end)
  }

  async loadGroups(after: LogPoint, maxBytes: number): Promise<readonly Group[] | undefined> {
    const tail = this.#tail
    if (after.zxid < this.#meta.logStart.zxid || after.zxid > tail.zxid) return undefined
    if (after.zxid === tail.zxid) return after.chain === tail.chain ? [] : undefined
    const groups: Group[] = []
    const found = (): readonly Group[] | undefined => (groups.length > 0 ? groups : undefined)
    let point = after
    let bytes = 0
    try {
      for await (const slice of this.#segments.scan(after.zxid)) {
        for (const [, value] of slice) {
          const { group } = decodeGroup(value)
          if (!follows(point, group)) return found()
          groups.push(group)
          point = pointOf(group)
          bytes += group.payload.length
          if (bytes >= maxBytes) return found()
        }
      }
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error
    }
    return found()
  }

  async openSnapshot(): Promise<SnapshotReader | undefined> {
    return this.#snapshots.open(this.#meta.logStart)
  }

  stage(chunk: Uint8Array): Promise<void> {
    return this.#snapshots.stage(chunk)
  }

  abortStaging(): void {
    this.#snapshots.abortStaging()
  }

  newestChain(): ChainSize | undefined {
    return this.#snapshots.newestChain
  }

  beginSnapshot(head: SnapshotHead, kind: SnapshotKind): void {
    this.#snapshots.begin(head, kind)
  }

  async appendSnapshot(chunk: Uint8Array): Promise<void> {
    await this.#snapshots.append(chunk)
    // Under a heavy load a snapshot takes long, and the log grows meanwhile. Nothing is purged: where the log begins is
    // told when the snapshot ends, and who was told before may still ask for what comes after that.
    if (this.#bytes >= this.#segmentBytesMax) {
      await this.#goOn(this.#segmentBytesMax, () => undefined)
    }
  }

  /** @param logged what is waited for before the snapshot counts */
  async commitSnapshot(logged: Promise<void> = Promise.resolve()): Promise<LogPoint> {
    const isVisible = await this.#snapshots.commit(async build => {
      await logged
      await this.#commit(build)
    })
    if (isVisible) await this.#purge()
    return this.#meta.logStart
  }

  abortSnapshot(): void {
    this.#snapshots.abort()
  }

  async close(): Promise<void> {
    const read = this.#snapshots.close()
    try {
      await this.#disk.close(async () => {
        await this.#segments.close()
        await this.#parts.close()
      })
      await read
    } finally {
      await this.#tailMark?.close()
    }
  }

  #known(): Known {
    const meta = this.#metaFault === undefined ? this.#meta : undefined
    const { mark, fault } = this.#found
    return { meta, mark, fault: this.#metaFault ?? fault }
  }

  /** What can be noted once everything built so far is durable. */
  #end(): Mark {
    return { revision: this.#meta.revision, tail: this.#tail }
  }

  /** Where `batch` cuts the log as it is now. */
  #cutOf({ install, truncateAfter }: Persist): LogPoint | undefined {
    return install?.point ?? truncateAfter ?? (this.#doubtful ? this.#tail : undefined)
  }

  #groupsOf({ groups, committed }: Persist): readonly Operation[] {
    const metaRevision = this.#meta.revision
    return groups.map(group => {
      const value = encodeGroup({ group, committed, metaRevision })
      this.#bytes += value.length
      return { type: 'put', key: logKey(group.first), value }
    })
  }

  /** One atomic write to the last segment. */
  #commit(build: () => readonly Operation[]): Promise<void> {
    return this.#disk.run('background', () => this.#segments.write(build()))
  }

  /** Within a turn. */
  #beginSegment(base: LogPoint, groups: readonly Operation[]): Promise<void> {
    this.#bytes = 0
    const meta: Operation = { type: 'put', key: META_KEY, value: encodeMeta(this.#meta) }
    return this.#segments.begin(base, [meta, ...this.#snapshots.heads(), ...groups])
  }

  #metaChanges(
    { epochs, committed, install, truncateAfter }: Persist,
    tail: LogPoint,
  ): readonly Operation[] {
    const before = this.#meta
    const same = areSameEpochs(epochs, before.epochs)
    const cuts = install !== undefined || truncateAfter !== undefined
    if (same && !cuts && !this.#doubtful) return []
    const logStart = install?.point ?? before.logStart
    // What is missing stays missing until a leader's snapshot stands in for it.
    const damaged = before.damaged && install === undefined
    this.#doubtful = false
    return [this.#changeMeta({ epochs, committed, logStart, damaged, tail })]
  }

  #changeMeta(changes: Partial<Meta>): Operation {
    this.#meta = { ...this.#meta, ...changes, revision: this.#meta.revision + 1 }
    return { type: 'put', key: META_KEY, value: encodeMeta(this.#meta) }
  }

  /** Takes out of sight what is not kept, and goes on in a new segment if this one has grown large. */
  async #purge(): Promise<void> {
    await this.#goOn(this.#segmentBytes, () => this.#snapshots.purge())
    await this.#sweep()
  }

  /** Records what `purge` took out of sight, and begins a new segment if this one holds so many bytes. */
  async #goOn(fullBytes: number, purge: () => Purged | undefined): Promise<void> {
    let end: Mark | undefined
    const isFull = this.#bytes >= fullBytes
    if (isFull && !this.#disk.sync) await this.#disk.aside(() => this.#segments.sync())
    await this.#disk.run('background', () => {
      const { operations = [], logStart = LOG_START } = purge() ?? {}
      const advances = logStart.zxid > this.#meta.logStart.zxid
      if (!advances && !isFull) {
        return this.#segments.write(operations)
      }
      const change = this.#changeMeta({ ...(advances && { logStart }), tail: this.#tail })
      end = this.#end()
      if (isFull) return this.#beginSegment(this.#tail, [])
      return this.#segments.write([...operations, change])
    })
    if (end !== undefined) this.#tailMark?.note(end)
  }

  /** Removes what nothing refers to. Cut short by a crash, it is taken up by the next one. */
  async #sweep(): Promise<void> {
    await this.#snapshots.sweep()
    await this.#segments.drop(this.#meta.logStart.zxid)
  }
}
