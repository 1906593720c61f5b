/** A session that reads in its thread: what it waits for, what it asks of its home all the same, when it is told. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PERMISSIONS } from '../../lib/base/acl.ts'
import { create, path, remove, SYNC, set } from '../replica/support.ts'
import { HandThread } from './hand-thread.ts'

/** A thread whose session reads in it, where another's session has made `/a` and `/b`. */
function seated(): HandThread {
  const thread = new HandThread()
  thread.otherWrites(create('/a', { data: Buffer.from('0') }), create('/b'))
  thread.seat()
  return thread
}

/** Takes the seat, and what a watch on `/a` waits for is told there, once. */
function sitsAndIsTold(thread: HandThread): void {
  thread.core.sit(thread.observer)
  assert.ok(thread.core.seated)
  thread.story()
  thread.otherWrites(set('/a', '1'))
  thread.run()
  assert.deepEqual(thread.story(), ['dataChanged /a'])
}

test('reads are answered in the thread, and nobody is asked', () => {
  const thread = seated()
  thread.read('get', '/a')
  thread.read('exists', '/b')
  thread.read('children', '/')
  thread.read('get', '/none')
  thread.read('exists', '/none')
  assert.deepEqual(thread.story(), [
    'get /a = 0',
    'exists /b',
    'children / = a,b',
    'get /none: NO_NODE',
    'exists /none: NO_NODE',
  ])
  thread.flush()
  assert.deepEqual(thread.sent, [])
  assert.equal(thread.core.pending, 0)
})

test('a session that never read wants no observer, and one that is not served neither', () => {
  const thread = new HandThread()
  thread.write(create('/a'))
  thread.run()
  assert.ok(!thread.core.wantsObserver)
  thread.follow()
  thread.core.sit(thread.observer)
  assert.ok(!thread.core.seated)
  thread.read('get', '/a')
  assert.ok(thread.core.wantsObserver)
  thread.core.disconnected()
  assert.ok(!thread.core.wantsObserver)
  thread.core.sit(thread.observer)
  assert.ok(!thread.core.seated)
})

test('an answer waits until the observer shows what it shows', () => {
  const thread = seated()
  thread.write(set('/a', '1'))
  thread.write(set('/a', '2'))
  thread.flush()
  thread.hear()
  assert.deepEqual(thread.story(), [])
  assert.equal(thread.core.pending, 2)
  thread.feed()
  assert.deepEqual(thread.story(), ['set /a', 'set /a'])
  thread.read('get', '/a')
  assert.deepEqual(thread.story(), ['get /a = 2'])
})

test('of many answers those that are due are handed on, in order', () => {
  const thread = seated()
  for (const data of ['1', '2', '3']) {
    thread.write(set('/a', data))
    thread.flush()
  }
  thread.hear()
  thread.feed(2)
  assert.deepEqual(thread.story(), ['set /a', 'set /a'])
  thread.read('get', '/a')
  assert.deepEqual(thread.story(), [], 'one is still under way')
  thread.run()
  assert.deepEqual(thread.story(), ['set /a', 'get /a = 3'])
})

test('an answer that comes when the observer has gone on already does not wait', () => {
  const thread = seated()
  thread.write(set('/a', '1'))
  thread.flush()
  thread.otherWrites(set('/a', '2'))
  thread.feed()
  assert.deepEqual(thread.story(), [])
  thread.hear()
  assert.deepEqual(thread.story(), ['set /a'])
})

test('after a sync a read shows what anybody was answered before', () => {
  const thread = seated()
  thread.otherWrites(set('/a', '1'))
  thread.write(SYNC)
  thread.flush()
  thread.hear()
  assert.deepEqual(thread.story(), [])
  thread.read('get', '/a')
  thread.run()
  assert.deepEqual(thread.story(), ['sync', 'get /a = 1'])
})

test('a read waits its turn behind what is under way, at the home', () => {
  const thread = seated()
  thread.write(set('/a', '1'))
  thread.read('get', '/a')
  assert.deepEqual(thread.story(), [], 'it would not show what was written before it')
  thread.run()
  assert.deepEqual(thread.story(), ['set /a', 'get /a = 1'])
  assert.deepEqual(thread.sent, ['set /a', 'get /a'])
})

test('a read that watches waits for the answers before it, and later calls for the read', () => {
  const thread = seated()
  thread.write(set('/a', '1'))
  thread.read('get', '/a', true)
  thread.read('get', '/a')
  thread.write(set('/a', '2'))
  thread.flush()
  assert.deepEqual(thread.sent, ['set /a'])
  thread.feed()
  thread.hear()
  assert.deepEqual(thread.story(), ['set /a', 'get /a = 1'])
  thread.run()
  assert.deepEqual(thread.sent, ['set /a', 'get /a', 'set /a'], 'the watch is not left at the home')
  assert.deepEqual(thread.story(), ['get /a = 1', 'dataChanged /a', 'set /a'])
})

