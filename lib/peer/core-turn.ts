/** What a turn of a peer takes in, and what it hands out. */

import type { LogPoint } from '../base/group.ts'
import type { Sid, Zxid } from '../base/zxid.ts'
import type { ChainSize } from '../storage/store.ts'
import type { Input } from '../zab/types.ts'
import type { StoreTask } from './core-tasks.ts'

export type PeerInput =
  /** What agreement takes in; messages come packed in frames. */
  | Exclude<Input, { readonly kind: 'message' }>
  | { readonly kind: 'peerFrame'; readonly from: Sid; readonly frame: Uint8Array }
  /** A client's port was opened. The number was never used by this peer before, not even before a restart. */
  | { readonly kind: 'connect'; readonly connection: number }
  | { readonly kind: 'clientFrame'; readonly connection: number; readonly frame: Uint8Array }
  | { readonly kind: 'disconnect'; readonly connection: number }
  /** The port of a local observer's feed was opened, brought something, was closed; numbered as those of clients. */
  | { readonly kind: 'observe'; readonly connection: number }
  | { readonly kind: 'observerFrame'; readonly connection: number; readonly frame: Uint8Array }
  | { readonly kind: 'unobserve'; readonly connection: number }
  /** No client of a session opened by then can come back: a leader closes them all. */
  | { readonly kind: 'closeSessions'; readonly upTo: Zxid }
  /** A part of the snapshot under way is written. */
  | { readonly kind: 'snapshotStep' }
  /** The snapshot is visible and older ones are purged: the log begins here now. */
  | {
      readonly kind: 'snapshotDone'
      readonly logStart: LogPoint
      readonly chain: ChainSize | undefined
    }

/** What a connection's frames and its end are to a peer, by what it was opened as. */
export const CONNECTION_INPUTS = {
  connect: { frame: 'clientFrame', end: 'disconnect' },
  observe: { frame: 'observerFrame', end: 'unobserve' },
} as const

export interface Addressed<To> {
  readonly to: To
  readonly frame: Uint8Array
}

/** What the threads of clients are told. */
export interface Said {
  /** To be posted before those for clients: a thread that has an answer then has what the answer shows, too. */
  readonly feedFrames: readonly Addressed<number>[]
  readonly clientFrames: readonly Addressed<number>[]
}

/** What other peers and the store are to do. */
export interface Work {
  readonly peerFrames: readonly Addressed<Sid>[]
  /** For the store, in order. */
  readonly tasks: readonly StoreTask[]
}

/** `Said` and `Work`: the rest of it. */
export interface TurnOutput extends Said, Work {
  /** Connections to close, after their frames. */
  readonly closings: readonly number[]
}

/** Takes at once what would else wait for the end of a turn; it comes before what the turn returns. */
export interface Outlet {
  /** A client is busy with the first of many answers while the others are found. */
  say(said: Said): void
  /** Other peers and the disk are busy with the next groups, or with what is committed, while that is applied here. */
  work(work: Work): void
}
