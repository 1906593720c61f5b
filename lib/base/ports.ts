/**
 * What travels on the ports that join an application thread to the ensemble, besides packed frames.
 *
 * A handle is one MessagePort. Its first message, waiting in it before it is handed out, gives a door to each peer; a
 * door is a port on which a client announces a connection of its own. So a client in any thread can reach every peer,
 * and fail over between them, without the main thread's help and without an event loop.
 */

import type { MessagePort } from 'node:worker_threads'
import type { ErrorCode } from './errors.ts'
import type { Epoch, Sid, Zxid } from './zxid.ts'

/** Supervisor → holder of a handle. */
export type HandleMessage =
  | {
      readonly kind: 'opened'
      /** Tells this ensemble from others in the process. */
      readonly ensembleId: string
      readonly board: SharedArrayBuffer
      readonly dataBytesMax: number
      /** All peers there are, whether they are up or not. */
      readonly peers: readonly Sid[]
      readonly doors: readonly { readonly sid: Sid; readonly door: MessagePort }[]
    }
  /** A peer was started (again): a new way to it. */
  | { readonly kind: 'door'; readonly sid: Sid; readonly door: MessagePort }
  | { readonly kind: 'closed' }

/**
 * Client → peer, through a door: the connection of a session, or the feed of a local observer. Frames follow on `port`;
 * after each, the peer bumps and notifies `wake[0]`.
 */
export interface ConnectMessage {
  readonly kind: 'connect' | 'observe'
  readonly port: MessagePort
  readonly wake: SharedArrayBuffer
}

/** How far a written acknowledgement reaches; see README. */
export const DURABILITIES = ['power', 'process', 'memory'] as const
export type Durability = (typeof DURABILITIES)[number]

/** All a peer's thread is told when it starts. */
export interface PeerBoot {
  readonly sid: Sid
  readonly voters: readonly Sid[]
  readonly observers: readonly Sid[]
  /** The peer's own directory; undefined with durability `memory`. */
  readonly dataDir: string | undefined
  readonly durability: Durability
  readonly board: SharedArrayBuffer
  /** From `Board.started`. */
  readonly incarnation: number
  /** Whether no leader ever served this ensemble: only then may a peer without any data vote. */
  readonly founding: boolean
  readonly tickMs: number
  readonly initLimitTicks: number
  readonly syncLimitTicks: number
  readonly dataBytesMax: number
  readonly snapshotLogBytes: number
  readonly snapshotsKept: number
  /** Of a `Lifeline`. */
  readonly lifeline: SharedArrayBuffer
  /** One word: 0 as long as the peer, whose store is open, is to wait with its recovery. */
  readonly mayRecover: SharedArrayBuffer
  readonly control: MessagePort
}

/** Supervisor → peer, on its control port. */
export type ControlMessage =
  /**
   * The way to another peer; replaces an earlier one. Sent once both have a thread: a peer takes it up when it has
   * recovered, and says so to the other end.
   */
  | {
      readonly kind: 'link'
      readonly sid: Sid
      readonly incarnation: number
      readonly port: MessagePort
      /** One word, shared by both ends: not 0 once an end has got a newer link in this one's place. */
      readonly replaced: SharedArrayBuffer
    }
  | { readonly kind: 'door'; readonly door: MessagePort }
  | { readonly kind: 'status'; readonly id: number }
  /** All faults on the way to other peers from now on; instead of those set before. */
  | { readonly kind: 'disturb'; readonly faults: readonly LinkFault[] }
  /** Stand still for `ms`, or until `resume[0]` is no longer 0; answered by `paused` and `resumed`. */
  | {
      readonly kind: 'pause'
      readonly id: number
      readonly ms: number
      readonly busy: boolean
      readonly resume: SharedArrayBuffer
    }
  /** The leader closes every session that was opened by then; others ignore it. */
  | { readonly kind: 'closeSessions'; readonly upTo: Zxid }
  /** Finish what is being written, close the store, end. */
  | { readonly kind: 'close' }

/** What a fault does to the frames on their way to another peer. */
export interface LinkFault {
  readonly to: Sid
  /** They are lost. */
  readonly cut: boolean
  /** They are late, by at least `delayMs` and at most `jitterMs` more, and in order. */
  readonly delayMs: number
  readonly jitterMs: number
}

/** A failure as data: structured clone would drop a `TreeError`'s class and fields. */
export interface Failure {
  readonly code: ErrorCode
  readonly message: string
  readonly path: string | undefined
}

/** Peer → supervisor. */
export type PeerReport =
  /** Its store could be opened; it is recovered next. */
  | { readonly kind: 'opened' }
  /** Recovered from disk. `damage` says what recovery found wrong, if anything. */
  | { readonly kind: 'ready'; readonly damage: string | undefined }
  /** The role or leader changed; `serving` tells whether requests are ordered or forwarded here. */
  | { readonly kind: 'role'; readonly serving: boolean }
  | { readonly kind: 'status'; readonly id: number; readonly status: PeerStatus }
  | { readonly kind: 'paused' | 'resumed'; readonly id: number }
  /** The peer cannot go on; its thread ends after this. */
  | { readonly kind: 'failed'; readonly failure: Failure }

/** What `ensemble.status()` tells of a live peer. */
export interface PeerStatus {
  readonly role: 'looking' | 'following' | 'leading' | 'observing'
  readonly leader: Sid | undefined
  /** Orders or forwards requests: leads with a quorum, or is up to date with such a leader. */
  readonly serving: boolean
  readonly epoch: Epoch
  /** Last transaction applied to the tree. */
  readonly zxid: Zxid
  /** Digest of the whole tree at that transaction: equal on all peers that have applied it. */
  readonly digest: number
  readonly nodes: number
  readonly sessions: number
}
