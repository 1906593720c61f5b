/**
 * A model disk with the store upon it: tasks take virtual time, one at a time, in order. What a task wrote is visible
 * at once but safe only when a synced write has completed after it; a crash keeps some prefix of what was not safe,
 * each batch wholly or not at all, as LevelDB's log does.
 */

import type { PeerInput } from '../../lib/peer/core.ts'
import type { StoreTask } from '../../lib/peer/core-tasks.ts'
import type { Load, Loaded } from '../../lib/zab/types.ts'
import type { Prng } from '../support/prng.ts'
import { DiskImage, type Snapshot } from './disk-image.ts'
import type { World } from './world.ts'

/** Changes an image as one atomic batch does. */
type Batch = (image: DiskImage) => void

interface Reader {
  readonly chunks: readonly Uint8Array[]
  next: number
}

export class SimDisk {
  readonly #world: World
  readonly #prng: Prng
  /** All that was written. */
  #written = new DiskImage()
  /** What survives a power cut for certain. */
  #safe = new DiskImage()
  /** What leads from safe to written. */
  #unsynced: Batch[] = []
  #inFlight: Batch | undefined
  readonly #queue: StoreTask[] = []
  #busy = false
  readonly #readers = new Map<number, Reader>()
  /** Counts the lives of the peer, whose answers are not for its next life. */
  #life = 0
  #report: (input: PeerInput) => void = () => {}
  #stalledUntil = 0

  constructor(world: World, prng: Prng) {
    this.#world = world
    this.#prng = prng
  }

  /** What survives whatever happens. */
  get safe(): DiskImage {
    return this.#safe
  }

  get wantsFullSnapshot(): boolean {
    const { newest } = this.#written
    return newest === undefined || newest.images.length > this.#world.knobs.deltasMax
  }

  /** Opens the disk for a new life of its peer and returns what is on it. */
  open(report: (input: PeerInput) => void): DiskImage {
    this.#report = report
    return this.#written.copy()
  }

  run(tasks: readonly StoreTask[]): void {
    this.#queue.push(...tasks)
    this.#startNext()
  }

  stall(until: number): void {
    this.#stalledUntil = until
  }

  /** The peer dies: queued work is lost; of what was written and not synced, the first `share` survives. */
  crash(share: number): void {
    const unsafe =
      this.#inFlight === undefined ? this.#unsynced : [...this.#unsynced, this.#inFlight]
    for (const batch of unsafe.slice(0, Math.round(share * unsafe.length))) batch(this.#safe)
    this.#safe = this.#safe.copy()
    this.#written = this.#safe.copy()
    this.#unsynced = []
    this.#inFlight = undefined
    this.#queue.length = 0
    this.#busy = false
    this.#readers.clear()
    this.#life++
  }

  /** Replaces the contents, as damage does; only while the peer is down. */
  replace(image: DiskImage): void {
    this.#safe = image
    this.#written = image.copy()
  }

  #startNext(): void {
    const task = this.#queue[0]
    if (this.#busy || task === undefined) return
    this.#queue.shift()
    this.#busy = true
    const { agenda, mutation } = this.#world
    const { batch, synced } = this.#batchOf(task)
    this.#inFlight = batch
    const life = this.#life
    const early = mutation.ackBeforePersisted === true && task.kind === 'write'
    if (early) {
      agenda.after(0, () => {
        if (life === this.#life) this.#answer(task)
      })
    }
    const begins = Math.max(agenda.now, this.#stalledUntil)
    agenda.at(begins + this.#world.diskUs(this.#prng), () => {
      if (life !== this.#life) return
      this.#complete(batch, synced)
      if (!early) this.#answer(task)
      this.#busy = false
      this.#startNext()
    })
  }

  #complete(batch: Batch | undefined, synced: boolean): void {
    this.#inFlight = undefined
    if (batch === undefined) return
    batch(this.#written)
    this.#unsynced.push(batch)
    if (!synced) return
    for (const unsynced of this.#unsynced) unsynced(this.#safe)
    this.#unsynced = []
  }

  #batchOf(task: StoreTask): { batch: Batch | undefined; synced: boolean } {
    switch (task.kind) {
      case 'write': {
        const cuts = this.#world.mutation.skipTrunc !== true
        const persist = cuts ? task.persist : { ...task.persist, truncateAfter: undefined }
        this.#count(task.persist)
        return { batch: image => image.write(persist), synced: true }
      }
      case 'stage':
        return { batch: image => image.stage(task.bytes), synced: false }
      case 'abortStaging':
        return { batch: image => image.abortStaging(), synced: false }
      case 'snapshotBegin':
        return { batch: image => image.beginSnapshot(task.head, task.full), synced: false }
      case 'snapshotChunk':
        return { batch: image => image.appendSnapshot(task.bytes), synced: false }
      case 'snapshotCommit':
        return { batch: image => image.commitSnapshot(), synced: true }
      case 'snapshotAbort':
        return { batch: image => image.abortSnapshot(), synced: false }
      case 'load':
        return { batch: undefined, synced: false }
    }
  }

  #answer(task: StoreTask): void {
    switch (task.kind) {
      case 'write':
        return this.#report({ kind: 'persisted', writeId: task.persist.writeId })
      case 'load':
        return this.#load(task.load)
      case 'snapshotBegin':
      case 'snapshotChunk':
        return this.#report({ kind: 'snapshotStep' })
      case 'snapshotCommit':
        return this.#purge()
      default:
    }
  }

  /** Only after the new snapshot is safe; the purge itself need not be. */
  #purge(): void {
    const { knobs, counters } = this.#world
    counters.add('snapshots')
    this.#complete(image => image.purge(knobs.snapshotsKept), false)
    const { logStart } = this.#written
    this.#report({ kind: 'snapshotDone', logStart, wantsFull: this.wantsFullSnapshot })
  }

  #load(load: Load): void {
    if (load.kind === 'release') {
      this.#readers.delete(load.snapshotId)
      return
    }
    this.#report({ kind: 'loaded', loadId: load.loadId, loaded: this.#read(load) })
  }

  #read(load: Exclude<Load, { kind: 'release' }>): Loaded {
    const { knobs, counters } = this.#world
    switch (load.kind) {
      case 'groups': {
        counters.add('log loads')
        const groups = this.#written.groupsAfter(load.after, knobs.loadBytes)
        return groups === undefined ? { kind: 'missing' } : { kind: 'groups', groups }
      }
      case 'snapshot': {
        const { newest } = this.#written
        if (newest === undefined) return { kind: 'missing' }
        this.#readers.set(load.loadId, { chunks: chunksOf(newest), next: 0 })
        return { kind: 'snapshot', head: newest.head }
      }
      case 'chunk': {
        const reader = this.#readers.get(load.snapshotId)
        const bytes = reader?.chunks[reader.next++]
        if (reader === undefined || bytes === undefined) return { kind: 'missing' }
        return { kind: 'chunk', bytes, last: reader.next === reader.chunks.length }
      }
    }
  }

  #count({ install, truncateAfter }: { install: unknown; truncateAfter: unknown }): void {
    const { counters } = this.#world
    if (install !== undefined) counters.add('snaps installed')
    else if (truncateAfter !== undefined) counters.add('truncations')
  }
}

function chunksOf({ images }: Snapshot): readonly Uint8Array[] {
  return images.flat()
}
