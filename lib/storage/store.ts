/**
 * What a peer asks of its disk, whatever stands behind it: LevelDB, or memory alone. A store belongs to one peer. Calls
 * may overlap except `write`, of which the caller has at most one under way. Every failure is a `TreeError` and final:
 * after one, each later call is refused with the same error, because what did reach the disk is no longer known.
 */

import type { Group, LogPoint } from '../base/group.ts'
import type { Zxid } from '../base/zxid.ts'
import type { EpochEnds, Epochs, Persist, SnapshotHead } from '../zab/types.ts'

/** What a peer had when it was last alive. */
export interface Recovered {
  readonly epochs: Epochs
  /** The snapshot whose chunks were handed out; undefined when the log goes back to the empty tree. */
  readonly snapshot: SnapshotHead | undefined
  /** The log after the snapshot, without a hole. */
  readonly groups: readonly Group[]
  /** Known to be committed; the end of a group or of the snapshot. */
  readonly committed: Zxid
  /** Groups after this point can be read back for learners. */
  readonly logStart: LogPoint
  readonly epochEnds: EpochEnds
  /**
   * A sentence saying what is lost: a record with a bad sum, a hole, a snapshot that cannot be read and a log that no
   * longer reaches back. What else is returned stands before the damage. The peer must not vote from it, and the store
   * goes on reporting damage, also after a restart, until a leader's snapshot is installed. The end of the log being
   * cut off is not damage: nobody was told that those groups are durable.
   */
  readonly damage: string | undefined
  /** Nothing was ever promised or written here. */
  readonly fresh: boolean
  /** For a person: what was found, and what was passed over. */
  readonly findings: readonly string[]
}

export interface SnapshotReader {
  readonly head: SnapshotHead
  /** The chunks in order, a full image first, then its deltas. Undefined when one can no longer be read. */
  next(): Promise<{ readonly bytes: Uint8Array; readonly last: boolean } | undefined>
  /** Lets the snapshot be purged. */
  close(): void
}

/** A delta holds what changed since the snapshot before it. */
export type SnapshotKind = 'full' | 'delta'

/** Bytes of a full image, and of all deltas taken since. */
export interface ChainSize {
  readonly imageBytes: number
  readonly deltaBytes: number
}

/** Takes the chunks of the snapshot that is recovered, full image first, then deltas. */
export interface ImageSink {
  /** The bytes are there only until it returns. */
  chunk(bytes: Uint8Array): void
  /** What came so far was of a snapshot that cannot be used: all of it is void, and what follows is of another. */
  restart(): void
}

export interface Store {
  /** Called once, before anything else. */
  recover(image: ImageSink): Promise<Recovered>

  /** One atomic write, durable when it resolves. Chunks staged before the call are part of its `install`. */
  write(batch: Persist): Promise<void>

  /** Groups directly after `after`, at least `maxBytes` of them if there are; undefined when they are not held. */
  loadGroups(after: LogPoint, maxBytes: number): Promise<readonly Group[] | undefined>
  /** The newest snapshot; it is not purged before the reader is closed. */
  openSnapshot(): Promise<SnapshotReader | undefined>

  /** Keeps a chunk of a leader's snapshot aside, invisible until `write` installs it. */
  stage(chunk: Uint8Array): Promise<void>
  abortStaging(): void

  /** What a delta would be added to; undefined when the next snapshot must be a full image. */
  newestChain(): ChainSize | undefined
  /** A snapshot of the own tree: begin, its chunks, commit. A delta is taken against the newest snapshot. */
  beginSnapshot(head: SnapshotHead, kind: SnapshotKind): void
  appendSnapshot(chunk: Uint8Array): Promise<void>
  /** Makes the snapshot visible, then purges what is not kept. Resolves to where the log begins afterwards. */
  commitSnapshot(): Promise<LogPoint>
  /** Forgets the snapshot under way; its calls that have not taken effect yet do nothing. */
  abortSnapshot(): void

  /** Waits for what is being written, refuses the rest, and closes all readers. */
  close(): Promise<void>
}
