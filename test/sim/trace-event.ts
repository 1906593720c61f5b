/**
 * What a trace is made of. As JSON, one event a line, for programs: enough to check the predicates of Zab.tla without
 * the simulator, or to be fed to a checker of traces. There a zxid is `[epoch, counter]`, bytes are
 * `{ "bytes": length }`, and times are whole microseconds since the run began.
 */

import type { FeedMessage, ObserverMessage } from '../../lib/base/feed.ts'
import type { LogPoint } from '../../lib/base/group.ts'
import type { PeerMessage as Answer } from '../../lib/base/reply.ts'
import type { ClientMessage } from '../../lib/base/request.ts'
import { counterOf, epochOf, type Sid, type Zxid } from '../../lib/base/zxid.ts'
import type { StoreTask } from '../../lib/peer/core-tasks.ts'
import type { PeerInput } from '../../lib/peer/core-turn.ts'
import type { Epochs, PeerMessage } from '../../lib/zab/types.ts'
import type { View } from '../../lib/zab/zab.ts'
import type { Knobs } from './knobs.ts'
import type { Check } from './violation.ts'

/** A group by its place and the chain that tells it from all others at that place. */
export interface GroupId {
  readonly first: Zxid
  readonly last: Zxid
  readonly chain: number
}

export type TraceBody =
  /** The first event. */
  | { readonly kind: 'run'; readonly seed: number; readonly knobs: Knobs }
  /** The last event of a run that broke a promise. */
  | { readonly kind: 'violation'; readonly check: Check; readonly text: string }
  /** The nemesis, a client, or the run as a whole, in words. */
  | { readonly kind: 'note'; readonly text: string }
  /** A life of a peer begins with what is on its disk: everything up to `base` is in its tree. */
  | {
      readonly kind: 'start'
      readonly life: number
      readonly trusted: boolean
      readonly epochs: Epochs
      readonly base: LogPoint
      readonly last: Zxid
    }
  | { readonly kind: 'receive'; readonly from: Sid; readonly messages: readonly PeerMessage[] }
  | {
      readonly kind: 'request'
      readonly connection: number
      readonly messages: readonly ClientMessage[]
    }
  | {
      readonly kind: 'observer'
      readonly connection: number
      readonly messages: readonly ObserverMessage[]
    }
  /** Anything else that a peer takes in. */
  | { readonly kind: 'input'; readonly input: PeerInput }
  | TurnBody

/** What came of a turn of a peer, and how it stands then. */
export interface TurnBody {
  readonly kind: 'turn'
  readonly life: number
  readonly view: View
  readonly epochs: Epochs
  /** End of what is on disk for certain. */
  readonly durable: Zxid
  readonly applied: { readonly zxid: Zxid; readonly digest: number }
  /** Why it began to look for a leader, if it did. */
  readonly reason: string | undefined
  /** The log was replaced by a snapshot: everything up to here counts as delivered. */
  readonly jumped: LogPoint | undefined
  /** End of the log it began its reign with, when it was established in this turn. */
  readonly established: LogPoint | undefined
  /** Logged in this turn as what its own reign proposes. */
  readonly proposed: readonly GroupId[]
  /** Committed in this turn, in order. */
  readonly delivered: readonly GroupId[]
  readonly sends: readonly { readonly to: Sid; readonly messages: readonly PeerMessage[] }[]
  readonly answers: readonly { readonly connection: number; readonly messages: readonly Answer[] }[]
  readonly feeds: readonly {
    readonly connection: number
    readonly messages: readonly FeedMessage[]
  }[]
  readonly closings: readonly number[]
  readonly tasks: readonly StoreTask[]
}

export type TraceEvent = {
  readonly at: number
  /** `P1` a peer, `C1` a client, `!!` the nemesis, `--` the run. */
  readonly actor: string
} & TraceBody

const ZXID_KEYS: ReadonlySet<string> = new Set([
  'zxid',
  'first',
  'last',
  'committed',
  'durable',
  'czxid',
  'mzxid',
  'pzxid',
])

function plain(key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: value.length }
  if (typeof value !== 'number' || !ZXID_KEYS.has(key)) return value
  return [epochOf(value as Zxid), counterOf(value as Zxid)]
}

export function toJson(event: TraceEvent): string {
  return JSON.stringify(event, plain)
}