test('a read does not show what is written after it', () => {
  const thread = seated()
  thread.write(SYNC)
  for (const _ of [1, 2]) thread.read('get', '/a', true)
  thread.write(set('/a', '1'))
  thread.run()
  assert.deepEqual(thread.story(), ['sync', 'get /a = 0', 'get /a = 0', ...told(2), 'set /a'])
})

/** What is told of a change to so many who wait for it. */
function told(functions: number): string[] {
  return Array(functions).fill('dataChanged /a')
}

test('reads that watch are answered one after the other, each in its turn', () => {
  const thread = seated()
  thread.write(SYNC)
  thread.read('get', '/a', true)
  thread.read('exists', '/none', true)
  thread.read('children', '/', true)
  thread.run()
  assert.deepEqual(thread.story(), [
    'sync',
    'get /a = 0',
    'exists /none: NO_NODE',
    'children / = a,b',
  ])
  assert.deepEqual(thread.sent, ['sync'])
  thread.otherWrites(create('/none'), set('/a', '1'))
  thread.feed()
  assert.deepEqual(thread.story(), ['created /none', 'childrenChanged /', 'dataChanged /a'])
})

test('an event waits for the answers that show an earlier state', () => {
  const thread = seated()
  thread.read('get', '/a', true)
  thread.write(set('/b', 'x'))
  thread.flush()
  thread.otherWrites(set('/a', '1'))
  thread.story()
  thread.feed()
  assert.deepEqual(thread.story(), [], 'the answer is on its way')
  thread.hear()
  assert.deepEqual(thread.story(), ['set /b', 'dataChanged /a'])
})

test('an event comes before the answer that shows the change', () => {
  const thread = seated()
  thread.read('get', '/a', true)
  thread.otherWrites(set('/a', '1'))
  thread.write(set('/b', 'x'))
  thread.flush()
  thread.story()
  thread.hear()
  thread.feed()
  assert.deepEqual(thread.story(), ['dataChanged /a', 'set /b'])
})

test('events between two answers are told between them, whatever arrives first', () => {
  for (const feedFirst of [true, false]) {
    const thread = seated()
    thread.read('get', '/a', true)
    thread.read('get', '/b', true)
    thread.story()
    thread.write(create('/c'))
    thread.flush()
    thread.otherWrites(set('/a', '1'))
    thread.write(create('/d'))
    thread.flush()
    thread.otherWrites(set('/b', '1'))
    if (feedFirst) thread.feed()
    thread.hear()
    if (!feedFirst) thread.feed()
    assert.deepEqual(thread.story(), ['create /c', 'dataChanged /a', 'create /d', 'dataChanged /b'])
  }
})

test('an event is told before a read that shows the change, although nothing is awaited', () => {
  const thread = seated()
  thread.read('get', '/a', true)
  thread.otherWrites(set('/a', '1'))
  thread.feed()
  thread.read('get', '/a')
  assert.deepEqual(thread.story(), ['get /a = 0', 'dataChanged /a', 'get /a = 1'])
  thread.otherWrites(set('/a', '2'))
  thread.run()
  assert.deepEqual(thread.story(), [], 'told once')
})

test('a read that fails leaves no watch; exists of nothing does', () => {
  const thread = seated()
  thread.read('get', '/none', true)
  thread.read('children', '/nobody', true)
  thread.read('exists', '/nothing', true)
  thread.story()
  thread.otherWrites(create('/none'), create('/nobody'), create('/nothing'))
  thread.run()
  assert.deepEqual(thread.story(), ['created /nothing'])
})

test('a read that nobody waits for any more leaves no watch, and holds up nothing', () => {
  const thread = seated()
  thread.write(SYNC)
  thread.read('get', '/a', true)
  thread.read('get', '/b')
  thread.core.expire(0, 'OPERATION_TIMEOUT')
  assert.deepEqual(thread.story(), [
    'sync: OPERATION_TIMEOUT',
    'get /a: OPERATION_TIMEOUT',
    'get /b: OPERATION_TIMEOUT',
  ])
  thread.read('get', '/a')
  thread.run()
  assert.deepEqual(thread.story(), ['get /a = 0'])
  thread.otherWrites(set('/a', '1'))
  thread.run()
  assert.deepEqual(thread.story(), [])
})

