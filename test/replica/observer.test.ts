/** The local observer by itself: what it makes of a feed, whom it tells of what, and what it does not put up with. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PERMISSIONS } from '../../lib/base/acl.ts'
import { InvariantError } from '../../lib/base/assert.ts'
import { ByteReader, MalformedError } from '../../lib/base/bytes.ts'
import { decodeObserverMessage, type ObserverMessage } from '../../lib/base/feed.ts'
import { LOG_START, makeGroup } from '../../lib/base/group.ts'
import type { WatchEvent } from '../../lib/base/reply.ts'
import type { ReadRequest } from '../../lib/base/request.ts'
import { counterOf, ZXID_ZERO, type Zxid } from '../../lib/base/zxid.ts'
import type { Observer, Reader } from '../../lib/replica/observer.ts'
import { CONTINUE, feedFrame, groupFrame, isLevel, LIVE, Pair, snapshotFrames } from './feeding.ts'
import { create, path, remove, set } from './support.ts'

const WINDOW_BYTES = 800
const NOTHING_HELD = { since: ZXID_ZERO, data: [], exist: [], child: [] }

/** A session that writes down what it is told. */
class Witness implements Reader {
  readonly story: string[] = []
  readonly #observer: Observer

  constructor(observer: Observer) {
    this.#observer = observer
  }

