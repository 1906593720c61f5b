/**
 * A store that takes small writes into its journal and hands them to LevelDB later, many at once. A put goes through a
 * thread of the pool, and the two wake-ups of that cost more than the rest of a write that is alone; one that is only
 * to survive the process need not wait for it. In between LevelDB has less than was acknowledged, so whatever looks at
 * its log, or changes more than the log's end, hands over first.
 */

import { LOG_START, type LogPoint, payloadBytesOf } from '../base/group.ts'
import { EPOCH_ZERO, type Zxid } from '../base/zxid.ts'
import type { Epochs, Persist, SnapshotHead } from '../zab/types.ts'
import type { Disk } from './disk.ts'
import { continuationOf, Journal, readJournal } from './journal.ts'
import type { LevelStore } from './level-store.ts'
import { areSameEpochs, endOf, epochEndsOf, tailAfter } from './log.ts'
import type { GroupRecord } from './records.ts'
import type { Segments } from './segments.ts'
import type {
  ChainSize,
  ImageSink,
  Recovered,
  SnapshotKind,
  SnapshotReader,
  Store,
} from './store.ts'

export interface JournaledStoreOptions {
  readonly disk: Disk
  readonly segments: Segments
  readonly journal: Journal
  /** Bytes of a write in the journal up to which it goes there; with 0 what is found is read, and nothing added. */
  readonly smallBytes: number
}

/**
 * After at most so long LevelDB has what is in the journal, which may be written over much later: by then the system
 * has brought LevelDB's log to the disk, so a power cut never takes more than the last moments.
 */
const PAUSE_MS = 1_000

/** Writes that follow one another as one; only the last may do more than append. */
function joined(batches: readonly Persist[]): Persist | undefined {
  const last = batches.at(-1)
  return last && { ...last, groups: batches.flatMap(({ groups }) => groups) }
}

export class JournaledStore implements Store {
  readonly #inner: LevelStore
  readonly #disk: Disk
  readonly #segments: Segments
  readonly #journal: Journal
  readonly #smallBytes: number
  #epochs: Epochs = { acceptedEpoch: EPOCH_ZERO, currentEpoch: EPOCH_ZERO }
  /** The end of what was acknowledged. */
  #tail: LogPoint = LOG_START
  /** Whether nothing in the journal could be taken for the continuation of another log. */
  #isClear = false
  /** In the journal, and not yet handed over. */
  readonly #pending: Persist[] = []
  /** All hand-overs so far; rejects for good with the first that fails. */
  #handed: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  /** Until LevelDB has what the other half of the journal holds. */
  #freed: Promise<void> = Promise.resolve()

  constructor(inner: LevelStore, options: JournaledStoreOptions) {
    this.#inner = inner
    this.#disk = options.disk
    this.#segments = options.segments
    this.#journal = options.journal
    this.#smallBytes = options.smallBytes
  }

