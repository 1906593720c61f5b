/** A session that loses its seat in its thread: with its home, with the observer, or at its own end. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ByteReader, ByteWriter } from '../../lib/base/bytes.ts'
import { encodeGoodbye } from '../../lib/base/reply.ts'
import { decodeClientMessage } from '../../lib/base/request.ts'
import { counterOf } from '../../lib/base/zxid.ts'
import { CLOSE, create, remove, SYNC, set } from '../replica/support.ts'
import { HandThread } from './hand-thread.ts'

/** A thread whose session reads in it, where another's session has made `/a` and `/b`. */
function seated(): HandThread {
  const thread = new HandThread()
  thread.otherWrites(create('/a', { data: Buffer.from('0') }), create('/b'))
  thread.seat()
  return thread
}

/** The session has watches on `/a`, on the children of `/b` and on `/none`, which is not there. */
function watching(): HandThread {
  const thread = seated()
  thread.read('get', '/a', true)
  thread.read('children', '/b', true)
  thread.read('exists', '/none', true)
  thread.story()
  return thread
}

/** What a farewell says. */
function farewellOf({ core }: HandThread): string | undefined {
  const frame = core.takeFarewell()
  if (frame === undefined) return undefined
  const from = new ByteReader(frame)
  const { kind } = decodeClientMessage(from)
  assert.ok(from.done)
  return kind
}

/** The session is where it was left, at its home. */
function comesBack(thread: HandThread): void {
  thread.connect()
  thread.run()
}

test('with its home a session loses its seat; the next home is told of its watches', () => {
  const thread = watching()
  thread.otherWrites(set('/b', 'x'))
  thread.feed()
  const at = counterOf(thread.observer.zxid)
  thread.core.disconnected()
  assert.ok(!thread.core.seated)
  assert.equal(farewellOf(thread), undefined, 'there is nobody to say it to')
  thread.otherWrites(set('/a', '1'))
  thread.sent.length = 0
  comesBack(thread)
  assert.deepEqual(thread.sent, ['attach', `setWatches ${at}: /a | /none | /b`])
  assert.deepEqual(thread.story(), ['suspended', 'connected', 'dataChanged /a'])
  thread.read('get', '/a')
  thread.otherWrites(create('/none'), set('/a', '2'))
  thread.run()
  assert.deepEqual(thread.story(), ['created /none', 'get /a = 2'])
})

test('what the observer had told is told before the seat is lost, and not by the next home', () => {
  const thread = watching()
  thread.write(set('/b', 'x'))
  thread.flush()
  thread.otherWrites(set('/a', '1'), create('/none'))
  thread.feed()
  assert.deepEqual(thread.story(), [], 'an answer that comes before is awaited')
  thread.core.disconnected()
  assert.deepEqual(thread.story(), ['dataChanged /a', 'created /none', 'suspended'])
  comesBack(thread)
  assert.deepEqual(thread.story(), ['connected', 'set /b'])
  thread.otherWrites(set('/a', '2'))
  thread.run()
  assert.deepEqual(thread.story(), [])
})

test('answers that waited for the observer are asked for again, and nothing is done twice', () => {
  const thread = seated()
  thread.write(create('/c'))
  thread.write(create('/d'))
  thread.flush()
  thread.hear()
  thread.core.disconnected()
  assert.deepEqual(thread.story(), ['suspended'])
  comesBack(thread)
  assert.deepEqual(thread.story(), ['connected', 'create /c', 'create /d'])
})

test('reads that waited for their turn are sent to the next home, with their watches', () => {
  const thread = seated()
  thread.write(set('/b', 'x'))
  thread.read('get', '/a', true)
  thread.read('get', '/b')
  thread.flush()
  thread.core.disconnected()
  thread.sent.length = 0
  comesBack(thread)
  assert.deepEqual(thread.sent, ['attach', 'set /b', 'get /a', 'get /b'])
  assert.deepEqual(thread.story(), ['suspended', 'connected', 'set /b', 'get /a = 0', 'get /b = x'])
  thread.otherWrites(set('/a', '1'))
  thread.run()
  assert.deepEqual(thread.story(), ['dataChanged /a'])
})

test('when the observer is left behind, the session leaves its home and comes again', () => {
  const thread = watching()
  thread.write(set('/b', 'x'))
  thread.flush()
  thread.otherWrites(set('/a', '1'))
  thread.leaveBehind()
  const at = counterOf(thread.observer.zxid)
  assert.ok(!thread.core.seated && !thread.core.linked)
  assert.equal(farewellOf(thread), 'leave')
  assert.equal(farewellOf(thread), undefined)
  assert.deepEqual(thread.story(), ['suspended'])
  thread.sent.length = 0
  comesBack(thread)
  const words = ['attach', `setWatches ${at}: /a | /none | /b`, 'set /b']
  assert.deepEqual(thread.sent, words)
  assert.deepEqual(thread.story(), ['connected', 'dataChanged /a', 'set /b'])
})

