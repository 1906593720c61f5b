/** How feeds of local observers end: by nonsense, with the observer, or when their peer cannot serve. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32 } from '../../lib/base/crc32.ts'
import { LOG_START } from '../../lib/base/group.ts'
import { makeEpoch, makeSid } from '../../lib/base/zxid.ts'
import { PeerCore } from '../../lib/peer/core.ts'
import type { StoreTask } from '../../lib/peer/core-tasks.ts'
import type { PeerInput } from '../../lib/peer/core-turn.ts'
import { Majority } from '../../lib/zab/quorum.ts'
import { copyTree, create, Solo } from '../replica/support.ts'
import { frameOf, isQuiet, peerWith, zxidAt } from './hand-feeds.ts'
import { pairWithClients, SYNC_LIMIT_TICKS, TICK_MS } from './pair.ts'

test('what nobody would say ends the feed, and no other', () => {
  const nonsense = [
    Uint8Array.of(99),
    frameOf({ kind: 'observe', point: LOG_START }).slice(0, 5),
    frameOf({ kind: 'observe', point: LOG_START }, { kind: 'observe', point: LOG_START }),
    frameOf({ kind: 'observe', point: LOG_START }, { kind: 'taken', bytes: 1 }),
    frameOf({ kind: 'taken', bytes: 1 }),
  ]
  for (const frame of nonsense) {
    const peer = peerWith(3, 10)
    peer.observe(2, LOG_START)
    peer.feeds.connect(1)
    peer.feeds.receive(1, frame)
    assert.deepEqual(peer.feeds.takeClosings(), [1])
    isQuiet(peer)
    assert.deepEqual(peer.heard(1), ['end'])
    assert.deepEqual(peer.heard(2), ['continue', 'group 1', 'group 2', 'group 3', 'live'])
    peer.feeds.receive(1, frame)
    peer.feeds.disconnect(1)
    isQuiet(peer)
  }
})

test('more cannot be taken in than was sent, not even a byte', () => {
  const peer = peerWith(3, 10)
  peer.observe(1, LOG_START)
  peer.turn()
  peer.take()
  isQuiet(peer)
  peer.grow(1)
  peer.turn()
  peer.take(1, peer.underWay() + 1)
  assert.deepEqual(peer.feeds.takeClosings(), [1])
})

test('an observer that goes leaves nothing behind, whatever it waits for', () => {
  const peer = peerWith(6, 2, 3)
  // Nothing was said yet; ahead of us; following.
  peer.feeds.connect(1)
  peer.observe(2, { zxid: zxidAt(99), chain: 1 })
  peer.observe(3, peer.at(6))
  isQuiet(peer)
  for (const connection of [1, 2, 3]) peer.feeds.disconnect(connection)
  peer.grow(1)
  isQuiet(peer)
  // The store reads groups.
  peer.observe(4, peer.at(3))
  assert.deepEqual(peer.turn(), ['groups after 3'])
  peer.feeds.disconnect(4)
  peer.loadedGroups(4, 5)
  isQuiet(peer)
  assert.deepEqual([peer.heard(1), peer.heard(2), peer.heard(4)], [[], [], []])
  assert.deepEqual(peer.heard(3), ['continue', 'live'])
})

test('the snapshot of an observer that goes is let go, wherever it is', () => {
  const peer = peerWith(6, 2, 3)
  // Before it is open.
  peer.observe(1, LOG_START)
  peer.turn()
  const first = peer.loadId
  peer.feeds.disconnect(1)
  isQuiet(peer)
  peer.loadedSnapshot(5)
  assert.deepEqual(peer.turn(), [`release ${first}`])
  // While it is open, and no chunk is being read: there is no room.
  const narrow = peerWith(6, 2, 3, 1)
  narrow.observe(1, LOG_START)
  narrow.turn()
  const second = narrow.loadId
  narrow.loadedSnapshot(5)
  isQuiet(narrow)
  narrow.feeds.disconnect(1)
  assert.deepEqual(narrow.turn(), [`release ${second}`])
  // While a chunk is being read.
  peer.observe(2, LOG_START)
  peer.turn()
  const third = peer.loadId
  peer.loadedSnapshot(5)
  assert.deepEqual(peer.turn(), [`chunk of ${third}`])
  peer.feeds.disconnect(2)
  assert.deepEqual(peer.turn(), [`release ${third}`])
  peer.loadedChunk(true)
  isQuiet(peer)
  // Once it was fed to its end, it is let go already.
  peer.observe(3, LOG_START)
  peer.turn()
  const fourth = peer.loadId
  peer.loadedSnapshot(5)
  peer.turn()
  peer.loadedChunk(true)
  assert.deepEqual(peer.turn(), [`release ${fourth}`])
  peer.feeds.disconnect(3)
  isQuiet(peer)
})

test('a peer that cannot serve sends all its observers away, and lets their snapshots go', () => {
  const peer = peerWith(6, 2, 3)
  peer.observe(1, peer.at(6))
  peer.observe(2, LOG_START)
  peer.turn()
  const snapshotId = peer.loadId
  peer.loadedSnapshot(5)
  peer.turn()
  peer.feeds.sendAway()
  assert.deepEqual(peer.turn(), [`release ${snapshotId}`])
  assert.deepEqual(peer.feeds.takeClosings(), [1, 2])
  peer.grow(1)
  isQuiet(peer)
  // They may come back.
  peer.observe(3, peer.at(6))
  isQuiet(peer)
  assert.deepEqual(peer.heard(3), ['continue', 'group 7', 'live'])
})

test('a peer that has no leader for longer than syncLimit ends its feeds, and not before', () => {
  const pair = pairWithClients()
  const connection = 8
  for (const { inbox } of pair.peers) {
    const frame = frameOf({ kind: 'observe', point: LOG_START })
    inbox.push({ kind: 'observe', connection }, { kind: 'observerFrame', connection, frame })
  }
  pair.settle()
  pair.setLinked(false)
  pair.tick(SYNC_LIMIT_TICKS)
  for (const { closed } of pair.peers) assert.ok(!closed.includes(connection))
  pair.tick(1)
  for (const { closed } of pair.peers) assert.ok(closed.includes(connection))
})

test('for a snapshot that is gone the peer takes a new one of all it has', () => {
  const solo = new Solo()
  solo.join().call(create('/a'))
  const tree = copyTree(solo.replica.tree)
  const sid = makeSid(1)
  const { point } = solo.log
  const core = new PeerCore(
    {
      sid,
      peers: [sid],
      quorum: new Majority([sid]),
      initLimitTicks: 50,
      syncLimitTicks: 10,
      crc32,
      dataBytesMax: 1000,
      tickMs: TICK_MS,
      snapshotLogBytes: Number.MAX_SAFE_INTEGER,
    },
    {
      epochs: { acceptedEpoch: makeEpoch(1), currentEpoch: makeEpoch(1) },
      history: { logStart: point, base: point, groups: [], epochEnds: [point] },
      committed: point.zxid,
      trusted: true,
    },
    tree,
    { imageBytes: 0, deltaBytes: 0 },
  )
  const tasks: StoreTask[] = []
  const closed: number[] = []
  const turn = (...inputs: PeerInput[]): void => {
    const output = core.turn(inputs, 1)
    tasks.push(...output.tasks)
    closed.push(...output.closings)
    for (const task of output.tasks) {
      if (task.kind === 'write') turn({ kind: 'persisted', writeId: task.persist.writeId })
    }
  }
  for (let ticks = 0; ticks < 10; ticks++) turn({ kind: 'tick' })
  assert.ok(core.zab.view.serving)
  const connection = 9
  const frame = frameOf({ kind: 'observe', point: LOG_START })
  tasks.length = 0
  turn({ kind: 'observe', connection }, { kind: 'observerFrame', connection, frame })
  const [asked] = tasks
  assert.ok(asked?.kind === 'load' && asked.load.kind === 'snapshot', 'a snapshot is asked for')
  const { loadId } = asked.load
  turn({ kind: 'loaded', loadId, loaded: { kind: 'missing' } })
  assert.deepEqual(closed, [connection])
  const begun = tasks.find(({ kind }) => kind === 'snapshotBegin')
  assert.ok(begun?.kind === 'snapshotBegin' && begun.full, 'a full one is begun')
})
