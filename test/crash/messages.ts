/** What the parent and the process it kills say to each other. Sent as JSON over Node's IPC channel. */

/** All a child is told when it starts, as its only argument. */
export interface Plan {
  readonly dataDir: string
  readonly peers: number
  readonly durability: string
  readonly cycle: number
  /** Peer from which everything is read back. */
  readonly reader: number
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
}

/** Child → parent. */
export type Report =
  | { readonly kind: 'observed'; readonly observed: Observed }
  | { readonly kind: 'acknowledged'; readonly writes: readonly Acknowledged[] }
  | { readonly kind: 'failed'; readonly message: string }

export const REGISTERS = '/crash/registers'
export const CREATED = '/crash/created'
export const SEQUENTIAL = '/crash/sequential'
