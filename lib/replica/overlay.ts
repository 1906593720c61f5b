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

export class Overlay<Key, Entry extends OverlayEntry<Key>> {
  readonly #entries = new Map<Key, Entry>()
  /** Changes not yet applied, as two queues in step: the transaction, and the entry it changed. */
  readonly #zxids = new Fifo<Zxid>()
  readonly #changed = new Fifo<Entry>()

  get size(): number {
    return this.#entries.size
  }

  get(key: Key): Entry | undefined {
    return this.#entries.get(key)
  }

  /** Notes that the transaction changes the entry. Noting it again for the same transaction does nothing. */
  note(entry: Entry, zxid: Zxid): void {
    if (entry.changedBy === zxid) return
    assert(entry.changedBy < zxid, 'changes are proposed in order')
    if (entry.changedBy === ZXID_ZERO) {
      assert(!this.#entries.has(entry.key), 'one entry stands for a key')
      this.#entries.set(entry.key, entry)
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
      this.#entries.delete(entry.key)
      onGone?.(entry)
    }
  }
}
