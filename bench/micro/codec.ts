/** Cases of the packed formats: what every write pays several times on its way. */

import { OPEN_ACL } from '../../lib/base/acl.ts'
import { ByteReader, ByteWriter } from '../../lib/base/bytes.ts'
import { crc32 } from '../../lib/base/crc32.ts'
import { LOG_START, makeGroup } from '../../lib/base/group.ts'
import { parsePath } from '../../lib/base/path.ts'
import {
  type ClientMessage,
  decodeClientMessage,
  encodeClientMessage,
} from '../../lib/base/request.ts'
import { PayloadReader, PayloadWriter, type Txn } from '../../lib/base/txn.ts'
import { makeEpoch, makeZxid, type SessionId } from '../../lib/base/zxid.ts'
import { decodePeerMessage, FramePacker } from '../../lib/zab/codec.ts'
import type { PeerMessage } from '../../lib/zab/types.ts'
import type { Case } from '../util/cases.ts'

const TXNS_PER_GROUP = 64
const TIME_MS = 1_700_000_000_000
const path = parsePath('/services/checkout/instances/instance-0000000042')
const data = new Uint8Array(100).fill(0x2a)

const request: ClientMessage = {
  kind: 'write',
  xid: 7,
  cxid: 5,
  unanswered: 1,
  request: {
    kind: 'create',
    path,
    data,
    acl: OPEN_ACL,
    ephemeral: false,
    sequential: false,
    parents: false,
  },
}
const txn: Txn = {
  sessionId: (2 ** 33) as SessionId,
  cxid: 5,
  unanswered: 1,
  digest: 2 ** 51,
  body: { type: 'set', path, data, version: 3 },
}

const requestWriter = new ByteWriter()
const payloadWriter = new PayloadWriter()

function encodeRequest(): Uint8Array {
  requestWriter.reset()
  encodeClientMessage(requestWriter, request)
  return requestWriter.view()
}

function encodePayload(): Uint8Array {
  payloadWriter.begin(TIME_MS)
  for (let at = 0; at < TXNS_PER_GROUP; at++) payloadWriter.add(txn)
  return payloadWriter.take()
}

function readAll(): number {
  const reader = new PayloadReader(payload)
  while (reader.next() !== undefined);
  return reader.count
}

const requestFrame = Uint8Array.from(encodeRequest())
const payload = encodePayload()
const first = makeZxid(makeEpoch(1), 1)
const last = makeZxid(makeEpoch(1), TXNS_PER_GROUP)
const group = makeGroup(LOG_START, first, last, payload, crc32(payload))
const proposal: PeerMessage = { kind: 'proposal', connection: 1, group }
const packer = new FramePacker()
const proposalFrame = packer.pack([proposal])
const block = new Uint8Array(64 * 1024).fill(0x2a)

export const CODEC_CASES: readonly Case[] = [
  { name: 'path: check', run: () => parsePath('/services/checkout/instances/instance-0000000042') },
  { name: 'request: encode', run: encodeRequest },
  { name: 'request: decode', run: () => decodeClientMessage(new ByteReader(requestFrame)) },
  { name: `payload: encode ×${TXNS_PER_GROUP}`, run: encodePayload },
  { name: `payload: decode ×${TXNS_PER_GROUP}`, run: readAll },
  { name: 'peer frame: encode', run: () => packer.pack([proposal]) },
  { name: 'peer frame: decode', run: () => decodePeerMessage(new ByteReader(proposalFrame)) },
  { name: 'crc32 of 64 KiB', run: () => crc32(block) },
]
