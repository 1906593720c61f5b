/** What a peer asks of its store, in order; each kind that has an outcome comes back to the core as an input. */

import type { Load, Persist, SnapshotHead } from '../zab/types.ts'

export type StoreTask =
  /** One atomic, durable write; answered by `persisted`. */
  | { readonly kind: 'write'; readonly persist: Persist }
  /** History for a learner; answered by `loaded`. */
  | { readonly kind: 'load'; readonly load: Load }
  /** A chunk of a snapshot received from the leader, kept aside until a write installs it. */
  | { readonly kind: 'stage'; readonly bytes: Uint8Array }
  | { readonly kind: 'abortStaging' }
  /** An own snapshot, part by part; begin and chunks are answered by `snapshotStep`, commit by `snapshotDone`. */
  | { readonly kind: 'snapshotBegin'; readonly head: SnapshotHead; readonly full: boolean }
  | { readonly kind: 'snapshotChunk'; readonly bytes: Uint8Array }
  | { readonly kind: 'snapshotCommit' }
  | { readonly kind: 'snapshotAbort' }
