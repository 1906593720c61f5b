/**
 * Where the paths asked for lately were found. To hash a path and to compare it with what is in a block takes its time
 * for each character; a path that is asked for again and again is mostly the same string, which one look compares.
 */

import type { ZPath } from '../base/path.ts'
import { NONE } from './rows.ts'

/** A power of two. A path takes the place of whatever had its entry. */
const ENTRIES = 4096

/** Paths differ most at their ends, some in the middle. A poor choice costs time only. */
function entryOf(path: ZPath): number {
  const end = path.length - 1
  const tail = path.charCodeAt(end) + 10 * path.charCodeAt(end && end - 1)
  return (tail + 139 * path.charCodeAt(end >>> 1) + 1021 * end) & (ENTRIES - 1)
}

export class RecentPaths {
  readonly #paths: (ZPath | undefined)[] = new Array(ENTRIES).fill(undefined)
  readonly #slots = new Int32Array(ENTRIES)

  slotOf(path: ZPath): number {
    const entry = entryOf(path)
    return this.#paths[entry] === path ? this.#slots[entry]! : NONE
  }

  /** The node at the path was found. */
  keep(path: ZPath, slot: number): void {
    const entry = entryOf(path)
    this.#paths[entry] = path
    this.#slots[entry] = slot
  }

  /** The node at the path goes. */
  forget(path: ZPath): void {
    const entry = entryOf(path)
    if (this.#paths[entry] === path) this.#paths[entry] = undefined
  }
}
