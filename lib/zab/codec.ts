/** Messages between peers as bytes: any number of them in one frame, in order. */

import { type ByteReader, ByteWriter, MalformedError } from '../base/bytes.ts'
import { readGroup, readPoint, writeGroup, writePoint } from '../base/group-codec.ts'
import type { Epoch, Sid, Zxid } from '../base/zxid.ts'
import type { EpochEnds, Notification, PeerMessage, Role } from './types.ts'

const ROLES: readonly Role[] = ['looking', 'following', 'leading', 'observing']

/** ZooKeeper's packet types where it has one (Leader.java), others from 64 on. */
const CODES = {
  request: 1,
  proposal: 2,
  ack: 3,
  commit: 4,
  ping: 5,
  inform: 8,
  newLeader: 10,
  followerInfo: 11,
  upToDate: 12,
  diff: 13,
  trunc: 14,
  snap: 15,
  leaderInfo: 17,
  ackEpoch: 18,
  notification: 64,
  pong: 65,
  snapshotNext: 66,
  snapshotChunk: 67,
  leave: 68,
  dismiss: 69,
} as const

export function writeEpochEnds(out: ByteWriter, ends: EpochEnds): void {
  out.u32(ends.length)
  for (const end of ends) writePoint(out, end)
}

export function readEpochEnds(from: ByteReader): EpochEnds {
  return Array.from({ length: from.u32() }, () => readPoint(from))
}

function writeNotification(out: ByteWriter, message: Notification): void {
  out.u8(message.vote.leader)
  out.u53(message.vote.zxid)
  out.u32(message.vote.epoch)
  out.u32(message.round)
  out.u8(ROLES.indexOf(message.role))
}

function readNotification(from: ByteReader): Notification {
  const vote = { leader: from.u8() as Sid, zxid: from.u53() as Zxid, epoch: from.u32() as Epoch }
  const round = from.u32()
  const role = ROLES[from.u8()]
  if (role === undefined) throw new MalformedError('unknown role')
  return { kind: 'notification', vote, round, role }
}

export function encodePeerMessage(out: ByteWriter, message: PeerMessage): void {
  out.u8(CODES[message.kind])
  if (message.kind === 'notification') return writeNotification(out, message)
  out.u32(message.connection)
  switch (message.kind) {
    case 'followerInfo':
      out.u32(message.acceptedEpoch)
      return out.bool(message.votes)
    case 'ackEpoch':
      out.bool(message.promised)
      out.u32(message.currentEpoch)
      writePoint(out, message.last)
      writeEpochEnds(out, message.epochEnds)
      return out.bool(message.needsSnapshot)
    case 'leaderInfo':
      return out.u32(message.epoch)
    case 'diff':
    case 'trunc':
      return writePoint(out, message.join)
    case 'snap':
      writePoint(out, message.head.point)
      out.u53(message.head.digest)
      return writeEpochEnds(out, message.head.epochEnds)
    case 'snapshotChunk':
      out.bytes(message.bytes)
      return out.bool(message.last)
    case 'proposal':
    case 'inform':
      return writeGroup(out, message.group)
    case 'ack':
    case 'commit':
    case 'newLeader':
      return out.u53(message.zxid)
    case 'pong':
      out.bytes(message.touched)
      return out.bool(message.serves)
    case 'request':
      return out.bytes(message.payload)
    default:
      return
  }
}

function decodeConnected(code: number, connection: number, from: ByteReader): PeerMessage {
  switch (code) {
    case CODES.followerInfo:
      return {
        kind: 'followerInfo',
        connection,
        acceptedEpoch: from.u32() as Epoch,
        votes: from.bool(),
      }
    case CODES.ackEpoch:
      return {
        kind: 'ackEpoch',
        connection,
        promised: from.bool(),
        currentEpoch: from.u32() as Epoch,
        last: readPoint(from),
        epochEnds: readEpochEnds(from),
        needsSnapshot: from.bool(),
      }
    case CODES.leaderInfo:
      return { kind: 'leaderInfo', connection, epoch: from.u32() as Epoch }
    case CODES.diff:
      return { kind: 'diff', connection, join: readPoint(from) }
    case CODES.trunc:
      return { kind: 'trunc', connection, join: readPoint(from) }
    case CODES.snap: {
      const head = { point: readPoint(from), digest: from.u53(), epochEnds: readEpochEnds(from) }
      return { kind: 'snap', connection, head }
    }
    case CODES.snapshotChunk:
      return { kind: 'snapshotChunk', connection, bytes: from.bytes(), last: from.bool() }
    case CODES.proposal:
      return { kind: 'proposal', connection, group: readGroup(from) }
    case CODES.inform:
      return { kind: 'inform', connection, group: readGroup(from) }
    default:
      return decodeShort(code, connection, from)
  }
}

function decodeShort(code: number, connection: number, from: ByteReader): PeerMessage {
  switch (code) {
    case CODES.ack:
      return { kind: 'ack', connection, zxid: from.u53() as Zxid }
    case CODES.commit:
      return { kind: 'commit', connection, zxid: from.u53() as Zxid }
    case CODES.newLeader:
      return { kind: 'newLeader', connection, zxid: from.u53() as Zxid }
    case CODES.pong:
      return { kind: 'pong', connection, touched: from.bytes(), serves: from.bool() }
    case CODES.request:
      return { kind: 'request', connection, payload: from.bytes() }
    case CODES.upToDate:
      return { kind: 'upToDate', connection }
    case CODES.ping:
      return { kind: 'ping', connection }
    case CODES.snapshotNext:
      return { kind: 'snapshotNext', connection }
    case CODES.leave:
      return { kind: 'leave', connection }
    case CODES.dismiss:
      return { kind: 'dismiss', connection }
    default:
      throw new MalformedError(`unknown packet ${code}`)
  }
}

/** Byte arrays in the result are views on the frame. */
export function decodePeerMessage(from: ByteReader): PeerMessage {
  const code = from.u8()
  if (code === CODES.notification) return readNotification(from)
  return decodeConnected(code, from.u32(), from)
}

/** Packs messages for one peer into one frame, which has its own memory. */
export class FramePacker {
  readonly #out = new ByteWriter(4096)

  pack(messages: readonly PeerMessage[]): Uint8Array {
    for (const message of messages) encodePeerMessage(this.#out, message)
    return this.#out.take()
  }
}
