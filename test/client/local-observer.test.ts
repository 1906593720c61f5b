/** The observer of a thread, and what goes wrong with its feed: the sessions go on, whatever becomes of it. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { LOG_START } from '../../lib/base/group.ts'
import { makeSid, type Zxid } from '../../lib/base/zxid.ts'
import { connect } from '../../lib/client/connect.ts'
import type { ConnectOptions } from '../../lib/client/options.ts'
import type { Tree } from '../../lib/client/tree.ts'
import { CONTINUE, LIVE, snapshotFrames } from '../replica/feeding.ts'
import { create, Solo } from '../replica/support.ts'
import { FakeEnsemble } from './fake-ensemble.ts'
import { type FakeFeed, FakeFeeds } from './fake-feed.ts'

/** Far ahead of anything that a fake ensemble comes to in a test. */
const FED = { zxid: 1_000_000 as Zxid, chain: 7 }

/** A tree in which `/where` says who answers: the thread, not a peer. */
function fedFrames(): Uint8Array[] {
  const solo = new Solo()
  solo.join().call(create('/where', { data: Buffer.from('thread') }))
  return [...snapshotFrames(solo.replica.tree, FED), LIVE]
}

class World {
  readonly ensemble: FakeEnsemble
  readonly feeds = new FakeFeeds()

  constructor(...sids: number[]) {
    this.ensemble = new FakeEnsemble(...sids)
  }

  /** A session that has read once. */
  async open(options?: ConnectOptions): Promise<Tree> {
    const tree = await connect(this.feeds.divert(this.ensemble.handle()), options)
    await tree.promises.exists('/')
    return tree
  }
}

async function whereOf(tree: Tree): Promise<string> {
  const stat = await tree.promises.exists('/where')
  return stat === null ? 'peer' : 'thread'
}

/** Asks until the answer comes from there. */
async function untilAnsweredBy(where: string, tree: Tree): Promise<void> {
  while ((await whereOf(tree)) !== where) await new Promise(resolve => setImmediate(resolve))
}

/** The next feed, once it has said where the observer is. The session goes on asking meanwhile. */
async function nextFeed(feeds: FakeFeeds, tree: Tree): Promise<FakeFeed> {
  let feed: FakeFeed | undefined
  const next = feeds.next().then(opened => {
    feed = opened
  })
  while (feed === undefined || feed.said.length === 0) {
    await tree.promises.exists('/')
    await new Promise(resolve => setImmediate(resolve))
  }
  await next
  return feed
}

test('a session reads at its peer until it is fed, and then in its thread', async () => {
  const { ensemble, feeds } = new World(1)
  const tree = await connect(feeds.divert(ensemble.handle()))
  assert.equal(feeds.count, 0, 'it has not read yet')
  assert.equal(await whereOf(tree), 'peer')
  const feed = await nextFeed(feeds, tree)
  assert.deepEqual(feed.said, [{ kind: 'observe', point: LOG_START }])
  feed.send(CONTINUE)
  assert.equal(await whereOf(tree), 'peer')
  feed.send(...fedFrames())
  await untilAnsweredBy('thread', tree)
  assert.equal(tree.get('/where').data.toString(), 'thread')
  await tree.promises.close()
  await feed.closed
})

test('nonsense on a feed costs a warning: sessions go on, the replica begins anew', async () => {
  const world = new World(1)
  const states: string[] = []
  const tree = await world.open({ onState: state => states.push(state) })
  const feed = await nextFeed(world.feeds, tree)
  feed.send(...fedFrames())
  await untilAnsweredBy('thread', tree)
  const warned = once(process, 'warning')
  feed.send(Uint8Array.of(99))
  const [warning] = await warned
  assert.match(String(warning), /unknown feed message 99/)
  await feed.closed
  await untilAnsweredBy('peer', tree)
  const next = await nextFeed(world.feeds, tree)
  assert.deepEqual(next.said, [{ kind: 'observe', point: LOG_START }])
  next.send(...fedFrames())
  await untilAnsweredBy('thread', tree)
  assert.deepEqual(states, ['connected', 'suspended', 'connected'])
  await tree.promises.close()
})

