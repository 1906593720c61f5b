/** The pace of the feeds of local observers: a thread that stands still costs its peer a window of bytes. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LOG_START } from '../../lib/base/group.ts'
import { FEED_FRAME_BYTES, FEED_WINDOW_BYTES, GROUP_BYTES_MAX } from '../../lib/base/limits.ts'
import { HandFeeds, isQuiet, peerWith } from './hand-feeds.ts'

test('what is under way is bounded by the window and a group, and goes on when taken in', () => {
  const windowBytes = 1000
  const peer = new HandFeeds({ windowBytes, groupBytes: 90 })
  peer.observe(1, LOG_START)
  isQuiet(peer)
  peer.grow(100)
  let told = 0
  for (let turns = 0; told < 100; turns++) {
    assert.ok(turns < 100, 'it comes to an end')
    isQuiet(peer)
    const underWay = peer.underWay()
    assert.ok(underWay <= windowBytes + 200, `${underWay} bytes are under way`)
    told += peer.heard().filter(word => word.startsWith('group')).length
    isQuiet(peer)
    assert.deepEqual(peer.heard(), [], 'no room, and no more is told')
    peer.take(1, Math.ceil(underWay / 2))
  }
  assert.deepEqual(
    peer.messages.get(1)!.flatMap(message => (message.kind === 'group' ? message.group.last : [])),
    peer.log.map(group => group.last),
    'every group, once, in order',
  )
})

test('the window of a real peer holds, however much there is to tell', () => {
  const groupBytes = GROUP_BYTES_MAX
  const peer = new HandFeeds({ windowBytes: FEED_WINDOW_BYTES, groupBytes })
  peer.observe(1, LOG_START)
  peer.grow(20)
  isQuiet(peer)
  const sent = peer.bytes.get(1)!
  assert.ok(sent >= FEED_WINDOW_BYTES - groupBytes && sent <= FEED_WINDOW_BYTES + groupBytes + 100)
  assert.ok(peer.frames.every(size => size <= FEED_FRAME_BYTES + groupBytes + 100))
  assert.ok(peer.frames.length > FEED_WINDOW_BYTES / (FEED_FRAME_BYTES + groupBytes + 100))
  assert.ok(!peer.heard().includes('live'), 'live is who has everything')
})

test('an observer is live only when everything committed is on its way to it', () => {
  const peer = new HandFeeds({ windowBytes: 100, groupBytes: 90 })
  peer.observe(1, LOG_START)
  peer.grow(3)
  const heard: string[] = []
  for (let turns = 0; turns < 3; turns++) {
    isQuiet(peer)
    heard.push(...peer.heard())
    peer.take()
  }
  assert.deepEqual(heard, ['continue', 'group 1', 'group 2', 'group 3', 'live'])
})

test('one that stands still costs the others nothing, and nothing is kept for it', () => {
  const peer = new HandFeeds({ windowBytes: 200, groupBytes: 90, groupsMax: 2 })
  peer.observe(1, LOG_START)
  peer.observe(2, LOG_START)
  isQuiet(peer)
  const fed: string[] = []
  for (let round = 0; round < 10; round++) {
    peer.grow(1)
    isQuiet(peer)
    peer.trim()
    fed.push(...peer.heard(2))
    peer.take(2)
  }
  assert.equal(fed.filter(word => word.startsWith('group')).length, 10)
  assert.deepEqual(peer.heard(1), ['continue', 'live', 'group 1', 'group 2'])
  // Memory has forgotten what the first one needs next: the store tells, as far as there is room.
  peer.take()
  assert.deepEqual(peer.turn(), ['groups after 2'])
  peer.loadedGroups(3, 10)
  isQuiet(peer)
  assert.deepEqual(peer.heard(1), ['group 3', 'group 4'])
  peer.take()
  assert.deepEqual(peer.turn(), ['groups after 4'])
})

test('one that stood still while its place was purged is fed a snapshot, and live after it', () => {
  const peer = new HandFeeds({ windowBytes: 100, groupBytes: 90, groupsMax: 2 })
  peer.observe(1, LOG_START)
  isQuiet(peer)
  peer.grow(1)
  isQuiet(peer)
  assert.deepEqual(peer.heard(), ['continue', 'live', 'group 1'])
  peer.grow(9)
  peer.trim()
  peer.history.purged(peer.at(7))
  peer.take()
  assert.deepEqual(peer.turn(), ['groups after 1'])
  peer.missing()
  assert.deepEqual(peer.turn(), ['snapshot'])
  const snapshotId = peer.loadId
  peer.loadedSnapshot(9)
  peer.turn()
  peer.loadedChunk(true, 40)
  assert.deepEqual(peer.turn(), [`release ${snapshotId}`])
  assert.deepEqual(peer.heard(), ['snapshot 9', 'chunk 40 last', 'group 10', 'live'])
  assert.equal(peer.feeds.takeWantsSnapshot(), false, 'what was purged is not damaged')
})

test('the chunks of a snapshot wait for room too', () => {
  const peer = peerWith(6, 2, 3, 100)
  peer.observe(1, LOG_START)
  peer.turn()
  peer.loadedSnapshot(5)
  peer.turn()
  peer.loadedChunk(false, 200)
  isQuiet(peer)
  peer.take()
  assert.equal(peer.turn().length, 1)
})
