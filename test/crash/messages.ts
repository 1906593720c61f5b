/** What the parent and the process it kills say to each other. Sent as JSON over Node's IPC channel. */

import type { Armed } from './points.ts'

/** The environment variable that takes the plan to the peers' threads. */
export const PLAN_VARIABLE = 'QUORUMTREE_CRASH_PLAN'

/** While this file is there, the logs of all peers but the one ahead stand still. */
export function stallFileOf({ passages }: Pick<Plan, 'passages'>): string {
  return `${passages}-stall`
}

/** All a child is told when it starts, as its only argument. */
export interface Plan {
  readonly dataDir: string
  readonly peers: number
  readonly durability: string
  /** There is nothing yet: make what the runs work on. */
  readonly first: boolean
  /** Unlike that of any other life. */
  readonly name: string
  /** Peer from which everything is read back. */
  readonly reader: number
  /** File for the passages of failpoints. */
  readonly passages: string
  readonly armed: Armed | undefined
  /** This peer opens its store when the others have long elected a leader. */
  readonly late: { readonly sid: number; readonly ms: number } | undefined
  /** Once it writes, this peer's log alone grows. */
  readonly ahead: number | undefined
  /** LevelDB is to change its files as often as it can. */
  readonly smallFiles: boolean
  /** Bytes of groups after which an own snapshot leaves a segment of the log; undefined for the usual. */
  readonly segmentBytes: number | undefined
  /** Bytes of groups after which each chunk of an own snapshot leaves a segment; undefined for the usual. */
  readonly segmentBytesMax: number | undefined
}

/** Parent → child. */
export type Order =
  /** Write until you are killed. */
  | {
      readonly kind: 'write'
      /** Value that each register counts on from. */
      readonly registers: Readonly<Record<string, number>>
      /** Nodes to delete along the way. */
      readonly deletions: readonly string[]
      /** Sequential nodes too: their numbers are used again after what was written last is lost. */
      readonly sequential: boolean
      /** Nodes each session may create. */
      readonly creationsMax: number
      /** Kill and start this peer meanwhile, again and again. */
      readonly peerToKill: number | undefined
    }
  | { readonly kind: 'close' }

/** One acknowledged write. */
export type Acknowledged =
  | { readonly kind: 'set'; readonly path: string; readonly value: number }
  | { readonly kind: 'create'; readonly path: string }
  | { readonly kind: 'sequential'; readonly path: string }
  | { readonly kind: 'delete'; readonly path: string }

/** Everything there is after a start. */
export interface Observed {
  readonly registers: Readonly<Record<string, number>>
  readonly created: readonly string[]
  readonly sequential: readonly string[]
  readonly digests: readonly { readonly sid: number; readonly digest: number }[]
  readonly leader: number | undefined
  /** What recovery found damaged, by peer. */
  readonly damage: readonly { readonly sid: number; readonly what: string }[]
}

/** Child → parent. */
export type Report =
  | { readonly kind: 'observed'; readonly observed: Observed }
  /** In the order in which the session had them acknowledged. */
  | {
      readonly kind: 'acknowledged'
      readonly session: string
      readonly writes: readonly Acknowledged[]
    }
  | { readonly kind: 'failed'; readonly code: string | undefined; readonly message: string }

export const REGISTERS = '/crash/registers'
export const CREATED = '/crash/created'
export const SEQUENTIAL = '/crash/sequential'
