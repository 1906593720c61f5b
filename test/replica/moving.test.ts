/** A session that goes on at another peer: the peer it left lets go of it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ByteWriter } from '../../lib/base/bytes.ts'
import { encodeSubmission } from '../../lib/base/request.ts'
import { makeSid } from '../../lib/base/zxid.ts'
import { create, PASSWORD, Solo } from './support.ts'

test('a client whose session is attached elsewhere hears so, and is reported no more', () => {
  const solo = new Solo()
  const client = solo.join()
  client.write(create('/a'))
  const { sessionId } = client
  const out = new ByteWriter()
  const there = { owner: makeSid(2), connection: 99 }
  encodeSubmission(out, { kind: 'attach', sessionId, password: PASSWORD, ...there })
  solo.replica.prepare(out.take(), solo.nowMs)
  solo.settle()
  assert.deepEqual(client.takeStory(), ['goodbye SESSION_MOVED'])
  assert.deepEqual(solo.closed, [client.connection])
  assert.equal(solo.replica.connectedSessions().length, 0)
  const session = solo.replica.tree.session(sessionId)
  assert.deepEqual([session?.owner, session?.connection], [2, 99])
})
