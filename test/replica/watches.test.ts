import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PERMISSIONS } from '../../lib/base/acl.ts'
import type { ClientMessage } from '../../lib/base/request.ts'
import type { Zxid } from '../../lib/base/zxid.ts'
import {
  attach,
  CLOSE,
  copyTree,
  create,
  PASSWORD,
  path,
  remove,
  Solo,
  SYNC,
  set,
} from './support.ts'

interface Held {
  readonly data: readonly string[]
  readonly exist: readonly string[]
  readonly child: readonly string[]
}

function setWatches(since: Zxid, { data, exist, child }: Held): ClientMessage {
  return {
    kind: 'setWatches',
    since,
    data: data.map(path),
    exist: exist.map(path),
    child: child.map(path),
  }
}

test('events come before the reply that shows the change, one per client, in order', () => {
  const solo = new Solo()
  const writer = solo.join()
  const watcher = solo.join()
  writer.call(create('/a'))
  writer.takeStory()
  watcher.read('get', '/a', true)
  watcher.read('children', '/a', true)
  watcher.read('children', '/', true)
  watcher.read('exists', '/a/b', true)
  solo.deliver()
  watcher.takeStory()
  writer.write(create('/a/b'))
  writer.write(set('/a', 'x'))
  writer.write(set('/a', 'y'))
  writer.write(remove('/a/b'))
  writer.write(remove('/a'))
  watcher.write(SYNC)
  solo.settle()
  assert.deepEqual(watcher.takeStory(), [
    'event created /a/b',
    'event childrenChanged /a',
    'event dataChanged /a',
    'event childrenChanged /',
    'reply 5',
  ])
  watcher.read('exists', '/a', true)
  writer.call(create('/a'))
  watcher.takeStory()
  watcher.read('get', '/a', true)
  watcher.read('children', '/a', true)
  writer.call(remove('/a'))
  assert.deepEqual(watcher.takeStory(), ['reply 7', 'reply 8', 'event deleted /a'])
})

test('a session hears of its own changes, before their reply', () => {
  const solo = new Solo()
  const client = solo.join()
  client.read('exists', '/a', true)
  client.write(create('/a'))
  solo.settle()
  assert.deepEqual(client.takeStory(), ['reply 1 NO_NODE', 'event created /a', 'reply 2'])
})

test('failed reads leave no watch, exists on a missing node does', () => {
  const solo = new Solo()
  const client = solo.join()
  const writer = solo.join()
  const secret = [{ permissions: PERMISSIONS.WRITE, scheme: 'world', id: 'anyone' }]
  writer.call(create('/secret', { acl: secret }))
  client.read('get', '/a', true)
  client.read('children', '/a', true)
  client.read('get', '/secret', true)
  client.read('exists', '/secret', true)
  writer.call(create('/a'))
  writer.call(create('/a/b'))
  writer.call(set('/secret', 'x'))
  assert.deepEqual(client.takeStory(), [
    'reply 1 NO_NODE',
    'reply 2 NO_NODE',
    'reply 3 NO_AUTH',
    'reply 4 NO_AUTH',
  ])
  client.read('exists', '/hidden', true)
  writer.call(create('/hidden', { acl: secret }))
  assert.deepEqual(client.takeStory(), ['reply 5 NO_NODE'], 'who may not read is not told')
})

test('a watch that its client may not be told of yet waits on', () => {
  const solo = new Solo()
  const client = solo.join()
  const writer = solo.join()
  const secret = [{ permissions: PERMISSIONS.WRITE, scheme: 'world', id: 'anyone' }]
  client.read('exists', '/a', true)
  writer.call(create('/a', { acl: secret }))
  writer.call(set('/a', 'x'))
  assert.deepEqual(client.takeStory(), ['reply 1 NO_NODE'])
  const moved = solo.connect()
  const since = solo.replica.tree.zxid
  moved.send(attach(client.sessionId), setWatches(since, { data: [], exist: ['/a'], child: [] }))
  solo.settle()
  assert.deepEqual(moved.takeStory(), ['welcome'])
  writer.call(remove('/a'))
  assert.deepEqual(moved.takeStory(), [], 'what was never shown does not go either')
  writer.call(create('/a'))
  assert.deepEqual(moved.takeStory(), ['event created /a'])
})

