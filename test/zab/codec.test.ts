/** Messages between peers as bytes: each comes back as it was, many of them from one frame. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ByteReader, MalformedError } from '../../lib/base/bytes.ts'
import { type Epoch, makeEpoch, makeZxid, type Sid, type Zxid } from '../../lib/base/zxid.ts'
import { decodePeerMessage, FramePacker } from '../../lib/zab/codec.ts'
import type { PeerMessage } from '../../lib/zab/types.ts'

const zxid = makeZxid(makeEpoch(2 ** 21 - 1), 2 ** 32 - 1)
const epoch = (2 ** 21 - 1) as Epoch
const point = { zxid, chain: 0xffffffff }
const group = {
  first: zxid,
  last: zxid,
  crc: 1,
  chain: 0xfedcba98,
  payload: Uint8Array.of(1, 2, 3),
}
const epochEnds = [{ zxid: 1 as Zxid, chain: 2 }, point]
const connection = 2 ** 32 - 1

const MESSAGES: readonly PeerMessage[] = [
  {
    kind: 'notification',
    vote: { leader: 254 as Sid, zxid, epoch },
    round: 7,
    role: 'observing',
  },
  { kind: 'followerInfo', connection, acceptedEpoch: epoch, votes: true },
  {
    kind: 'ackEpoch',
    connection,
    promised: true,
    currentEpoch: epoch,
    last: point,
    epochEnds,
    needsSnapshot: false,
  },
  { kind: 'ack', connection, zxid },
  { kind: 'snapshotNext', connection },
  { kind: 'pong', connection, touched: Uint8Array.of(9), serves: true },
  { kind: 'pong', connection, touched: new Uint8Array(0), serves: false },
  { kind: 'request', connection, payload: Uint8Array.of(8, 7) },
  { kind: 'leave', connection },
  { kind: 'leaderInfo', connection, epoch },
  { kind: 'diff', connection, join: point },
  { kind: 'trunc', connection, join: point },
  { kind: 'snap', connection, head: { point, digest: 2 ** 52 - 1, epochEnds } },
  { kind: 'snapshotChunk', connection, bytes: Uint8Array.of(5), last: true },
  { kind: 'proposal', connection, group },
  { kind: 'commit', connection, zxid },
  { kind: 'inform', connection, group },
  { kind: 'newLeader', connection, zxid },
  { kind: 'upToDate', connection },
  { kind: 'ping', connection },
  { kind: 'dismiss', connection },
]

function decodeAll(frame: Uint8Array): PeerMessage[] {
  const from = new ByteReader(frame)
  const messages: PeerMessage[] = []
  while (!from.done) messages.push(decodePeerMessage(from))
  return messages
}

test('every kind of message comes back from one frame, in order', () => {
  assert.deepEqual(decodeAll(new FramePacker().pack(MESSAGES)), MESSAGES)
})

test('frames of one packer do not share memory', () => {
  const packer = new FramePacker()
  const first = packer.pack(MESSAGES)
  const copy = first.slice()
  packer.pack([...MESSAGES].reverse())
  assert.deepEqual(first, copy)
})

test('a frame cut off or of an unknown kind is malformed', () => {
  const frame = new FramePacker().pack([MESSAGES[2]!])
  for (let length = 1; length < frame.length; length++) {
    assert.throws(() => decodeAll(frame.slice(0, length)), MalformedError)
  }
  assert.throws(() => decodeAll(Uint8Array.of(200, 0, 0, 0, 0)), MalformedError)
})