test('nonsense in a snapshot harms nobody who reads at the peer meanwhile', async () => {
  const world = new World(1)
  const tree = await world.open()
  const feed = await nextFeed(world.feeds, tree)
  const warned = once(process, 'warning')
  const [head, ...chunks] = fedFrames()
  const spoilt = chunks.map(chunk => chunk.slice())
  spoilt[0]![20]! ^= 1
  feed.send(head!, ...spoilt)
  await warned
  await feed.closed
  assert.equal(await whereOf(tree), 'peer')
  const next = await nextFeed(world.feeds, tree)
  assert.deepEqual(next.said, [{ kind: 'observe', point: LOG_START }])
  await tree.promises.close()
})

test('when its peer ends a feed, the next one goes on from where the replica is', async () => {
  const world = new World(1)
  const tree = await world.open()
  const feed = await nextFeed(world.feeds, tree)
  feed.send(...fedFrames())
  await untilAnsweredBy('thread', tree)
  feed.close()
  const next = await nextFeed(world.feeds, tree)
  assert.deepEqual(next.said, [{ kind: 'observe', point: FED }])
  assert.equal(await whereOf(tree), 'peer', 'not live before it is said to be')
  next.send(CONTINUE, LIVE)
  await untilAnsweredBy('thread', tree)
  await tree.promises.close()
})

test('with the home of its sessions the observer goes elsewhere', async () => {
  const world = new World(1, 2)
  const tree = await world.open()
  const feed = await nextFeed(world.feeds, tree)
  assert.equal(feed.sid, 1)
  feed.send(...fedFrames())
  await untilAnsweredBy('thread', tree)
  // Nobody closes the feed itself: that its peer is down is seen all the same.
  world.ensemble.crash(makeSid(1))
  await untilAnsweredBy('peer', tree)
  const next = await nextFeed(world.feeds, tree)
  assert.equal(next.sid, 2)
  await feed.closed
  await tree.promises.close()
})

test('the sessions of a thread share a feed, and the last of them ends it', async () => {
  const world = new World(1)
  const [first, second] = [await world.open(), await world.open()]
  const feed = await nextFeed(world.feeds, first)
  feed.send(...fedFrames())
  for (const tree of [first, second]) await untilAnsweredBy('thread', tree)
  await first.promises.close()
  assert.equal(await whereOf(second), 'thread')
  await second.promises.close()
  await feed.closed
  assert.equal(world.feeds.count, 1)
  const third = await world.open()
  assert.deepEqual((await nextFeed(world.feeds, third)).said, [
    { kind: 'observe', point: LOG_START },
  ])
  await third.promises.close()
})

test('a session whose reads are for its peer begins no feed and has no part in one', async () => {
  const world = new World(1)
  const remote = await world.open({ reads: 'peer' })
  for (let at = 0; at < 10; at++) assert.equal(await whereOf(remote), 'peer')
  assert.equal(world.feeds.count, 0)
  const local = await world.open()
  const feed = await nextFeed(world.feeds, local)
  feed.send(...fedFrames())
  await untilAnsweredBy('thread', local)
  assert.equal(await whereOf(remote), 'peer')
  await remote.promises.close()
  await local.promises.close()
})

test('what a session waits for when its feed ends, it is answered by its peer', async () => {
  const world = new World(1)
  const tree = await world.open()
  const feed = await nextFeed(world.feeds, tree)
  feed.send(...fedFrames())
  await untilAnsweredBy('thread', tree)
  const order: string[] = []
  const calls = [
    tree.promises.create('/a', 'x').then(() => order.push('created')),
    tree.promises.get('/a').then(({ data }) => order.push(`read ${data}`)),
    tree.promises.create('/b').then(() => order.push('created')),
  ]
  feed.close()
  await Promise.all(calls)
  assert.deepEqual(order, ['created', 'read x', 'created'])
  await tree.promises.close()
})
