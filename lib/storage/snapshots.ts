/**
 * Which snapshots there are, what each is made of, and which may go. A full image stands alone; a delta needs every
 * snapshot down to its full image. Pure: knows ids and heads, not where the bytes are.
 */

import { assert } from '../base/assert.ts'
import { LOG_START, type LogPoint } from '../base/group.ts'
import type { StoredSnapshot } from './records.ts'
import type { ChainSize } from './store.ts'

/** Full image first. */
export type Chain = readonly StoredSnapshot[]

export interface Purge {
  /** Ids of snapshots to take out of sight. */
  readonly dropped: readonly number[]
  /** The log before this point is not needed for any snapshot that is kept. */
  readonly logStart: LogPoint
}

/**
 * Nothing is removed on the strength of the newest record alone: should that one be lost, what it replaced is still
 * there. So the newest two are always kept.
 */
const KEPT_MIN = 2
/**
 * However small they are: each one more is another database to open at the next start, and to lose all that follows it
 * with.
 */
const DELTAS_MAX = 50

export class SnapshotCatalog {
  /** By ascending id, which is the order they were made in. */
  #snapshots: readonly StoredSnapshot[]
  /** Turned out to be unreadable. */
  readonly #unreadable = new Set<number>()
  /** How many readers need a snapshot's chunks. */
  readonly #pins = new Map<number, number>()

  constructor(snapshots: readonly StoredSnapshot[] = []) {
    this.#snapshots = snapshots
  }

  get snapshots(): readonly StoredSnapshot[] {
    return this.#snapshots
  }

  /** Where the newest snapshot stands, readable or not. */
  get newestPoint(): LogPoint {
    return this.#snapshots.at(-1)?.head.point ?? LOG_START
  }

  get newestId(): number {
    return this.#snapshots.at(-1)?.id ?? 0
  }

  /** The newest snapshot that can be restored, with all it needs. */
  newestChain(): Chain | undefined {
    return this.#restorable()[0]
  }

  /** What a delta would be added to; undefined where none may be: it needs a readable snapshot just before it. */
  newestSize(): ChainSize | undefined {
    const chain = this.#chainOf(this.newestId)
    const [image, ...deltas] = chain ?? []
    if (image === undefined || deltas.length >= DELTAS_MAX) return undefined
    const deltaBytes = deltas.reduce((sum, delta) => sum + delta.bytes, 0)
    return { imageBytes: image.bytes, deltaBytes }
  }

  add(snapshot: StoredSnapshot): void {
    assert(snapshot.id > this.newestId, 'snapshot ids ascend')
    assert(snapshot.head.point.zxid >= this.newestPoint.zxid, 'snapshots do not go back')
    this.#snapshots = [...this.#snapshots, snapshot]
  }

  /** One snapshot, or none, in place of all others, whose ids are returned. */
  replaceAll(snapshot: StoredSnapshot | undefined): readonly number[] {
    const replaced = this.#snapshots.map(({ id }) => id)
    this.#snapshots = snapshot === undefined ? [] : [snapshot]
    return replaced
  }

  markUnreadable(id: number): void {
    this.#unreadable.add(id)
  }

  pin(chain: Chain): void {
    for (const { id } of chain) this.#pins.set(id, (this.#pins.get(id) ?? 0) + 1)
  }

  unpin(chain: Chain): void {
    for (const { id } of chain) {
      const left = (this.#pins.get(id) ?? 0) - 1
      assert(left >= 0, 'a snapshot is unpinned once for each pin')
      if (left === 0) this.#pins.delete(id)
      else this.#pins.set(id, left)
    }
  }

  /**
   * Keeps the newest `count` that can be restored and what is being read; undefined when nothing may go. The newest of
   * all stays even if it cannot be restored: the next delta will hold what has changed since, and nothing older.
   */
  purge(count: number): Purge | undefined {
    const kept = this.#restorable().slice(0, Math.max(count, KEPT_MIN))
    if (kept.length < KEPT_MIN) return undefined
    const needed = new Set(this.#pins.keys()).add(this.newestId)
    for (const { id } of kept.flat()) needed.add(id)
    const dropped = this.#snapshots.filter(({ id }) => !needed.has(id))
    this.#snapshots = this.#snapshots.filter(({ id }) => needed.has(id))
    const targets = [...kept.map(chain => chain.at(-1)!), ...this.#pinned()]
    const oldest = targets.reduce((a, b) => (b.head.point.zxid < a.head.point.zxid ? b : a))
    return { dropped: dropped.map(({ id }) => id), logStart: oldest.head.point }
  }

  /** Ids whose chunks are needed, visible or only being read, in ascending order. */
  neededIds(): readonly number[] {
    const ids = new Set(this.#pins.keys())
    for (const { id } of this.#snapshots) ids.add(id)
    return [...ids].sort((a, b) => a - b)
  }

  #pinned(): readonly StoredSnapshot[] {
    return this.#snapshots.filter(({ id }) => this.#pins.has(id))
  }

  /** Chains of all that can be restored, newest first. */
  #restorable(): readonly Chain[] {
    return this.#snapshots
      .map(({ id }) => this.#chainOf(id))
      .filter(chain => chain !== undefined)
      .reverse()
  }

  #chainOf(id: number): Chain | undefined {
    return chainOf(id, this.#snapshots, ({ id }) => !this.#unreadable.has(id))
  }
}

/** A snapshot and all it needs, full image first; undefined when a part is missing or not `usable`. */
export function chainOf(
  id: number,
  snapshots: readonly StoredSnapshot[],
  usable: (snapshot: StoredSnapshot) => boolean,
): Chain | undefined {
  const chain: StoredSnapshot[] = []
  for (let wanted = id; ; ) {
    const snapshot = snapshots.find(candidate => candidate.id === wanted)
    if (snapshot === undefined || !usable(snapshot)) return undefined
    chain.unshift(snapshot)
    if (snapshot.base === 0) return chain
    // Ids ascend along a chain, so this ends.
    if (snapshot.base >= wanted) return undefined
    wanted = snapshot.base
  }
}

/** Finds the place of each chunk of a chain when they are read one after the other. */
export class ChainCursor {
  readonly #chain: Chain
  #link = 0
  #chunk = 0

  constructor(chain: Chain) {
    this.#chain = chain
    this.#skipEmpty()
  }

  get done(): boolean {
    return this.#link >= this.#chain.length
  }

  /** The place to read now; moves on to the next. */
  take(): { readonly id: number; readonly chunk: number } {
    assert(!this.done, 'a chunk is left')
    const place = { id: this.#chain[this.#link]!.id, chunk: this.#chunk }
    this.#chunk++
    this.#skipEmpty()
    return place
  }

  #skipEmpty(): void {
    while (!this.done && this.#chunk >= this.#chain[this.#link]!.chunks) {
      this.#link++
      this.#chunk = 0
    }
  }
}