test('of a node that came again where it may not be read, its end is told', () => {
  const solo = new Solo()
  const writer = solo.join()
  const client = solo.join()
  const secret = [{ permissions: PERMISSIONS.WRITE, scheme: 'world', id: 'anyone' }]
  for (const at of ['/read', '/listed']) writer.call(create(at))
  client.send({ kind: 'leave' })
  const since = solo.replica.tree.zxid
  for (const at of ['/read', '/listed']) {
    writer.call(remove(at))
    writer.call(create(at, { acl: secret }))
  }
  const moved = solo.connect()
  const held = { data: ['/read'], exist: [], child: ['/listed'] }
  moved.send(attach(client.sessionId), setWatches(since, held))
  solo.settle()
  assert.deepEqual(moved.takeStory(), ['welcome', 'event deleted /read', 'event deleted /listed'])
})

test('a watch on a node that may not be read waits on when the tree jumps forward', () => {
  const secret = [{ permissions: PERMISSIONS.WRITE, scheme: 'world', id: 'anyone' }]
  for (const [what, expected] of [
    ['goes', []],
    ['stays', []],
    ['can be read', ['event created /a']],
  ] as const) {
    const solo = new Solo()
    const writer = solo.join()
    const client = solo.join()
    client.read('exists', '/a', true)
    writer.call(create('/a', { acl: secret }))
    client.takeStory()
    const ahead = new Solo(copyTree(solo.replica.tree), 2, 2)
    const changer = ahead.join()
    if (what !== 'stays') changer.call(remove('/a'))
    if (what === 'can be read') changer.call(create('/a'))
    solo.replica.unlead()
    solo.replica.replaceTree(copyTree(ahead.replica.tree))
    solo.deliver()
    assert.deepEqual(client.takeStory(), expected, what)
  }
})

test('watches set again tell what was missed', () => {
  const solo = new Solo()
  const writer = solo.join()
  for (const at of ['/kept', '/changed', '/gone', '/parent', '/same']) writer.call(create(at))
  const old = solo.join()
  old.send({ kind: 'leave' })
  const since = solo.replica.tree.zxid
  writer.call(set('/changed', 'x'))
  writer.call(remove('/gone'))
  writer.call(create('/parent/child'))
  writer.call(create('/new'))
  const again = solo.connect()
  again.send(
    attach(old.sessionId),
    setWatches(since, {
      data: ['/kept', '/changed', '/gone'],
      exist: ['/new', '/missing'],
      child: ['/parent', '/gone', '/same'],
    }),
    { kind: 'read', xid: 1, request: { kind: 'exists', path: path('/kept'), watch: false } },
  )
  solo.settle()
  assert.deepEqual(again.takeStory(), [
    'welcome',
    'event dataChanged /changed',
    'event deleted /gone',
    'event created /new',
    'event childrenChanged /parent',
    'reply 1',
  ])
  for (const at of ['/changed', '/parent', '/new']) writer.call(set(at, 'y'))
  assert.deepEqual(again.takeStory(), [], 'what fired is used up')
  writer.call(set('/kept', 'y'))
  writer.call(create('/missing'))
  writer.call(create('/same/child'))
  assert.deepEqual(again.takeStory(), [
    'event dataChanged /kept',
    'event created /missing',
    'event childrenChanged /same',
  ])
})

test('a tree that jumps forward fires, answers and ends what is due', () => {
  const solo = new Solo()
  const writer = solo.join()
  writer.call(create('/a'))
  const expiring = solo.join()
  const moving = solo.join()
  const staying = solo.join()
  staying.read('get', '/a', true)
  staying.read('exists', '/b', true)
  staying.read('children', '/a', true)
  solo.deliver()
  staying.takeStory()
  const ahead = new Solo(copyTree(solo.replica.tree), 2, 2)
  solo.replica.unlead()

  staying.write(set('/a', 'x'), 1)
  staying.write(create('/c'), 2)
  const opening = solo.connect()
  opening.send({ kind: 'open', timeoutMs: 10_000, password: PASSWORD })
  const submissions = solo.replica.takeSubmissions()!
  ahead.replica.prepare(submissions, 1)
  const stranger = ahead.connect()
  stranger.send(attach(moving.sessionId))
  const killer = ahead.connect()
  killer.send(attach(expiring.sessionId))
  killer.cxid = expiring.cxid
  killer.write(CLOSE)
  ahead.settle()

  solo.replica.replaceTree(copyTree(ahead.replica.tree))
  solo.deliver()
  assert.deepEqual(staying.takeStory(), ['event dataChanged /a', 'reply 4', 'reply 5'])
  assert.deepEqual(moving.takeStory(), ['goodbye SESSION_MOVED'])
  assert.deepEqual(expiring.takeStory(), ['goodbye SESSION_EXPIRED'])
  assert.deepEqual(opening.takeStory(), ['welcome'])
  assert.deepEqual(solo.closed.sort(), [expiring.connection, moving.connection].sort())
  solo.replica.resubmit()
  assert.equal(solo.replica.takeSubmissions(), undefined, 'nothing is left to ask for')
})
