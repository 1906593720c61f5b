/** A disk of a hand-driven peer: does one task of its store at a time, each wholly or not at all. */

import { type Group, LOG_START, type LogPoint } from '../../lib/base/group.ts'
import { EPOCH_ZERO, ZXID_ZERO, type Zxid } from '../../lib/base/zxid.ts'
import type { StoreTask } from '../../lib/peer/core-tasks.ts'
import type { PeerInput } from '../../lib/peer/core-turn.ts'
import { epochEndsOf } from '../../lib/storage/log.ts'
import type { ChainSize } from '../../lib/storage/store.ts'
import { TreeLoader } from '../../lib/tree/loader.ts'
import { Tree } from '../../lib/tree/tree.ts'
import type { Epochs, Load, Loaded, Persist, SnapshotHead } from '../../lib/zab/types.ts'
import type { RecoveredPeer } from '../../lib/zab/zab.ts'

interface Snapshot {
  readonly head: SnapshotHead
  /** Of the full image and of the deltas upon it. */
  readonly chunks: readonly Uint8Array[]
}

interface Draft {
  readonly head: SnapshotHead
  readonly full: boolean
  readonly chunks: Uint8Array[]
}

export interface Found {
  readonly peer: RecoveredPeer
  readonly tree: Tree
  readonly chain: ChainSize | undefined
}

const NO_DELTAS: ChainSize = { imageBytes: 0, deltaBytes: 0 }
const NO_EPOCHS: Epochs = { acceptedEpoch: EPOCH_ZERO, currentEpoch: EPOCH_ZERO }

export class HandDisk {
  epochs = NO_EPOCHS
  groups: readonly Group[] = []
  logStart: LogPoint = LOG_START
  snapshot: Snapshot | undefined
  /** What is here is not to be built on, until a leader's snapshot replaces it. */
  damaged = false
  #committed: Zxid = ZXID_ZERO
  #draft: Draft | undefined
  #staged: Uint8Array[] = []
  readonly #readers = new Map<number, Uint8Array[]>()

  /** Does what a task asks for; returns what the store answers, if it does. */
  carryOut(task: StoreTask): PeerInput | undefined {
    switch (task.kind) {
      case 'write':
        this.write(task.persist)
        return { kind: 'persisted', writeId: task.persist.writeId }
      case 'load':
        return this.#load(task.load)
      case 'stage':
        this.#staged.push(task.bytes)
        return undefined
      case 'abortStaging':
        this.#staged = []
        return undefined
      case 'snapshotBegin':
        this.#draft = { head: task.head, full: task.full, chunks: [] }
        return { kind: 'snapshotStep' }
      case 'snapshotChunk':
        this.#draft?.chunks.push(task.bytes)
        return { kind: 'snapshotStep' }
      case 'snapshotCommit':
        return this.#commitSnapshot()
      case 'snapshotAbort':
        this.#draft = undefined
        return undefined
    }
  }

  write({ install, truncateAfter, groups, epochs, committed }: Persist): void {
    if (install !== undefined) {
      this.snapshot = this.#staged.length > 0 ? { head: install, chunks: this.#staged } : undefined
      this.#staged = []
      this.#draft = undefined
      this.logStart = install.point
      this.groups = []
      this.damaged = false
    }
    if (truncateAfter !== undefined) {
      this.groups = this.groups.filter(({ last }) => last <= truncateAfter.zxid)
    }
    this.groups = [...this.groups, ...groups]
    this.epochs = epochs
    this.#committed = committed
  }

  /** What a peer begins with that starts from this disk. */
  recover(): Found {
    if (this.damaged) return this.#promisesOnly()
    const head = this.snapshot?.head
    const base = head?.point ?? LOG_START
    const groups = this.groups.filter(({ first }) => first > base.zxid)
    const last = groups.at(-1)?.last ?? base.zxid
    const committed = Math.min(Math.max(this.#committed, base.zxid), last) as Zxid
    const loader = new TreeLoader()
    for (const chunk of this.snapshot?.chunks ?? []) loader.load(chunk)
    return {
      peer: {
        epochs: this.epochs,
        history: { logStart: this.logStart, base, groups, epochEnds: epochEndsOf(head, groups) },
        committed,
        trusted: true,
      },
      tree: head === undefined ? new Tree() : loader.finish(base.zxid, head.digest),
      chain: this.snapshot && NO_DELTAS,
    }
  }

  /** The process died: what was not visible yet is gone. */
  crash(): void {
    this.#draft = undefined
    this.#staged = []
    this.#readers.clear()
  }

  #promisesOnly(): Found {
    const { epochs } = this
    const history = { logStart: LOG_START, base: LOG_START, groups: [], epochEnds: [] }
    const peer = { epochs, history, committed: ZXID_ZERO, trusted: false }
    return { peer, tree: new Tree(), chain: undefined }
  }

  /** Keeps the log: a snapshot that should not be there must not be able to hide it. */
  #commitSnapshot(): PeerInput {
    const draft = this.#draft
    if (draft !== undefined) {
      const before = draft.full ? [] : (this.snapshot?.chunks ?? [])
      this.snapshot = { head: draft.head, chunks: [...before, ...draft.chunks] }
      this.#draft = undefined
    }
    return { kind: 'snapshotDone', logStart: this.logStart, chain: NO_DELTAS }
  }

  #load(load: Load): PeerInput | undefined {
    if (load.kind === 'release') return undefined
    return { kind: 'loaded', loadId: load.loadId, loaded: this.#read(load) }
  }

  #read(load: Exclude<Load, { kind: 'release' }>): Loaded {
    if (load.kind === 'groups') {
      const groups = this.groups.filter(({ first }) => first > load.after.zxid)
      return groups.length === 0 ? { kind: 'missing' } : { kind: 'groups', groups }
    }
    if (load.kind === 'snapshot') {
      if (this.snapshot === undefined) return { kind: 'missing' }
      this.#readers.set(load.loadId, [...this.snapshot.chunks])
      return { kind: 'snapshot', head: this.snapshot.head }
    }
    const reader = this.#readers.get(load.snapshotId)
    const bytes = reader?.shift()
    if (reader === undefined || bytes === undefined) return { kind: 'missing' }
    return { kind: 'chunk', bytes, last: reader.length === 0 }
  }
}
