/**
 * A peer's log and snapshots in LevelDB. What the store remembers changes when a batch is built, at its turn in the
 * line before the disk, so that each batch builds on all earlier ones; should one fail, the store is of no use anyway.
 */

import { assert } from '../base/assert.ts'
import { MalformedError } from '../base/bytes.ts'
import { follows, type Group, LOG_START, type LogPoint, pointOf } from '../base/group.ts'
import type { Persist, SnapshotHead } from '../zab/types.ts'
import type { Disk, Operation } from './disk.ts'
import { type Key, logAfter, logKey, logUpTo, META_KEY } from './keys.ts'
import { LevelSnapshots } from './level-snapshots.ts'
import { tailAfter } from './log.ts'
import { decodeGroup, encodeGroup, encodeMeta, type Mark, type Meta } from './records.ts'
import { type Known, recoverFrom } from './recovery.ts'
import type { Recovered, SnapshotKind, SnapshotReader, Store } from './store.ts'
import type { FoundMark, TailMark } from './tail-mark.ts'

export interface LevelStoreOptions {
  readonly snapshotsKept: number
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
  readonly #snapshots: LevelSnapshots
  #meta: Meta
  readonly #metaFault: string | undefined
  readonly #found: Pick<FoundMark, 'mark' | 'fault'>
  readonly #tailMark: TailMark | undefined
  #tail: LogPoint = LOG_START
  /** Damage was found: there may be records after the tail, which the next write removes. */
  #doubtful = false
  #recovered = false

  constructor(disk: Disk, options: LevelStoreOptions) {
    this.#disk = disk
    this.#snapshots = new LevelSnapshots(disk, options.snapshotsKept)
    this.#meta = options.meta
    this.#metaFault = options.metaFault
    this.#found = options.found ?? { mark: undefined, fault: undefined }
    this.#tailMark = options.tailMark
  }

  async recover(onChunk: (bytes: Uint8Array) => void): Promise<Recovered> {
    assert(!this.#recovered, 'a store is recovered once')
    this.#recovered = true
    const known = this.#known()
    const recovery = await recoverFrom(this.#disk, known, onChunk)
    const { recovered, tail, metaRevision } = recovery
    this.#snapshots.restore(recovery.snapshots, recovery.useless, recovery.nextId)
    this.#tail = tail
    this.#doubtful = recovered.damage !== undefined
    const { epochs, committed, logStart } = recovered
    const revision = Math.max(this.#meta.revision, metaRevision, known.mark?.revision ?? 0)
    const damaged = this.#doubtful
    this.#meta = { ...this.#meta, revision, epochs, committed, logStart, damaged }
    if (!this.#doubtful) {
      this.#tailMark?.note(this.#end())
      await this.#snapshots.removeUseless()
      await this.#sweep()
    }
    return recovered
  }

  async write(batch: Persist): Promise<void> {
    const { install } = batch
    const doomed = await this.#groupsToRemove(batch)
    if (install !== undefined) await this.#snapshots.arrive()
    const before = this.#end()
    let end = before
    await this.#disk.commit('log', () => {
      const tail = tailAfter(this.#tail, this.#snapshots.newestPoint, batch)
      const operations: Operation[] = doomed.map(key => ({ type: 'del', key }))
      if (install !== undefined) operations.push(...this.#snapshots.install(install))
      operations.push(...this.#metaChanges(batch, tail))
      const { committed } = batch
      const metaRevision = this.#meta.revision
      for (const group of batch.groups) {
        const value = encodeGroup({ group, committed, metaRevision })
        operations.push({ type: 'put', key: logKey(group.first), value })
      }
      this.#tail = tail
      end = this.#end()
      return operations
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
    for await (const slice of this.#disk.scan(logAfter(after.zxid))) {
      for (const [, value] of slice) {
        const group = decodeOrNothing(value)
        if (group === undefined || !follows(point, group)) return found()
        groups.push(group)
        point = pointOf(group)
        bytes += group.payload.length
        if (bytes >= maxBytes) return found()
      }
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

  wantsFullSnapshot(): boolean {
    return this.#snapshots.wantsFull
  }

  beginSnapshot(head: SnapshotHead, kind: SnapshotKind): void {
    this.#snapshots.begin(head, kind)
  }

  appendSnapshot(chunk: Uint8Array): Promise<void> {
    return this.#snapshots.append(chunk)
  }

  async commitSnapshot(): Promise<LogPoint> {
    if (await this.#snapshots.commit()) await this.#purge()
    return this.#meta.logStart
  }

  abortSnapshot(): void {
    this.#snapshots.abort()
  }

  async close(): Promise<void> {
    try {
      await this.#disk.close()
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

  /**
   * Groups before an installed snapshot stay: they are out of sight, and a purge takes them later, piece by piece.
   * Those after it must go with the same write, and there are few: hardly more than were never committed.
   */
  async #groupsToRemove(batch: Persist): Promise<readonly Key[]> {
    const cut = this.#cutOf(batch)
    if (cut === undefined) return []
    const doomed: Key[] = []
    for await (const keys of this.#disk.keys(logAfter(cut.zxid), 'log')) doomed.push(...keys)
    return doomed
  }

  #metaChanges(
    { epochs, committed, install, truncateAfter }: Persist,
    tail: LogPoint,
  ): readonly Operation[] {
    const before = this.#meta
    const same =
      epochs.acceptedEpoch === before.epochs.acceptedEpoch &&
      epochs.currentEpoch === before.epochs.currentEpoch
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

  async #purge(): Promise<void> {
    let end: Mark | undefined
    await this.#disk.commit('background', () => {
      const purge = this.#snapshots.purge()
      if (purge === undefined) return []
      const { operations, logStart } = purge
      if (logStart.zxid <= this.#meta.logStart.zxid) return operations
      const change = this.#changeMeta({ logStart, tail: this.#tail })
      end = this.#end()
      return [...operations, change]
    })
    if (end !== undefined) this.#tailMark?.note(end)
    await this.#sweep()
  }

  /**
   * Removes what nothing refers to. Cut short by a crash, it is taken up by the next one. A leader's snapshot that is
   * installed meanwhile may be of before the log's beginning: what follows it is written to where the past was.
   */
  async #sweep(): Promise<void> {
    await this.#snapshots.sweep()
    const { zxid } = this.#meta.logStart
    await this.#disk.clear(logUpTo(zxid), () => zxid <= this.#meta.logStart.zxid)
  }
}

function decodeOrNothing(value: Uint8Array): Group | undefined {
  try {
    return decodeGroup(value).group
  } catch (error) {
    if (error instanceof MalformedError) return undefined
    throw error
  }
}
