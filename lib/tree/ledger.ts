/**
 * Keeps account, for the znodes or for the sessions of a tree, of what changed since the last cut, and of what the
 * image under way still owes.
 *
 * Every item carries one mark, so neither question needs a set of all items. With `g` cuts made so far, an item's mark
 * is `2g + 1` once it was changed (or made) after the last cut, `2g` once the image of that cut has it, and lower
 * otherwise. A mark of `2g - 1` therefore says: changed between the last two cuts, and not yet written. What is removed
 * is marked `GONE`. An item may be one that was removed and is used again for another name: its mark is that of what
 * was made since.
 */

import type { ByteWriter } from '../base/bytes.ts'
import type { Zxid } from '../base/zxid.ts'

/** All there is at a cut, or what changed between the cut before it and this one. */
export type ImageKind = 'full' | 'delta'

/** Mark of what is not there: no image owes it. */
export const GONE = -1

/** A list is not looked through for less. */
const REMOVALS_MIN = 1024

/** How items of one kind are recorded in an image, where each goes by a name. */
export interface Records<Item, Name> {
  /** All there are, while they come and go; what is gone may be among them, if it is marked so. */
  all(): Iterable<Item>
  markOf(item: Item): number
  setMark(item: Item, mark: number): void
  /** Zxid that made the item: an item younger than the last cut stands in no image yet. */
  bornAt(item: Item): Zxid
  write(out: ByteWriter, item: Item): void
  writeTombstone(out: ByteWriter, name: Name): void
}

export class Ledger<Item, Name> {
  readonly #records: Records<Item, Name>
  readonly #out: ByteWriter
  /** The last cut; undefined while no delta could follow it, so that nothing has to be remembered. */
  #cut: Zxid | undefined
  /**
   * Items changed or made since the last cut. Some may be gone, or be there twice after they were used again: their
   * marks tell. A set would have neither, but a large one grows by being made anew, and that is a pause.
   */
  #changed: Item[] = []
  /** Items removed since `#changed` was last without any that are gone. */
  #removals = 0
  /**
   * Names in the image of the last cut that were removed since, in the order of their first removal: children stand
   * before their parents. Each with whether it is there again, made anew.
   */
  #removed = new Map<Name, boolean>()
  /** Mark of what the image of the last cut has: `2g`. */
  #written = 0
  /** Lowest mark of what the image under way consists of; beyond all marks when there is none. */
  #owedFrom = Number.POSITIVE_INFINITY

  constructor(records: Records<Item, Name>, out: ByteWriter, cut: Zxid | undefined) {
    this.#records = records
    this.#out = out
    this.#cut = cut
  }

  created(item: Item, name: Name): void {
    if (this.#removed.has(name)) this.#removed.set(name, true)
    this.#markChanged(item)
  }

  beforeChange(item: Item): void {
    const mark = this.#records.markOf(item)
    if (mark > this.#written) return
    if (this.#owes(mark)) this.#records.write(this.#out, item)
    this.#markChanged(item)
  }

  beforeRemoval(item: Item, name: Name): void {
    if (this.#owes(this.#records.markOf(item))) this.#records.write(this.#out, item)
    this.#records.setMark(item, GONE)
    if (this.#cut === undefined) return
    this.#countRemoval()
    if (this.#records.bornAt(item) <= this.#cut || this.#removed.has(name)) {
      this.#removed.set(name, false)
    }
  }

  /** How many entries are kept of what changed since the last cut. */
  get entries(): number {
    return this.#changed.length
  }

  /** Makes a cut; the walk it returns writes what the image consists of, a record a step. */
  cut(kind: ImageKind, zxid: Zxid): Iterable<void> {
    const changed = this.#changed
    const removed = this.#removed
    this.#forgetChanges()
    this.#cut = zxid
    this.#written += 2
    this.#owedFrom = kind === 'full' ? 0 : this.#written - 1
    return kind === 'full' ? this.#walk(this.#records.all()) : this.#walkChanges(changed, removed)
  }

  /** The image of the last cut is lost, and with it all that a delta would build on. */
  abandon(): void {
    this.#owedFrom = Number.POSITIVE_INFINITY
    this.#cut = undefined
    this.#forgetChanges()
  }

  #forgetChanges(): void {
    this.#changed = []
    this.#removals = 0
    this.#removed = new Map()
  }

  /** Keeps the list in proportion to what is there: where much comes and goes, most of it would be gone. */
  #countRemoval(): void {
    this.#removals++
    if (this.#removals < REMOVALS_MIN || 2 * this.#removals < this.#changed.length) return
    const mark = this.#written + 1
    const there = this.#changed.filter(item => this.#records.markOf(item) === mark)
    this.#changed = [...new Set(there)]
    this.#removals = 0
  }

  *#walkChanges(
    changed: Iterable<Item>,
    removed: Iterable<readonly [Name, boolean]>,
  ): Generator<void> {
    for (const [name, isThereAgain] of removed) {
      // A tombstone for what was made anew could come after its record, which a change may have written already.
      if (isThereAgain) continue
      this.#records.writeTombstone(this.#out, name)
      yield
    }
    yield* this.#walk(changed)
  }

  *#walk(items: Iterable<Item>): Generator<void> {
    for (const item of items) {
      if (!this.#owes(this.#records.markOf(item))) continue
      this.#records.write(this.#out, item)
      this.#records.setMark(item, this.#written)
      yield
    }
  }

  #owes(mark: number): boolean {
    return mark >= this.#owedFrom && mark < this.#written
  }

  #markChanged(item: Item): void {
    this.#records.setMark(item, this.#written + 1)
    if (this.#cut !== undefined) this.#changed.push(item)
  }
}
