/**
 * Entries that lie over the tree until the transactions that made them are applied. A queue remembers which
 * transaction changed which entry; an entry goes when its latest change comes out of the queue.
 */

import { assert } from '../base/assert.ts'
import { Fifo } from '../base/fifo.ts'
import { ZXID_ZERO, type Zxid } from '../base/zxid.ts'

export interface OverlayEntry<Key> {
  readonly key: Key
  /** The last proposed transaction that changed it; ZXID_ZERO while it only copies what the tree holds. */
  changedBy: Zxid
}

/** With more keys than this, and than entries, the idle ones are left behind. */
const IDLE_KEYS_MAX = 4096

export class Overlay<Key, Entry extends OverlayEntry<Key>> {
  /**
   * A key stays when its entry goes. A map from which as much is removed as is added makes its table anew again and
   * again, and V8 links each table to the next: from one that has grown old, all later ones live on, with what is in
   * them, until all garbage is collected.
   */
  #entries = new Map<Key, Entry | undefined>()
  /** Keys without an entry. */
  #idle = 0
  /** Changes not yet applied, as two queues in step: the transaction, and the entry it changed. */
  readonly #zxids = new Fifo<Zxid>()
  readonly #changed = new Fifo<Entry>()

  get size(): number {
    return this.#entries.size - this.#idle
  }

  get(key: Key): Entry | undefined {
    return this.#entries.get(key)
  }

  /** Notes that the transaction changes the entry. Noting it again for the same transaction does nothing. */
  note(entry: Entry, zxid: Zxid): void {
    if (entry.changedBy === zxid) return
    assert(entry.changedBy < zxid, 'changes are proposed in order')
    if (entry.changedBy === ZXID_ZERO) {
      assert(this.#entries.get(entry.key) === undefined, 'one entry stands for a key')
      const before = this.#entries.size
      this.#entries.set(entry.key, entry)
      if (this.#entries.size === before) this.#idle--
    }
    entry.changedBy = zxid
    this.#zxids.push(zxid)
    this.#changed.push(entry)
  }

  /** Everything up to `zxid` is applied: drops each entry that no later transaction changes, and tells of it. */
  settle(zxid: Zxid, onGone?: (entry: Entry) => void): void {
    for (;;) {
      const oldest = this.#zxids.first
      if (oldest === undefined || oldest > zxid) return
      this.#zxids.shift()
      const entry = this.#changed.shift()!
      if (entry.changedBy !== oldest) continue
      this.#entries.set(entry.key, undefined)
      this.#idle++
      if (this.#idle > IDLE_KEYS_MAX && this.#idle > this.size) this.#renew()
      onGone?.(entry)
    }
  }

  /** Leaves the idle keys behind, in another map: this one would link its tables. */
  #renew(): void {
    const entries = new Map<Key, Entry | undefined>()
    for (const [key, entry] of this.#entries) {
      if (entry !== undefined) entries.set(key, entry)
    }
    this.#entries = entries
    this.#idle = 0
  }
}
