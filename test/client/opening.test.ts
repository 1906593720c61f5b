/** What a client says while its session is being opened, and what it must keep to itself until then. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ByteReader, ByteWriter } from '../../lib/base/bytes.ts'
import { encodeWelcome } from '../../lib/base/reply.ts'
import { decodeClientMessage } from '../../lib/base/request.ts'
import type { SessionId, Zxid } from '../../lib/base/zxid.ts'
import { noAnswer } from '../../lib/client/answers.ts'
import { ClientCore } from '../../lib/client/core.ts'
import { Call } from '../../lib/client/core-call.ts'

function said(core: ClientCore): string[] {
  const kinds: string[] = []
  for (let frame = core.takeFrame(); frame !== undefined; frame = core.takeFrame()) {
    const from = new ByteReader(frame)
    while (!from.done) kinds.push(decodeClientMessage(from).kind)
  }
  return kinds
}

test('calls made while the opening is under way wait for it, over the loss of a peer too', () => {
  const core = new ClientCore({ timeoutMs: 1000, password: new Uint8Array([1]) })
  core.connected()
  assert.deepEqual(said(core), ['open'])
  core.submit(new Call({ kind: 'sync' }, noAnswer))
  assert.deepEqual(said(core), [], 'a session without a number takes no calls')
  core.disconnected()
  core.connected()
  core.submit(new Call({ kind: 'sync' }, noAnswer))
  assert.deepEqual(said(core), ['open'])
  const welcome = new ByteWriter()
  encodeWelcome(welcome, 7 as SessionId, 1000, 1 as Zxid)
  core.receive(welcome.take())
  assert.deepEqual(said(core), ['write', 'write'])
  assert.equal(core.pending, 2)
})