test('when the feed ends, the session leaves its home and comes again', () => {
  const thread = watching()
  thread.feedEnds()
  assert.ok(!thread.core.linked)
  assert.equal(farewellOf(thread), 'leave')
  thread.otherWrites(set('/a', '1'))
  comesBack(thread)
  assert.deepEqual(thread.story(), ['suspended', 'connected', 'dataChanged /a'])
})

test('a session that goes elsewhere of its own accord leaves its seat', () => {
  const thread = watching()
  const from = new ByteReader(thread.core.depart())
  assert.equal(decodeClientMessage(from).kind, 'leave')
  assert.ok(!thread.core.seated)
  thread.otherWrites(set('/a', '1'))
  thread.feed()
  assert.deepEqual(thread.story(), ['suspended'], 'the observer has forgotten its watches')
  comesBack(thread)
  assert.deepEqual(thread.story(), ['connected', 'dataChanged /a'])
})

test('a session that its home sends away leaves its seat', () => {
  const thread = watching()
  const out = new ByteWriter()
  encodeGoodbye(out, 'SESSION_MOVED')
  thread.core.receive(out.take())
  assert.ok(!thread.core.seated && !thread.core.linked)
  thread.otherWrites(set('/a', '1'))
  thread.feed()
  comesBack(thread)
  assert.deepEqual(thread.story(), ['suspended', 'connected', 'dataChanged /a'])
})

test('what the home says behind an answer that waits, waits too', () => {
  const thread = watching()
  thread.write(set('/b', 'x'))
  thread.flush()
  thread.hear()
  const out = new ByteWriter()
  encodeGoodbye(out, 'SESSION_EXPIRED')
  thread.core.receive(out.take())
  assert.deepEqual(thread.story(), [])
  thread.feed()
  assert.deepEqual(thread.story(), ['set /b', 'expired'])
  assert.ok(!thread.core.seated)
})

test('after a seat was lost it is taken again at the next home', () => {
  const thread = watching()
  thread.feedEnds()
  comesBack(thread)
  thread.otherWrites(set('/a', '1'))
  thread.run()
  thread.follow()
  thread.read('get', '/a', true)
  thread.run()
  thread.core.sit(thread.observer)
  assert.ok(thread.core.seated)
  thread.story()
  thread.sent.length = 0
  thread.read('get', '/a')
  thread.otherWrites(set('/a', '2'), create('/b/c'))
  thread.run()
  assert.deepEqual(thread.story(), ['get /a = 1', 'dataChanged /a', 'childrenChanged /b'])
  assert.deepEqual(thread.sent, [])
})

test('a session that ends here and now is told what its seat had for it, and nothing later', () => {
  const thread = watching()
  thread.write(set('/b', 'x'))
  thread.flush()
  thread.otherWrites(set('/a', '1'))
  thread.feed()
  thread.core.finish('closed', 'CLOSED')
  assert.deepEqual(thread.story(), ['dataChanged /a', 'closed', 'set /b: CLOSED'])
  thread.otherWrites(create('/none'))
  thread.feed()
  thread.feedEnds()
  assert.deepEqual(thread.story(), [])
  assert.equal(farewellOf(thread), undefined)
  thread.read('get', '/a')
  assert.deepEqual(thread.story(), ['get /a: CLOSED'])
})

test('a close is answered when the observer shows it, after all that was called before', () => {
  const thread = watching()
  thread.write(SYNC)
  thread.read('get', '/a', true)
  thread.write(CLOSE)
  thread.run()
  assert.deepEqual(thread.story(), ['sync', 'get /a = 0', 'closeSession', 'closed'])
  assert.ok(!thread.core.seated)
})

test('two sessions of a thread read from one observer, and watch each for itself', () => {
  const first = watching()
  const second = new HandThread(first)
  second.seat()
  second.read('get', '/a', true)
  first.otherWrites(set('/a', '1'))
  first.feed()
  assert.deepEqual(first.story(), ['dataChanged /a'])
  assert.deepEqual(second.story(), ['get /a = 0', 'dataChanged /a'])
  // What one of them waits for does not hold up the other.
  second.write(set('/b', 'x'))
  second.flush()
  second.hear()
  first.read('get', '/b')
  assert.deepEqual(first.story(), ['get /b = '])
  first.feed()
  assert.deepEqual(second.story(), ['set /b'])
  second.core.finish('closed', 'CLOSED')
  first.otherWrites(create('/none'), remove('/none'))
  first.feed()
  assert.deepEqual(first.story(), ['created /none'])
  assert.deepEqual(second.story(), ['closed'])
})

test('when their observer is lost, all sessions of a thread come to their home again', () => {
  const first = watching()
  const second = new HandThread(first)
  second.seat()
  second.read('get', '/b', true)
  second.story()
  first.leaveBehind()
  for (const thread of [first, second]) {
    assert.equal(farewellOf(thread), 'leave')
    first.otherWrites(set('/a', '1'), set('/b', '1'))
    comesBack(thread)
  }
  assert.deepEqual(first.story(), ['suspended', 'connected', 'dataChanged /a'])
  assert.deepEqual(second.story(), ['suspended', 'connected', 'dataChanged /b'])
})
