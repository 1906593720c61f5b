/**
 * Keeps account, for the znodes or for the sessions of a tree, of what changed since the last cut, and of what the
 * image under way still owes.
 *
 * Every item carries one mark, so neither question needs a set of all items. With `g` cuts made so far, an item's mark
 * is `2g + 1` once it was changed (or made) after the last cut, `2g` once the image of that cut has it, and lower
 * otherwise. A mark of `2g - 1` therefore says: changed between the last two cuts, and not yet written.
 */

import type { ByteWriter } from '../base/bytes.ts'
import type { Zxid } from '../base/zxid.ts'

/** All there is at a cut, or what changed between the cut before it and this one. */
export type ImageKind = 'full' | 'delta'

export interface Marked {
  mark: number
}

/** How items of one kind are recorded in an image. */
export interface Records<Key, Item> {
  keyOf(item: Item): Key
  /** Zxid that made the item: an item younger than the last cut stands in no image yet. */
  bornAt(item: Item): Zxid
  write(out: ByteWriter, item: Item): void
  writeTombstone(out: ByteWriter, key: Key): void
}

export class Ledger<Key, Item extends Marked> {
  readonly #live: ReadonlyMap<Key, Item>
  readonly #records: Records<Key, Item>
  readonly #out: ByteWriter
  /** The last cut; undefined while no delta could follow it, so that nothing has to be remembered. */
  #cut: Zxid | undefined
  /** Items changed or made since the last cut that are there now. */
  #changed = new Set<Key>()
  /**
   * Items of the last cut that were removed since, in the order of their removal: children stand before their parents.
   * One may be there again, made anew.
   */
  #removed = new Set<Key>()
  /** Mark of what the image of the last cut has: `2g`. */
  #written = 0
  /** Lowest mark of what the image under way consists of; beyond all marks when there is none. */
  #owedFrom = Number.POSITIVE_INFINITY

  constructor(
    live: ReadonlyMap<Key, Item>,
    records: Records<Key, Item>,
    out: ByteWriter,
    cut: Zxid | undefined,
  ) {
    this.#live = live
    this.#records = records
    this.#out = out
    this.#cut = cut
  }

  created(item: Item): void {
    this.#markChanged(item)
  }

  beforeChange(item: Item): void {
    if (item.mark > this.#written) return
    if (this.#owes(item)) this.#records.write(this.#out, item)
    this.#markChanged(item)
  }

  beforeRemoval(item: Item): void {
    if (this.#owes(item)) this.#records.write(this.#out, item)
    if (this.#cut === undefined) return
    const key = this.#records.keyOf(item)
    this.#changed.delete(key)
    if (this.#records.bornAt(item) <= this.#cut) this.#removed.add(key)
  }

  /** Makes a cut; the walk it returns writes what the image consists of, a record a step. */
  cut(kind: ImageKind, zxid: Zxid): Iterable<void> {
    const changed = this.#changed
    const removed = this.#removed
    this.#changed = new Set()
    this.#removed = new Set()
    this.#cut = zxid
    this.#written += 2
    this.#owedFrom = kind === 'full' ? 0 : this.#written - 1
    return kind === 'full' ? this.#walkAll() : this.#walkChanges(changed, removed)
  }

  /** The image of the last cut is lost, and with it all that a delta would build on. */
  abandon(): void {
    this.#owedFrom = Number.POSITIVE_INFINITY
    this.#cut = undefined
    this.#changed = new Set()
    this.#removed = new Set()
  }

  *#walkAll(): Generator<void> {
    for (const item of this.#live.values()) {
      if (this.#writeOwed(item)) yield
    }
  }

  *#walkChanges(changed: ReadonlySet<Key>, removed: ReadonlySet<Key>): Generator<void> {
    for (const key of removed) {
      // A tombstone for what was made anew could come after its record, which a change may have written already.
      if (changed.has(key)) continue
      this.#records.writeTombstone(this.#out, key)
      yield
    }
    for (const key of changed) {
      const item = this.#live.get(key)
      if (item !== undefined && this.#writeOwed(item)) yield
    }
  }

  #writeOwed(item: Item): boolean {
    if (!this.#owes(item)) return false
    this.#records.write(this.#out, item)
    item.mark = this.#written
    return true
  }

  #owes(item: Item): boolean {
    return item.mark >= this.#owedFrom && item.mark < this.#written
  }

  #markChanged(item: Item): void {
    item.mark = this.#written + 1
    if (this.#cut !== undefined) this.#changed.add(this.#records.keyOf(item))
  }
}
