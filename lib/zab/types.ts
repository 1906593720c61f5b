/**
 * The words of agreement: messages between peers, inputs and outputs of the automaton. Packet names are ZooKeeper's
 * (Leader.java); `connection` plays the part of the TCP connection between a learner and its leader: a number chosen by
 * the learner for each attempt to follow, so that what belongs to an earlier attempt is told apart and dropped.
 */

import type { Group, LogPoint } from '../base/group.ts'
import type { Epoch, Sid, Zxid } from '../base/zxid.ts'

export type Role = 'looking' | 'following' | 'leading' | 'observing'

/**
 * Where each reign's part of a log ends, in ascending order, one point for each epoch that left anything in the log.
 * Two peers that know each other's ends can tell exactly where their logs part.
 */
export type EpochEnds = readonly LogPoint[]

export interface Vote {
  readonly leader: Sid
  readonly zxid: Zxid
  /** The `currentEpoch` of the proposed leader. */
  readonly epoch: Epoch
}

/** FastLeaderElection's notification: whom the sender votes for, and in which round. */
export interface Notification {
  readonly kind: 'notification'
  readonly vote: Vote
  readonly round: number
  readonly role: Role
}

/** Where a snapshot stands and what its log's past was. */
export interface SnapshotHead {
  readonly point: LogPoint
  /** Digest of the tree at this point; opaque to agreement. */
  readonly digest: number
  readonly epochEnds: EpochEnds
}

/** Learner → leader. */
export type LearnerMessage =
  | {
      readonly kind: 'followerInfo'
      readonly acceptedEpoch: Epoch
      /** False for observers and for peers whose log cannot be trusted yet. */
      readonly votes: boolean
    }
  | {
      readonly kind: 'ackEpoch'
      /** The promise is new: made to this leader for this epoch, and to no other. */
      readonly promised: boolean
      readonly currentEpoch: Epoch
      readonly last: LogPoint
      readonly epochEnds: EpochEnds
      /** The log cannot be continued: send a snapshot. */
      readonly needsSnapshot: boolean
    }
  /** Cumulative. Also acknowledges NEWLEADER, whose zxid is the counter 0 of the new epoch. */
  | { readonly kind: 'ack'; readonly zxid: Zxid }
  /** Asks for the next chunk of a snapshot under way. */
  | { readonly kind: 'snapshotNext' }
  /** `serves`: the learner has clients, as far as it knows. */
  | { readonly kind: 'pong'; readonly touched: Uint8Array; readonly serves: boolean }
  /** Requests of the learner's clients, for the leader to prepare. */
  | { readonly kind: 'request'; readonly payload: Uint8Array }
  | { readonly kind: 'leave' }

/** Leader → learner. */
export type LeaderMessage =
  | { readonly kind: 'leaderInfo'; readonly epoch: Epoch }
  /** The learner's log continues the leader's from `join` on; nothing is cut. */
  | { readonly kind: 'diff'; readonly join: LogPoint }
  /** The learner drops all after `join`, then goes on as with DIFF. */
  | { readonly kind: 'trunc'; readonly join: LogPoint }
  /** The learner drops everything; chunks follow. */
  | { readonly kind: 'snap'; readonly head: SnapshotHead }
  | { readonly kind: 'snapshotChunk'; readonly bytes: Uint8Array; readonly last: boolean }
  | { readonly kind: 'proposal'; readonly group: Group }
  | { readonly kind: 'commit'; readonly zxid: Zxid }
  /** For observers: a group that is committed already. */
  | { readonly kind: 'inform'; readonly group: Group }
  | { readonly kind: 'newLeader'; readonly zxid: Zxid }
  | { readonly kind: 'upToDate' }
  | { readonly kind: 'ping' }
  | { readonly kind: 'dismiss' }

export type PeerMessage =
  | Notification
  | ({ readonly connection: number } & LearnerMessage)
  | ({ readonly connection: number } & LeaderMessage)

export interface Envelope {
  readonly to: Sid
  readonly message: PeerMessage
}

/** The peer's promises. Invariant: acceptedEpoch >= currentEpoch >= epoch of the last log entry. */
export interface Epochs {
  readonly acceptedEpoch: Epoch
  readonly currentEpoch: Epoch
}

/** One atomic, durable write. Applied in this order: install or truncate, then append, then the epochs. */
export interface Persist {
  readonly writeId: number
  readonly epochs: Epochs
  /** Replace log and snapshots by the staged snapshot with this head. */
  readonly install: SnapshotHead | undefined
  /** Drop every group after this point. */
  readonly truncateAfter: LogPoint | undefined
  readonly groups: readonly Group[]
  /** Known to be committed when this was handed over: a hint that shortens recovery. */
  readonly committed: Zxid
}

/** Asks the store for history older than memory holds; answered by a `loaded` input with the same id. */
export type Load =
  | { readonly kind: 'groups'; readonly loadId: number; readonly after: LogPoint }
  | { readonly kind: 'snapshot'; readonly loadId: number }
  /** The next chunk of the snapshot that the load `snapshotId` opened. */
  | { readonly kind: 'chunk'; readonly loadId: number; readonly snapshotId: number }
  /** The snapshot is not read any further; not answered. */
  | { readonly kind: 'release'; readonly snapshotId: number }

/** `missing`: the store no longer holds it (or holds it damaged). */
export type Loaded =
  | { readonly kind: 'groups'; readonly groups: readonly Group[] }
  | { readonly kind: 'snapshot'; readonly head: SnapshotHead }
  | { readonly kind: 'chunk'; readonly bytes: Uint8Array; readonly last: boolean }
  | { readonly kind: 'missing' }

/** What snapshots ask of the store and of the tree, in order: mostly one under way from the leader. */
export type Staging =
  | { readonly kind: 'begin'; readonly head: SnapshotHead }
  | { readonly kind: 'chunk'; readonly bytes: Uint8Array }
  /** All chunks are here and durable with the write that installed them: the tree switches over. */
  | { readonly kind: 'switch'; readonly zxid: Zxid }
  | { readonly kind: 'abort' }
  /** The store cannot read what a learner needs of the past any more: a new snapshot of the tree stands in for it. */
  | { readonly kind: 'renew' }

export type Input =
  | { readonly kind: 'tick' }
  | { readonly kind: 'linkUp'; readonly sid: Sid }
  | { readonly kind: 'linkDown'; readonly sid: Sid }
  | { readonly kind: 'message'; readonly from: Sid; readonly message: PeerMessage }
  /** The write is durable. The only road to an ACK, an ACKEPOCH or the NEWLEADER ack. */
  | { readonly kind: 'persisted'; readonly writeId: number }
  | { readonly kind: 'loaded'; readonly loadId: number; readonly loaded: Loaded }

/** What agreement hands up to the replica. */
export interface Deliveries {
  /** To apply to the tree: zxid order, each exactly once. */
  readonly committed: readonly Group[]
  readonly staging: readonly Staging[]
  /** Requests from learners, for the leader's replica to prepare. */
  readonly requests: readonly Uint8Array[]
  /** Reports of live sessions from learners. */
  readonly touched: readonly Uint8Array[]
}

/** What agreement hands down to links and store; the driver executes it and reports back through `Zab.step`. */
export interface Work {
  /** To hand to the links, in order. */
  readonly messages: readonly Envelope[]
  readonly loads: readonly Load[]
}
