/**
 * The views of znodes that were asked for lately. To hash a path and to compare it with what is in a block takes its
 * time for each character; a path that is asked for again and again is mostly the same string, which one look compares,
 * and its view is there already. Rows are never moved, so a view serves until its node is removed.
 */

import type { ZPath } from '../base/path.ts'
import type { MutableZnode } from './znode.ts'

/** A power of two. A view takes the place of whatever had its entry. */
const ENTRIES = 4096
/** Shorter paths are few, and found soon. */
const LENGTH_MIN = 4

/** Paths differ most at their ends, some in the middle. A poor choice costs time only. */
function entryOf(path: ZPath): number {
  const end = path.length - 1
  const last = path.charCodeAt(end) + 10 * path.charCodeAt(end - 1) + 101 * path.charCodeAt(end - 2)
  return (last + 1021 * path.charCodeAt(end >>> 1) + 139 * end) & (ENTRIES - 1)
}

export class RecentZnodes {
  readonly #views: (MutableZnode | undefined)[] = new Array(ENTRIES).fill(undefined)

  at(path: ZPath): MutableZnode | undefined {
    if (path.length < LENGTH_MIN) return undefined
    const view = this.#views[entryOf(path)]
    return view !== undefined && view.path === path ? view : undefined
  }

  /** The view of a node, made with its path. */
  keep(view: MutableZnode, path: ZPath): void {
    if (path.length >= LENGTH_MIN) this.#views[entryOf(path)] = view
  }

  /** The node at the path goes. */
  forget(path: ZPath): void {
    if (this.at(path) !== undefined) this.#views[entryOf(path)] = undefined
  }
}
