/** A peer's inputs, turns and lives as events of a trace. */

import { ByteReader } from '../../lib/base/bytes.ts'
import { decodeFeedMessage, decodeObserverMessage } from '../../lib/base/feed.ts'
import type { Group, LogPoint } from '../../lib/base/group.ts'
import { decodePeerMessage as decodeAnswer } from '../../lib/base/reply.ts'
import { decodeClientMessage } from '../../lib/base/request.ts'
import { type Epoch, epochOf, type Zxid } from '../../lib/base/zxid.ts'
import type { PeerInput, TurnOutput } from '../../lib/peer/core-turn.ts'
import { decodePeerMessage } from '../../lib/zab/codec.ts'
import type { History } from '../../lib/zab/history.ts'
import type { SimPeer } from './peer.ts'
import type { GroupId, TraceBody, TurnBody } from './trace-event.ts'

/** How a peer stood before its turn: what is new is told by the difference. */
export interface StoodBefore {
  readonly committed: Zxid
  readonly last: LogPoint
  readonly reason: string
  /** The epoch it leads as an established leader. */
  readonly leads: Epoch | undefined
}

export function stand({ zab }: SimPeer): StoodBefore {
  const { history, lastReason, leads, epochs } = zab!
  return {
    committed: history.committed,
    last: history.last,
    reason: lastReason,
    leads: leads ? epochs.currentEpoch : undefined,
  }
}

export function startBody({ life, trusted, zab }: SimPeer): TraceBody {
  const { history, epochs } = zab!
  const { base, lastZxid } = history
  return { kind: 'start', life, trusted, epochs, base, last: lastZxid }
}

export function inputBody(input: PeerInput): TraceBody {
  switch (input.kind) {
    case 'peerFrame':
      return {
        kind: 'receive',
        from: input.from,
        messages: decodeAll(input.frame, decodePeerMessage),
      }
    case 'clientFrame':
      return {
        kind: 'request',
        connection: input.connection,
        messages: decodeAll(input.frame, decodeClientMessage),
      }
    case 'observerFrame':
      return {
        kind: 'observer',
        connection: input.connection,
        messages: decodeAll(input.frame, decodeObserverMessage),
      }
    default:
      return { kind: 'input', input }
  }
}

export function turnBody(peer: SimPeer, before: StoodBefore, output: TurnOutput): TurnBody {
  const zab = peer.zab!
  const tree = peer.tree!
  const { history, view, epochs, durableZxid, lastReason } = zab
  const { base, committed } = history
  const jumps = base.zxid > before.committed || committed < before.committed
  const from = jumps ? base.zxid : before.committed
  const leads = view.serving && view.role === 'leading'
  const begins = leads && before.leads !== view.epoch
  return {
    kind: 'turn',
    life: peer.life,
    view,
    epochs,
    durable: durableZxid,
    applied: { zxid: tree.zxid, digest: tree.digest },
    reason: lastReason === before.reason ? undefined : lastReason,
    jumped: jumps ? base : undefined,
    established: begins ? startOf(history, view.epoch) : undefined,
    proposed: proposedBy(history, view.epoch, leads, before),
    delivered: (history.groupsAfter(from) ?? []).filter(({ last }) => last <= committed).map(idOf),
    sends: output.peerFrames.map(({ to, frame }) => ({
      to,
      messages: decodeAll(frame, decodePeerMessage),
    })),
    answers: output.clientFrames.map(({ to, frame }) => ({
      connection: to,
      messages: decodeAll(frame, decodeAnswer),
    })),
    feeds: output.feedFrames.map(({ to, frame }) => ({
      connection: to,
      messages: decodeAll(frame, decodeFeedMessage),
    })),
    closings: output.closings,
    tasks: output.tasks,
  }
}

/** A reign may begin and end within one turn: what it proposed is in its leader's log then. */
function proposedBy(
  history: History,
  epoch: Epoch,
  leads: boolean,
  { leads: led, last }: StoodBefore,
): readonly GroupId[] {
  const isOwn = leads || led === epoch
  if (!isOwn || epochOf(history.lastZxid) !== epoch) return []
  const groups = history.groupsAfter(last.zxid) ?? []
  return groups.filter(({ first }) => epochOf(first) === epoch).map(idOf)
}

/** End of the log a leader began this epoch with. */
function startOf(history: History, epoch: Epoch): LogPoint {
  const { epochEnds, last } = history
  if (epochOf(last.zxid) < epoch) return last
  return epochEnds.at(-2) ?? { zxid: 0 as Zxid, chain: 0 }
}

function idOf({ first, last, chain }: Group): GroupId {
  return { first, last, chain }
}

function decodeAll<T>(frame: Uint8Array, decode: (from: ByteReader) => T): readonly T[] {
  const from = new ByteReader(frame)
  const messages: T[] = []
  while (!from.done) messages.push(decode(from))
  return messages
}
