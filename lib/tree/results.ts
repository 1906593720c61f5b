/**
 * The results of a session's latest writes, by cxid without gaps. Kept as columns of numbers in a ring: every write of
 * every session passes through here on every peer, and objects that live for a window of writes and then die are what
 * a garbage collector likes least.
 */

import { assert } from '../base/assert.ts'
import { type ErrorCode, errorFromWire, errorToWire } from '../base/errors.ts'
import type { ZPath } from '../base/path.ts'
import type { Outcome } from '../base/reply.ts'
import type { Stat } from '../base/stat.ts'
import type { SessionId, Zxid } from '../base/zxid.ts'

const CAPACITY_MIN = 4
/** Half the room is given back when so small a share of it was in use for as many writes as it has places. */
const SPARSE = 8

/** Wide columns: zxid of the write, then the wide numbers of a stat. */
const WIDE = 7
/** Narrow columns: whether there is a stat, the error, then the narrow numbers of a stat. */
const NARROW = 7

/** Of the many sessions that never write. */
const NO_WIDE = new Float64Array(0)
const NO_NARROW = new Int32Array(0)
const NO_PATHS: (ZPath | undefined)[] = []

export class Results {
  /** Number of places; 0 or a power of two. The result of a cxid is at `cxid & (capacity - 1)`. */
  #capacity = 0
  #wide = NO_WIDE
  #narrow = NO_NARROW
  /** Paths of creates. */
  #paths = NO_PATHS
  #oldestCxid = 1
  #lastCxid = 0
  /** Writes in a row that found the ring sparse. */
  #sparseWrites = 0

  get size(): number {
    return this.#lastCxid - this.#oldestCxid + 1
  }

  get oldestCxid(): number {
    return this.#oldestCxid
  }

  get(cxid: number): Outcome | undefined {
    if (cxid < this.#oldestCxid || cxid > this.#lastCxid) return undefined
    return this.#read(cxid & (this.#capacity - 1))
  }

  /** Adds the result of the next write. */
  add(outcome: Outcome): void {
    if (this.size === this.#capacity) this.#resize(Math.max(CAPACITY_MIN, 2 * this.#capacity))
    this.#write(++this.#lastCxid & (this.#capacity - 1), outcome)
  }

  /** Drops the results before that of `cxid`. */
  forgetBefore(cxid: number): void {
    while (this.#oldestCxid < cxid) {
      this.#paths[this.#oldestCxid & (this.#capacity - 1)] = undefined
      this.#oldestCxid++
    }
    if (this.size * SPARSE > this.#capacity || this.#capacity <= CAPACITY_MIN * SPARSE) {
      this.#sparseWrites = 0
    } else if (++this.#sparseWrites > this.#capacity) {
      this.#resize(this.#capacity / 2)
    }
  }

  /** Begins with the result of `cxid`; nothing may be held. */
  startAt(cxid: number): void {
    assert(this.size === 0, 'results are put back where there are none')
    this.#oldestCxid = cxid
    this.#lastCxid = cxid - 1
  }

  #resize(capacity: number): void {
    const wide = this.#wide
    const narrow = this.#narrow
    const paths = this.#paths
    const mask = this.#capacity - 1
    this.#sparseWrites = 0
    this.#capacity = capacity
    this.#wide = new Float64Array(capacity * WIDE)
    this.#narrow = new Int32Array(capacity * NARROW)
    this.#paths = new Array(capacity).fill(undefined)
    for (let cxid = this.#oldestCxid; cxid <= this.#lastCxid; cxid++) {
      const from = cxid & mask
      const to = cxid & (capacity - 1)
      for (let w = 0; w < WIDE; w++) this.#wide[to * WIDE + w] = wide[from * WIDE + w]!
      for (let n = 0; n < NARROW; n++) this.#narrow[to * NARROW + n] = narrow[from * NARROW + n]!
      this.#paths[to] = paths[from]
    }
  }

  #write(at: number, { zxid, code, path, stat }: Outcome): void {
    const wide = this.#wide
    const narrow = this.#narrow
    let w = at * WIDE
    let n = at * NARROW
    this.#paths[at] = path
    wide[w++] = zxid
    narrow[n++] = stat === undefined ? 0 : 1
    narrow[n++] = errorToWire(code)
    if (stat === undefined) return
    wide[w++] = stat.czxid
    wide[w++] = stat.mzxid
    wide[w++] = stat.pzxid
    wide[w++] = stat.ctime
    wide[w++] = stat.mtime
    wide[w] = stat.ephemeralOwner
    narrow[n++] = stat.version
    narrow[n++] = stat.cversion
    narrow[n++] = stat.aversion
    narrow[n++] = stat.dataLength
    narrow[n] = stat.numChildren
  }

  #read(at: number): Outcome {
    const n = at * NARROW
    const zxid = this.#wide[at * WIDE] as Zxid
    const code: ErrorCode | undefined = errorFromWire(this.#narrow[n + 1]!)
    const stat = this.#narrow[n] === 0 ? undefined : this.#readStat(at)
    return { zxid, code, path: this.#paths[at], stat }
  }

  #readStat(at: number): Stat {
    const wide = this.#wide
    const narrow = this.#narrow
    const w = at * WIDE + 1
    const n = at * NARROW + 2
    return {
      czxid: wide[w] as Zxid,
      mzxid: wide[w + 1] as Zxid,
      pzxid: wide[w + 2] as Zxid,
      ctime: wide[w + 3]!,
      mtime: wide[w + 4]!,
      version: narrow[n]!,
      cversion: narrow[n + 1]!,
      aversion: narrow[n + 2]!,
      ephemeralOwner: wide[w + 5] as SessionId,
      dataLength: narrow[n + 3]!,
      numChildren: narrow[n + 4]!,
    }
  }
}