  async recover(image: ImageSink): Promise<Recovered> {
    const recovered = await this.#inner.recover(image)
    this.#epochs = recovered.epochs
    this.#tail = endOf(recovered.snapshot?.point ?? LOG_START, recovered.groups)
    // With the write that makes up for the damage the journal is cleared.
    if (recovered.damage !== undefined) return recovered
    const records = await readJournal(this.#disk.directory)
    const found = continuationOf(records, this.#tail, recovered.epochs.currentEpoch)
    const all = found.length === 0 ? recovered : await this.#takeOver(recovered, found)
    await this.#clearJournal()
    return all
  }

  async write(batch: Persist): Promise<void> {
    const framed = this.#framed(batch)
    if (framed !== undefined) return this.#disk.aside(() => this.#append(batch, framed))
    const { install, truncateAfter } = batch
    if (install !== undefined || truncateAfter !== undefined || !this.#isClear) {
      await this.#handOver()
      await this.#clearJournal()
    }
    await this.#handOver(batch)
    this.#moveTail(batch)
    this.#epochs = batch.epochs
  }

  async loadGroups(after: LogPoint, maxBytes: number): ReturnType<Store['loadGroups']> {
    await this.#handOver()
    return this.#inner.loadGroups(after, maxBytes)
  }

  openSnapshot(): Promise<SnapshotReader | undefined> {
    return this.#inner.openSnapshot()
  }

  stage(chunk: Uint8Array): Promise<void> {
    return this.#inner.stage(chunk)
  }

  abortStaging(): void {
    this.#inner.abortStaging()
  }

  newestChain(): ChainSize | undefined {
    return this.#inner.newestChain()
  }

  beginSnapshot(head: SnapshotHead, kind: SnapshotKind): void {
    this.#inner.beginSnapshot(head, kind)
  }

  appendSnapshot(chunk: Uint8Array): Promise<void> {
    return this.#inner.appendSnapshot(chunk)
  }

  /** LevelDB's log reaches as far as the snapshot before that counts: should it be spoilt, an older one has no hole. */
  commitSnapshot(): Promise<LogPoint> {
    return this.#inner.commitSnapshot(this.#handOver())
  }

  abortSnapshot(): void {
    this.#inner.abortSnapshot()
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    // What failed was told to whoever wrote; what is not handed over is read from the journal next time.
    await this.#handOver().catch(() => undefined)
    try {
      await this.#inner.close()
    } finally {
      await this.#journal.close()
    }
  }

  /** Gives LevelDB what a former life left in the journal. */
  async #takeOver(recovered: Recovered, found: readonly GroupRecord[]): Promise<Recovered> {
    const { epochs, snapshot, findings } = recovered
    const added = found.map(({ group }) => group)
    const groups = [...recovered.groups, ...added]
    const known = found.map(({ committed }) => committed)
    this.#tail = endOf(this.#tail, added)
    const committed = Math.min(Math.max(recovered.committed, ...known), this.#tail.zxid) as Zxid
    await this.#inner.write({
      ...{ writeId: 0, epochs, groups: added, committed },
      ...{ install: undefined, truncateAfter: undefined },
    })
    return {
      ...{ ...recovered, groups, committed, epochEnds: epochEndsOf(snapshot, groups) },
      findings: [...findings, `then ${added.length} groups of the journal`],
    }
  }

  /** As it is to be in the journal; undefined for what must not go there. */
  #framed({ install, truncateAfter, epochs, groups, committed }: Persist): Buffer | undefined {
    if (!this.#isClear || install !== undefined || truncateAfter !== undefined) return undefined
    if (!areSameEpochs(epochs, this.#epochs)) return undefined
    if (payloadBytesOf(groups) >= this.#smallBytes) return undefined
    const framed = Journal.frame(groups.map(group => ({ group, committed, metaRevision: 0 })))
    return framed.length <= this.#smallBytes ? framed : undefined
  }

  async #append(batch: Persist, framed: Buffer): Promise<void> {
    if (!this.#journal.fits(framed)) {
      await this.#freed
      this.#journal.turn()
      this.#freed = this.#handOver()
    }
    this.#moveTail(batch)
    this.#journal.append(framed)
    this.#pending.push(batch)
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.#handOver()
    }, PAUSE_MS).unref()
  }

  /** Whether a cut spares the newest snapshot is for LevelDB's side to say, which knows it. */
  #moveTail(batch: Persist): void {
    this.#tail = tailAfter(this.#tail, LOG_START, batch)
  }

  /** Writes to LevelDB what is pending, and `last` with it. */
  #handOver(last?: Persist): Promise<void> {
    const handed = this.#handed.then(async () => {
      const batch = joined([...this.#pending.splice(0), ...(last === undefined ? [] : [last])])
      if (batch !== undefined) await this.#inner.write(batch)
    })
    this.#handed = handed
    // Whoever calls next hears of it.
    handed.catch(() => undefined)
    return handed
  }

  /** What it held may have been written long ago: it must not be lost in a power cut now. */
  async #clearJournal(): Promise<void> {
    await this.#disk.aside(async () => {
      await this.#segments.sync()
      await this.#journal.clear()
    })
    this.#isClear = true
  }
}
