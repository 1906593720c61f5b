/**
 * Snapshots of one peer: when to take one, and one coming in from a leader. An own snapshot is a cut of the tree,
 * written chunk by chunk while groups go on being applied; an incoming one builds a tree beside the present one and
 * takes its place when the store has it.
 */

import { assert, unreachable } from '../base/assert.ts'
import { SNAPSHOT_CHUNK_BYTES } from '../base/limits.ts'
import { type Sid, ZXID_ZERO, type Zxid } from '../base/zxid.ts'
import type { Replica } from '../replica/replica.ts'
import type { ChainSize } from '../storage/store.ts'
import { TreeLoader } from '../tree/loader.ts'
import type { Tree } from '../tree/tree.ts'
import type { SnapshotHead, Staging } from '../zab/types.ts'
import type { Zab } from '../zab/zab.ts'
import type { StoreTask } from './core-tasks.ts'

/** Of an own snapshot: a part is with the store, the store is ready for the next, it has all, or is to show them. */
type Own = 'writing' | 'ready' | 'complete' | 'committing'

interface Incoming {
  readonly head: SnapshotHead
  readonly loader: TreeLoader
}

export interface SnapshotsOptions {
  readonly sid: Sid
  /** Bytes of log from one own snapshot to the next. */
  readonly snapshotLogBytes: number
  readonly snapshotChunkBytes?: number
}

/**
 * After which share of the usual bytes a peer takes its first snapshot, between 0 and 1. Peers log the same; if they
 * took their snapshots at the same time too, there would be no quorum that is not held up. ZooKeeper draws lots
 * (SyncRequestProcessor); the binary digits of the sid, mirrored, spread any number of peers evenly.
 */
function shareOf(sid: Sid): number {
  let share = 0
  let weight = 1 / 2
  for (let digits = sid as number; digits > 0; digits = Math.floor(digits / 2)) {
    share += (digits % 2) * weight
    weight /= 2
  }
  return share
}

export class Snapshots {
  readonly #logBytesMax: number
  readonly #firstLogBytes: number
  readonly #chunkBytes: number
  /** What a delta would be added to, as the store had it last. */
  #chain: ChainSize | undefined
  /** A full one is to be taken, however little was logged. */
  #renews = false
  /** Of log, until the next one is due. */
  #bytesLeft: number
  #own: Own | undefined
  /** Where it stands. */
  #ownZxid: Zxid = ZXID_ZERO
  /** Given up after their last part was handed over: the store still tells of their end, and that is nobody's. */
  #endsToPassOver = 0
  #incoming: Incoming | undefined
  #tasks: StoreTask[] = []

  constructor(options: SnapshotsOptions, chain: ChainSize | undefined) {
    const { sid, snapshotLogBytes, snapshotChunkBytes = SNAPSHOT_CHUNK_BYTES } = options
    this.#logBytesMax = snapshotLogBytes
    this.#firstLogBytes = snapshotLogBytes * shareOf(sid)
    this.#bytesLeft = this.#firstLogBytes
    this.#chunkBytes = snapshotChunkBytes
    this.#chain = chain
  }

  /** Counts what was applied towards the next snapshot. */
  logged(bytes: number): void {
    this.#bytesLeft -= bytes
  }

  onStep(): void {
    if (this.#own === 'writing') this.#own = 'ready'
  }

  onDone(chain: ChainSize | undefined): void {
    this.#chain = chain
    if (this.#endsToPassOver > 0) this.#endsToPassOver--
    else if (this.#own === 'committing') this.#own = undefined
  }

  takeTasks(): StoreTask[] {
    const tasks = this.#tasks
    this.#tasks = []
    return tasks
  }

  /** Begins a snapshot when enough was logged, or takes the one under way a step further. */
  advance(tree: Tree, zab: Zab): void {
    if (this.#own === undefined) {
      const due = this.#renews || this.#bytesLeft <= 0
      if (due && this.#incoming === undefined) this.#begin(tree, zab)
      return
    }
    if (this.#own === 'ready') {
      const bytes = tree.nextImageChunk(this.#chunkBytes)
      this.#own = bytes === undefined ? 'complete' : 'writing'
      if (bytes !== undefined) this.#tasks.push({ kind: 'snapshotChunk', bytes })
    }
    // It must not be ahead of the log on disk: what it holds would survive a crash that its past did not.
    if (this.#own === 'complete' && zab.durableZxid >= this.#ownZxid) {
      this.#own = 'committing'
      this.#tasks.push({ kind: 'snapshotCommit' })
    }
  }

  /** Follows a snapshot that comes from the leader, or takes note that one of our own is needed. */
  stage(staging: readonly Staging[], replica: Replica): void {
    for (const step of staging) {
      switch (step.kind) {
        case 'begin':
          this.#abandonOwn(replica.tree)
          this.#incoming = { head: step.head, loader: new TreeLoader() }
          break
        case 'chunk':
          this.#load(step.bytes)
          break
        case 'switch':
          this.#switch(step.zxid, replica)
          break
        case 'abort':
          this.#incoming = undefined
          this.#tasks.push({ kind: 'abortStaging' })
          break
        case 'renew':
          this.#renews = true
          break
        default:
          unreachable(step)
      }
    }
  }

  #begin(tree: Tree, zab: Zab): void {
    const { history } = zab
    assert(tree.zxid === history.committed, 'a snapshot holds all that is committed')
    const full = this.#renews || tree.needsFullImage || !this.#deltaPays(tree)
    this.#renews = false
    const { digest } = tree.beginImage(full ? 'full' : 'delta')
    this.#bytesLeft = this.#logBytesMax
    this.#own = 'writing'
    this.#ownZxid = tree.zxid
    this.#tasks.push({ kind: 'snapshotBegin', head: history.committedHead(digest), full })
  }

  /**
   * A delta pays while not more than half of what is kept is out of date: what only grows is not written again for
   * that. A tree that has become smaller than its last image is not written anew at every turn.
   */
  #deltaPays(tree: Tree): boolean {
    if (this.#chain === undefined) return false
    const { imageBytes, deltaBytes } = this.#chain
    return imageBytes + deltaBytes <= 2 * Math.max(imageBytes, tree.imageBytes)
  }

  #abandonOwn(tree: Tree): void {
    if (this.#own === undefined) return
    tree.abandonImage()
    if (this.#own === 'committing') this.#endsToPassOver++
    this.#own = undefined
    this.#tasks.push({ kind: 'snapshotAbort' })
  }

  #load(bytes: Uint8Array): void {
    assert(this.#incoming !== undefined, 'a chunk belongs to a snapshot under way')
    this.#incoming.loader.load(bytes)
    this.#tasks.push({ kind: 'stage', bytes })
  }

  #switch(zxid: Zxid, replica: Replica): void {
    const incoming = this.#incoming
    assert(incoming?.head.point.zxid === zxid, 'the tree switches to the snapshot that came')
    this.#incoming = undefined
    // It can be added to; how large it is, the store tells with the next snapshot.
    this.#chain = { imageBytes: 0, deltaBytes: 0 }
    this.#bytesLeft = this.#firstLogBytes
    replica.replaceTree(incoming.loader.finish(zxid, incoming.head.digest))
  }
}