test('what is read is the caller’s own', () => {
  const thread = seated()
  const large = 'x'.repeat(500)
  thread.otherWrites(set('/a', large))
  thread.run()
  for (const _ of [1, 2]) {
    const shown = thread.readData('/a')
    assert.equal(Buffer.from(shown).toString(), large)
    shown.fill(0)
  }
  thread.otherWrites(set('/a', 'y'.repeat(500)))
  const before = thread.readData('/a')
  thread.run()
  assert.equal(Buffer.from(before).toString(), large, 'what was read stays as it was')
})

test('a look shows what a read would, where a read would not have to wait', () => {
  const thread = new HandThread()
  const acl = [{ permissions: PERMISSIONS.DELETE, scheme: 'world', id: 'anyone' }]
  thread.otherWrites(create('/a'), create('/secret', { acl }))
  const look = (at: string) => thread.core.look(path(at))
  assert.equal(look('/a'), undefined, 'no seat')
  thread.seat()
  assert.equal(look('/a')?.path, '/a')
  assert.equal(look('/none'), undefined)
  assert.equal(look('/secret'), undefined)
  thread.read('get', '/a', true)
  assert.equal(look('/a'), undefined, 'an answer is to be handed on')
  thread.story()
  assert.equal(look('/a')?.version, 0)
  thread.otherWrites(set('/a', '1'))
  thread.feed()
  assert.equal(look('/a'), undefined, 'the change is to be told')
  assert.deepEqual(thread.story(), ['dataChanged /a'])
  assert.equal(look('/a')?.version, 1)
  thread.write(set('/a', '2'))
  assert.equal(look('/a'), undefined, 'a write is under way')
  thread.run()
  thread.story()
  assert.equal(look('/a')?.version, 2)
  thread.core.disconnected()
  assert.equal(look('/a'), undefined, 'no seat any more')
})

test('a seat is taken with nothing to wait for, also when the observer is ahead', () => {
  const thread = new HandThread()
  thread.otherWrites(create('/a'))
  thread.read('exists', '/a')
  thread.run()
  thread.otherWrites(set('/a', '1'))
  thread.follow()
  thread.write(set('/a', '2'))
  thread.core.sit(thread.observer)
  assert.ok(thread.core.seated)
  thread.run()
  thread.read('get', '/a')
  assert.deepEqual(thread.story(), ['connected', 'exists /a', 'set /a', 'get /a = 2'])
})

test('no seat is taken at an observer that is behind what was seen, or not live', () => {
  const thread = new HandThread()
  thread.otherWrites(create('/a'))
  thread.read('exists', '/a')
  thread.run()
  thread.core.sit(thread.observer)
  assert.ok(!thread.core.seated, 'not fed yet')
  thread.follow()
  thread.write(set('/a', '1'))
  thread.flush()
  thread.hear()
  thread.core.sit(thread.observer)
  assert.ok(!thread.core.seated, 'behind')
  thread.read('get', '/a')
  thread.run()
  assert.deepEqual(thread.story().at(-1), 'get /a = 1')
  thread.core.sit(thread.observer)
  assert.ok(thread.core.seated)
})

test('with watches a seat is taken only where nothing more is shown than was seen', () => {
  const thread = new HandThread()
  thread.otherWrites(create('/a'), create('/b'))
  thread.read('get', '/a', true)
  thread.run()
  thread.otherWrites(set('/b', '1'))
  thread.follow()
  thread.core.sit(thread.observer)
  assert.ok(!thread.core.seated, 'the home may have told already of what changed since')
  thread.read('get', '/a')
  thread.run()
  sitsAndIsTold(thread)
})

test('no seat is taken while a read that watches is under way', () => {
  const thread = new HandThread()
  thread.otherWrites(create('/a'))
  thread.read('exists', '/a')
  thread.run()
  thread.follow()
  thread.read('get', '/a', true)
  thread.flush()
  thread.core.sit(thread.observer)
  assert.ok(!thread.core.seated)
  thread.run()
  sitsAndIsTold(thread)
})

test('a watch that was left at the home is told once, by the observer', () => {
  const thread = new HandThread()
  thread.otherWrites(create('/a'), remove('/a'), create('/a'))
  thread.read('get', '/a', true)
  thread.read('exists', '/none', true)
  thread.run()
  thread.follow()
  thread.story()
  // The home tells of this before the seat is taken, but late.
  thread.otherWrites(set('/a', '1'), create('/none'))
  thread.core.sit(thread.observer)
  assert.ok(thread.core.seated)
  thread.hear()
  assert.deepEqual(thread.story(), [])
  thread.feed()
  assert.deepEqual(thread.story(), ['dataChanged /a', 'created /none'])
  thread.run()
  assert.deepEqual(thread.story(), [])
})
