/**
 * The views of znodes that are asked for again and again. To hash a path and to compare it with what is in a block
 * takes its time for each character; a path that is asked for often is mostly the same string, which one look compares,
 * and its view is there already. Rows are never moved, so a view serves until its node is removed.
 *
 * Among many paths in no order none is worth keeping, and to look at a view that is another's is to fetch it from
 * memory for nothing. So a look begins with a mark, a number made of a few characters, in an array that a cache holds;
 * and a view is kept only when its path comes twice with no other at the same entry in between. While look after look
 * finds nothing, most are left out.
 */

import type { ZPath } from '../base/path.ts'
import type { MutableZnode } from './znode.ts'

/** A power of two. */
const ENTRIES = 4096
/** Shorter paths are few, and found soon. */
const LENGTH_MIN = 6
/**
 * After so many looks for nothing in a row, one in `LOOK_ONE_IN` is enough to see a change. A prime, since paths are
 * asked for in turns, by twos and threes, and each of them is to be looked for sometimes.
 */
const VAIN_LOOKS_MAX = 64
const LOOK_ONE_IN = 17
const NOWHERE = -1

export class RecentZnodes {
  /** Of the paths that came last, each at its entry. A view that is kept is of a path with this mark. */
  readonly #marks = new Int32Array(ENTRIES)
  readonly #views: (MutableZnode | undefined)[] = new Array(ENTRIES).fill(undefined)
  /** Of the path asked for last; `NOWHERE` when it was not looked for. */
  #entry = NOWHERE
  #mark = 0
  #vainLooks = 0
  #leftOut = 0

  at(path: ZPath): MutableZnode | undefined {
    this.#entry = NOWHERE
    if (path.length < LENGTH_MIN) return undefined
    if (this.#vainLooks >= VAIN_LOOKS_MAX) {
      if (++this.#leftOut < LOOK_ONE_IN) return undefined
      this.#leftOut = 0
    }
    const view = this.#look(path)
    if (view === undefined) this.#vainLooks++
    else this.#vainLooks = 0
    return view
  }

  /** The node at the path that was just asked for, and is not here. The view is one made with its path. */
  found(view: MutableZnode): void {
    const entry = this.#entry
    if (entry === NOWHERE) return
    if (this.#marks[entry] === this.#mark) {
      this.#views[entry] = view
      return
    }
    this.#marks[entry] = this.#mark
    if (this.#views[entry] !== undefined) this.#views[entry] = undefined
  }

  /** The node at the path goes. */
  forget(path: ZPath): void {
    if (path.length < LENGTH_MIN) return
    if (this.#look(path) !== undefined) this.#views[this.#entry] = undefined
  }

  #look(path: ZPath): MutableZnode | undefined {
    this.#aim(path)
    const entry = this.#entry
    if (this.#marks[entry] !== this.#mark) return undefined
    const view = this.#views[entry]
    return view !== undefined && view.path === path ? view : undefined
  }

  /** Paths differ most at their ends, some in the middle. A poor choice costs time only. */
  #aim(path: ZPath): void {
    const { length } = path
    const last = path.charCodeAt(length - 1)
    const second = path.charCodeAt(length - 2)
    const third = path.charCodeAt(length - 3)
    const middle = path.charCodeAt(length >>> 1)
    // Names that are numbers have entries of their own, up to a thousand of them.
    this.#entry = (last + 10 * second + 101 * third + 1021 * middle + 139 * length) & (ENTRIES - 1)
    const before = path.charCodeAt(length - 4) | (path.charCodeAt(length - 5) << 8)
    this.#mark =
      (last | (second << 8) | (third << 16) | (middle << 24)) ^ Math.imul(before, 0x9e3779b1)
  }
}