  told({ type, path: at, zxid }: WatchEvent): void {
    this.story.push(`${type} ${at}`)
    assert.ok(this.#observer.zxid >= zxid, 'what caused it is applied')
  }

  advanced(): void {
    this.story.push(`at ${counterOf(this.#observer.zxid)}`)
  }

  unseated(): void {
    this.story.push('unseated')
  }

  take(): string[] {
    return this.story.splice(0)
  }
}

function read(kind: ReadRequest['kind'], at: string, watch = true): ReadRequest {
  return { kind, path: path(at), watch }
}

/** What the observer has to say. */
function said(observer: Observer): ObserverMessage[] {
  const frame = observer.takeFrame()
  if (frame === undefined) return []
  const from = new ByteReader(frame)
  const messages: ObserverMessage[] = []
  while (!from.done) messages.push(decodeObserverMessage(from))
  return messages
}

test('the same groups make the same tree', () => {
  const pair = new Pair()
  pair.writer.call(create('/a', { data: Buffer.from('x') }))
  pair.follow()
  pair.writer.call(create('/a/b', { ephemeral: true }))
  pair.writer.call(set('/a', 'y'))
  pair.feed()
  isLevel(pair)
})

test('it says where it is, once for each feed, and goes on from there', () => {
  const pair = new Pair()
  const { observer, solo } = pair
  observer.connected()
  assert.deepEqual(said(observer), [{ kind: 'observe', point: LOG_START }])
  observer.receive(CONTINUE)
  pair.feed()
  observer.receive(LIVE)
  assert.deepEqual(said(observer), [])
  observer.disconnected()
  assert.ok(!observer.live)
  isLevel(pair)
  observer.connected()
  assert.deepEqual(said(observer), [{ kind: 'observe', point: solo.point }])
  pair.writer.call(create('/a'))
  observer.receive(CONTINUE)
  pair.feed()
  isLevel(pair)
  assert.ok(!observer.live, 'its new peer has not said so')
})

test('what was not said on a feed is not said on the next', () => {
  const pair = new Pair(1)
  pair.observer.connected()
  pair.observer.receive(CONTINUE)
  pair.observer.disconnected()
  assert.deepEqual(said(pair.observer), [])
  pair.observer.connected()
  assert.equal(said(pair.observer).length, 1)
})

test('what was taken in is told when it is an eighth of the window, all of it', () => {
  const pair = new Pair(WINDOW_BYTES)
  const { observer, solo } = pair
  for (let at = 0; at < 20; at++) pair.writer.call(create(`/n-${at}`))
  observer.connected()
  said(observer)
  let untold = 0
  for (const group of solo.applied) {
    const frame = groupFrame(group)
    observer.receive(frame)
    untold += frame.length
    for (const message of said(observer)) {
      assert.deepEqual(message, { kind: 'taken', bytes: untold })
      assert.ok(untold >= WINDOW_BYTES / 8)
      untold = 0
    }
    assert.ok(untold < WINDOW_BYTES / 8)
  }
  assert.ok(untold > 0)
  // The next feed begins with nothing taken in.
  observer.disconnected()
  observer.connected()
  said(observer)
  observer.receive(CONTINUE)
  assert.deepEqual(said(observer), [])
})

test('a change is told to those who watch it, once, and then that the observer has gone on', () => {
  const pair = new Pair()
  const { observer, writer } = pair
  writer.call(create('/a'))
  pair.follow()
  const [first, second] = [new Witness(observer), new Witness(observer)]
  for (const reader of [first, second]) observer.seat(reader, NOTHING_HELD)
  observer.read(first, read('get', '/a'))
  observer.read(first, read('children', '/a'))
  observer.read(second, read('children', '/a'))
  observer.read(second, read('exists', '/a/b'))
  writer.write(create('/a/b'))
  writer.write(set('/a', 'x'))
  writer.write(remove('/a/b'))
  pair.solo.settle()
  pair.feed()
  const at = `at ${counterOf(observer.zxid)}`
  assert.deepEqual(first.take(), ['childrenChanged /a', 'dataChanged /a', at])
  assert.deepEqual(second.take(), ['created /a/b', 'childrenChanged /a', at])
  writer.call(set('/a', 'y'))
  pair.feed()
  assert.equal(first.take().length, 1, 'a watch is told once')
})

test('one who watches a node twice hears of its end once', () => {
  const pair = new Pair()
  pair.writer.call(create('/a'))
  pair.follow()
  const reader = new Witness(pair.observer)
  pair.observer.seat(reader, NOTHING_HELD)
  pair.observer.read(reader, read('get', '/a'))
  pair.observer.read(reader, read('children', '/a'))
  pair.writer.call(remove('/a'))
  pair.feed()
  assert.deepEqual(reader.take(), ['deleted /a', `at ${counterOf(pair.observer.zxid)}`])
})

test('what may not be read is not told of', () => {
  const pair = new Pair()
  const { observer, writer } = pair
  pair.follow()
  const reader = new Witness(observer)
  observer.seat(reader, NOTHING_HELD)
  observer.read(reader, read('exists', '/secret'))
  const acl = [{ permissions: PERMISSIONS.DELETE, scheme: 'world', id: 'anyone' }]
  writer.call(create('/secret', { acl }))
  pair.feed()
  const shown = observer.read(reader, read('get', '/secret'))
  assert.equal(shown.code, 'NO_AUTH')
  writer.call(remove('/secret'))
  pair.feed()
  assert.deepEqual(reader.take().slice(1, -1), [], 'nor of its end')
  writer.call(create('/secret'))
  pair.feed()
  assert.deepEqual(reader.take().slice(0, -1), ['created /secret'])
})

test('who takes a seat hears of what its watches missed, and of the rest as it comes', () => {
  const pair = new Pair()
  const { observer, writer } = pair
  writer.call(create('/old'))
  writer.call(create('/kept'))
  writer.call(create('/gone'))
  const since = pair.solo.replica.tree.zxid
  writer.call(set('/old', 'x'))
  writer.call(create('/new'))
  writer.call(remove('/gone'))
  pair.follow()
  const reader = new Witness(observer)
  observer.seat(reader, {
    since,
    data: [path('/old'), path('/kept'), path('/gone')],
    exist: [path('/new'), path('/later')],
    child: [path('/kept')],
  })
  assert.deepEqual(reader.take(), ['dataChanged /old', 'deleted /gone', 'created /new'])
  writer.write(create('/later'))
  writer.write(set('/kept', 'x'))
  writer.write(set('/old', 'y'))
  pair.solo.settle()
  pair.feed()
  assert.deepEqual(reader.take().slice(0, -1), ['created /later', 'dataChanged /kept'])
})

test('who left its seat is told nothing any more', () => {
  const pair = new Pair()
  pair.follow()
  const [gone, there] = [new Witness(pair.observer), new Witness(pair.observer)]
  for (const reader of [gone, there]) {
    pair.observer.seat(reader, NOTHING_HELD)
    pair.observer.read(reader, read('children', '/'))
  }
  pair.observer.unseat(gone)
  pair.writer.call(create('/a'))
  pair.feed()
  pair.observer.disconnected()
  assert.deepEqual(gone.take(), [])
  assert.deepEqual(there.take().at(-1), 'unseated')
})

test('a snapshot ends all seats before it is loaded, after what stood before it', () => {
  const pair = new Pair()
  const { observer, writer, solo } = pair
  writer.call(create('/a'))
  pair.follow()
  const reader = new Witness(observer)
  observer.seat(reader, NOTHING_HELD)
  observer.read(reader, read('get', '/a'))
  observer.read(reader, read('children', '/'))
  writer.call(set('/a', 'x'))
  const [last] = solo.applied.slice(-1)
  const at = observer.zxid
  const point = { zxid: (at + 100) as Zxid, chain: 1 }
  const snapshot = { kind: 'snapshot', point, digest: 1 } as const
  observer.receive(feedFrame({ kind: 'group', group: last! }, snapshot))
  assert.deepEqual(reader.take(), ['dataChanged /a', 'unseated'])
  assert.ok(!observer.live)
  assert.equal(observer.zxid, last!.last, 'the tree is the old one until the new one is whole')
  assert.throws(() => observer.seat(reader, NOTHING_HELD), InvariantError)
})

test('the tree of a snapshot goes on like the one it was made of', () => {
  const pair = new Pair()
  const { observer, writer } = pair
  for (let at = 0; at < 10; at++) writer.call(create(`/n-${at}`, { ephemeral: at % 2 === 0 }))
  observer.connected()
  pair.feedSnapshot()
  isLevel(pair)
  assert.ok(!observer.live)
  writer.call(remove('/n-2'))
  pair.feed()
  observer.receive(LIVE)
  isLevel(pair)
  assert.ok(observer.live)
  observer.disconnected()
  said(observer)
  observer.connected()
  assert.deepEqual(said(observer), [{ kind: 'observe', point: pair.solo.point }])
})

test('a snapshot without a byte is the empty tree', () => {
  const pair = new Pair()
  const { observer } = pair
  pair.follow()
  observer.receive(
    feedFrame(
      { kind: 'snapshot', point: LOG_START, digest: 0 },
      { kind: 'chunk', bytes: new Uint8Array(0), last: true },
    ),
  )
  assert.deepEqual([observer.zxid, observer.tree.nodeCount], [ZXID_ZERO, 1])
  observer.receive(groupFrame(...pair.solo.applied))
  isLevel(pair)
})

test('a feed that ends amid a snapshot leaves the tree as it was', () => {
  const pair = new Pair()
  pair.follow()
  const at = pair.solo.point
  pair.writer.call(create('/a'))
  const frames = snapshotFrames(pair.solo.replica.tree, pair.solo.point)
  for (const frame of frames.slice(0, -1)) pair.observer.receive(frame)
  pair.observer.disconnected()
  said(pair.observer)
  pair.observer.connected()
  assert.deepEqual(said(pair.observer), [{ kind: 'observe', point: at }])
  // The chunks of the next snapshot do not meet those of the one that was given up.
  pair.feedSnapshot()
  isLevel(pair)
})

test('malformed is a group that does not follow, a chunk of nothing, another digest', () => {
  const nonsense: readonly ((pair: Pair) => Uint8Array)[] = [
    () => Uint8Array.of(99),
    ({ solo }) => groupFrame(solo.applied.at(-1)!),
    ({ solo }) => {
      const { first, last, payload, crc } = solo.applied.at(-1)!
      const zxids = [first + 2, last + 2] as [Zxid, Zxid]
      return groupFrame(makeGroup({ zxid: (first + 1) as Zxid, chain: 1 }, ...zxids, payload, crc))
    },
    () => feedFrame({ kind: 'chunk', bytes: Uint8Array.of(1), last: true }),
    ({ solo }) => {
      const { tree } = solo.replica
      return feedFrame({ kind: 'snapshot', point: solo.point, digest: tree.digest + 1 })
    },
  ]
  for (const [at, make] of nonsense.entries()) {
    const pair = new Pair()
    pair.writer.call(create('/a'))
    pair.follow()
    const { observer, solo } = pair
    const rest = snapshotFrames(solo.replica.tree, solo.point).slice(1)
    assert.throws(
      () => {
        observer.receive(make(pair))
        for (const frame of rest) observer.receive(frame)
      },
      MalformedError,
      `nonsense ${at}`,
    )
  }
})

test('a tree that came to differ is found out, and all begins anew', () => {
  const pair = new Pair()
  const { observer, writer } = pair
  writer.call(create('/a'))
  pair.follow()
  const reader = new Witness(observer)
  observer.seat(reader, NOTHING_HELD)
  observer.read(reader, read('get', '/a'))
  const node = observer.tree.node(path('/a')) as { digest: number }
  node.digest = 17
  writer.call(set('/a', 'x'))
  assert.throws(() => pair.feed(), InvariantError)
  assert.deepEqual(reader.take(), [], 'nobody saw what it came to')
  observer.disconnected()
  assert.deepEqual(reader.take(), ['unseated'])
  observer.reset()
  observer.connected()
  assert.deepEqual(said(observer), [{ kind: 'observe', point: LOG_START }])
  observer.receive(groupFrame(...pair.solo.applied))
  isLevel(pair)
})

test('a read shows the tree as it is; after a failure only that of exists leaves a watch', () => {
  const pair = new Pair()
  const { observer, writer } = pair
  writer.call(create('/a', { data: Buffer.from('x') }))
  writer.call(create('/a/b'))
  pair.follow()
  const reader = new Witness(observer)
  observer.seat(reader, NOTHING_HELD)
  const shown = observer.read(reader, read('get', '/a', false))
  assert.equal(Buffer.from(shown.data!).toString(), 'x')
  assert.equal(shown.zxid, observer.zxid)
  assert.deepEqual(observer.read(reader, read('children', '/a', false)).names, ['b'])
  for (const kind of ['get', 'children', 'exists'] as const) {
    assert.equal(observer.read(reader, read(kind, `/${kind}`)).code, 'NO_NODE')
    writer.write(create(`/${kind}`))
  }
  pair.solo.settle()
  pair.feed()
  assert.deepEqual(reader.take().slice(0, -1), ['created /exists'])
})
