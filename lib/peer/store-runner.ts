/**
 * Carries a core's store tasks to its store and the outcomes back as inputs. The store does one thing at a time in the
 * order given here, log writes first; nothing is retried, since a failed write ends the peer.
 */

import { assert, unreachable } from '../base/assert.ts'
import { HISTORY_BYTES_MAX } from '../base/limits.ts'
import type { SnapshotReader, Store } from '../storage/store.ts'
import type { Load, Loaded } from '../zab/types.ts'
import type { StoreTask } from './core-tasks.ts'
import type { PeerInput } from './core-turn.ts'

/** Bytes of groups read for a learner at a time. */
const LOAD_BYTES = HISTORY_BYTES_MAX / 4

export class StoreRunner {
  readonly #store: Store
  readonly #push: (input: PeerInput) => void
  readonly #fail: (error: unknown) => void
  /** Snapshots being read for learners, by the id of the load that opened them. */
  readonly #readers = new Map<number, SnapshotReader>()

  constructor(store: Store, push: (input: PeerInput) => void, fail: (error: unknown) => void) {
    this.#store = store
    this.#push = push
    this.#fail = fail
  }

  run(tasks: readonly StoreTask[]): void {
    for (const task of tasks) this.#start(task).catch(this.#fail)
  }

  async #start(task: StoreTask): Promise<void> {
    const store = this.#store
    switch (task.kind) {
      case 'write':
        await store.write(task.persist)
        return this.#push({ kind: 'persisted', writeId: task.persist.writeId })
      case 'load':
        return this.#load(task.load)
      case 'stage':
        return store.stage(task.bytes)
      case 'abortStaging':
        return store.abortStaging()
      case 'snapshotBegin':
        store.beginSnapshot(task.head, task.full ? 'full' : 'delta')
        return this.#push({ kind: 'snapshotStep' })
      case 'snapshotChunk':
        await store.appendSnapshot(task.bytes)
        return this.#push({ kind: 'snapshotStep' })
      case 'snapshotCommit': {
        const logStart = await store.commitSnapshot()
        return this.#push({ kind: 'snapshotDone', logStart, chain: store.newestChain() })
      }
      case 'snapshotAbort':
        return store.abortSnapshot()
      default:
        return unreachable(task)
    }
  }

  async #load(load: Load): Promise<void> {
    if (load.kind === 'release') {
      const reader = this.#readers.get(load.snapshotId)
      this.#readers.delete(load.snapshotId)
      return reader?.close()
    }
    const { loadId } = load
    this.#push({ kind: 'loaded', loadId, loaded: await this.#read(load) })
  }

  async #read(load: Exclude<Load, { kind: 'release' }>): Promise<Loaded> {
    if (load.kind === 'groups') {
      const groups = await this.#store.loadGroups(load.after, LOAD_BYTES)
      return groups === undefined ? { kind: 'missing' } : { kind: 'groups', groups }
    }
    if (load.kind === 'snapshot') {
      const reader = await this.#store.openSnapshot()
      if (reader === undefined) return { kind: 'missing' }
      this.#readers.set(load.loadId, reader)
      return { kind: 'snapshot', head: reader.head }
    }
    const reader = this.#readers.get(load.snapshotId)
    assert(reader !== undefined, 'a chunk is read of an open snapshot')
    const chunk = await reader.next()
    return chunk === undefined ? { kind: 'missing' } : { kind: 'chunk', ...chunk }
  }
}
