/** Counts what this thread's local observers do: the tests see by it where a read was answered. */

import type { Tree } from '../../lib/index.ts'
import { Observer } from '../../lib/replica/observer.ts'

export interface LocalCounts {
  /** Reads that were answered in this thread. */
  reads: number
  /** Feeds that were opened. */
  feeds: number
  /** Trees that were replaced by a snapshot. */
  snapshots: number
}

/** Reads until a read is answered in this thread. */
export async function untilCounted(counts: LocalCounts, tree: Tree, path: string): Promise<void> {
  const before = counts.reads
  for (;;) {
    await tree.promises.get(path)
    if (counts.reads > before) return
    await new Promise(setImmediate)
  }
}

/** Counts from the first call on; one for all ensembles of the thread. */
export function countLocally(): LocalCounts {
  const counts: LocalCounts = { reads: 0, feeds: 0, snapshots: 0 }
  const { read, node, connected, receive } = Observer.prototype
  Observer.prototype.read = function (...args) {
    counts.reads++
    return read.apply(this, args)
  }
  Observer.prototype.node = function (...args) {
    const found = node.apply(this, args)
    if (found !== undefined) counts.reads++
    return found
  }
  Observer.prototype.connected = function () {
    counts.feeds++
    connected.apply(this)
  }
  Observer.prototype.receive = function (frame) {
    const { tree } = this
    receive.call(this, frame)
    if (this.tree !== tree) counts.snapshots++
  }
  return counts
}
