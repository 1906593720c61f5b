/** The feeds of local observers: how each is joined, and what the store is asked for it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LOG_START } from '../../lib/base/group.ts'
import { HandFeeds, isQuiet, peerWith, zxidAt } from './hand-feeds.ts'

test('an observer at a place that memory holds goes on from there', () => {
  const peer = peerWith(5, 10)
  peer.observe(1, peer.at(3))
  isQuiet(peer)
  assert.deepEqual(peer.heard(), ['continue', 'group 4', 'group 5', 'live'])
  peer.grow(2)
  isQuiet(peer)
  assert.deepEqual(peer.heard(), ['group 6', 'group 7'], 'it is said to be live once')
  isQuiet(peer)
  assert.deepEqual(peer.heard(), [])
})

test('one that is level is live at once', () => {
  const peer = peerWith(5, 2)
  peer.observe(1, peer.at(5))
  isQuiet(peer)
  assert.deepEqual(peer.heard(), ['continue', 'live'])
})

test('one at the oldest place that memory knows needs no store', () => {
  const peer = peerWith(5, 2)
  peer.observe(1, peer.at(3))
  isQuiet(peer)
  assert.deepEqual(peer.heard(), ['continue', 'group 4', 'group 5', 'live'])
})

test('one with nothing goes on from nothing, if memory goes back so far', () => {
  const peer = peerWith(2, 10)
  peer.observe(1, LOG_START)
  isQuiet(peer)
  assert.deepEqual(peer.heard(), ['continue', 'group 1', 'group 2', 'live'])
  const empty = new HandFeeds()
  empty.observe(1, LOG_START)
  isQuiet(empty)
  assert.deepEqual(empty.heard(), ['continue', 'live'])
})

test('one from before memory joins by the log in the store, piece by piece', () => {
  const peer = peerWith(6, 2)
  peer.observe(1, peer.at(1))
  assert.deepEqual(peer.turn(), ['groups after 1'])
  assert.deepEqual(peer.heard(), [], 'whether it goes on is not known yet')
  peer.loadedGroups(2, 2)
  assert.deepEqual(peer.turn(), ['groups after 2'])
  assert.deepEqual(peer.heard(), ['continue', 'group 2'])
  // What comes meanwhile is told when its time has come.
  peer.grow(1)
  isQuiet(peer)
  peer.loadedGroups(3, 6)
  isQuiet(peer)
  assert.deepEqual(peer.heard(), ['group 3', 'group 4', 'group 5', 'group 6', 'group 7', 'live'])
})

test('one from before the log gets a snapshot, chunk by chunk, and the groups after it', () => {
  const peer = peerWith(6, 2, 3)
  peer.observe(1, peer.at(2))
  assert.deepEqual(peer.turn(), ['snapshot'])
  const snapshotId = peer.loadId
  peer.loadedSnapshot(5)
  assert.deepEqual(peer.turn(), [`chunk of ${snapshotId}`])
  peer.loadedChunk(false)
  assert.deepEqual(peer.turn(), [`chunk of ${snapshotId}`])
  peer.grow(1)
  isQuiet(peer)
  peer.loadedChunk(true, 6)
  assert.deepEqual(peer.turn(), [`release ${snapshotId}`])
  assert.deepEqual(peer.heard(), [
    'snapshot 5',
    'chunk 5',
    'chunk 6 last',
    'group 6',
    'group 7',
    'live',
  ])
  isQuiet(peer)
})

test('after a snapshot that is older than memory the stored log fills in', () => {
  const peer = peerWith(6, 2, 3)
  peer.observe(1, LOG_START)
  assert.deepEqual(peer.turn(), ['snapshot'])
  const snapshotId = peer.loadId
  peer.loadedSnapshot(3)
  peer.turn()
  peer.loadedChunk(true)
  assert.deepEqual(peer.turn(), [`release ${snapshotId}`, 'groups after 3'])
  peer.loadedGroups(4, 4)
  isQuiet(peer)
  assert.deepEqual(peer.heard(), [
    'snapshot 3',
    'chunk 5 last',
    'group 4',
    'group 5',
    'group 6',
    'live',
  ])
})

test('where nothing was ever snapshotted, the empty tree and the whole log are as good', () => {
  const peer = peerWith(4, 2)
  peer.observe(1, LOG_START)
  assert.deepEqual(peer.turn(), ['snapshot'])
  peer.missing()
  assert.deepEqual(peer.turn(), ['groups after 0'])
  peer.loadedGroups(1, 2)
  isQuiet(peer)
  assert.deepEqual(peer.heard(), [
    'snapshot 0',
    'chunk 0 last',
    'group 1',
    'group 2',
    'group 3',
    'group 4',
    'live',
  ])
  assert.equal(peer.feeds.takeWantsSnapshot(), false)
})

test('an observer that is ahead waits until as much is committed here', () => {
  const peer = new HandFeeds()
  peer.append(5)
  peer.history.commit(zxidAt(2))
  peer.observe(1, peer.at(4))
  isQuiet(peer)
  peer.history.commit(zxidAt(3))
  isQuiet(peer)
  assert.deepEqual(peer.heard(), [])
  peer.history.commit(zxidAt(5))
  isQuiet(peer)
  assert.deepEqual(peer.heard(), ['continue', 'group 5', 'live'])
})

test('nothing is told that is not committed, neither from memory nor from the store', () => {
  const peer = new HandFeeds({ groupsMax: 2 })
  peer.grow(4)
  peer.trim()
  peer.append(3)
  peer.observe(1, peer.at(4))
  peer.observe(2, peer.at(1))
  assert.deepEqual(peer.turn(), ['groups after 1'])
  assert.deepEqual(peer.heard(1), ['continue', 'live'])
  peer.loadedGroups(2, 7)
  isQuiet(peer)
  assert.deepEqual(peer.heard(2), ['continue', 'group 2', 'group 3', 'group 4', 'live'])
  peer.history.commit(zxidAt(6))
  isQuiet(peer)
  for (const connection of [1, 2]) assert.deepEqual(peer.heard(connection), ['group 5', 'group 6'])
})

test('an observer whose past is another gets a snapshot, also where the place exists', () => {
  const peer = peerWith(5, 2)
  const parted = { zxid: peer.at(4).zxid, chain: 12345 }
  peer.observe(1, parted)
  assert.deepEqual(peer.turn(), ['groups after 4'], 'the store knows no such place either')
  peer.missing()
  assert.deepEqual(peer.turn(), ['snapshot'])
  peer.loadedSnapshot(2)
  peer.turn()
  peer.loadedChunk(true)
  assert.deepEqual(peer.turn().slice(1), ['groups after 2'])
  peer.loadedGroups(3, 3)
  isQuiet(peer)
  const heard = peer.heard()
  assert.deepEqual(heard.slice(0, 2), ['snapshot 2', 'chunk 5 last'])
  assert.deepEqual(heard.slice(2), ['group 3', 'group 4', 'group 5', 'live'])
})

test('nothing with a chain of its own is no beginning of the log', () => {
  const peer = peerWith(5, 10)
  peer.observe(1, { ...LOG_START, chain: 1 })
  assert.deepEqual(peer.turn(), ['snapshot'])
})

test('a snapshot that never reached the store is made anew when it is missing', () => {
  const peer = peerWith(5, 2, 3)
  peer.observe(1, LOG_START)
  assert.deepEqual(peer.turn(), ['snapshot'])
  peer.missing()
  assert.deepEqual(peer.feeds.takeClosings(), [1])
  assert.equal(peer.feeds.takeWantsSnapshot(), true)
  assert.equal(peer.feeds.takeWantsSnapshot(), false, 'asked for once')
})

test('a hole in the stored log ends the feed, and a new snapshot is to stand in for it', () => {
  const peer = peerWith(6, 2)
  peer.observe(1, peer.at(1))
  assert.deepEqual(peer.turn(), ['groups after 1'])
  peer.loadedGroups(2, 2)
  assert.deepEqual(peer.turn(), ['groups after 2'])
  peer.missing()
  assert.deepEqual(peer.feeds.takeClosings(), [1])
  assert.equal(peer.feeds.takeWantsSnapshot(), true)
  assert.deepEqual(peer.heard(), ['continue', 'group 2'])
  isQuiet(peer)
})

test('a snapshot that cannot be read to its end ends the feed and is let go', () => {
  const peer = peerWith(6, 2, 3)
  peer.observe(1, LOG_START)
  peer.turn()
  const snapshotId = peer.loadId
  peer.loadedSnapshot(5)
  peer.turn()
  peer.loadedChunk(false)
  assert.deepEqual(peer.turn(), [`chunk of ${snapshotId}`])
  peer.missing()
  assert.deepEqual(peer.turn(), [`release ${snapshotId}`])
  assert.deepEqual(peer.feeds.takeClosings(), [1])
})

test('a leader’s snapshot that takes the place of the log is fed on', () => {
  const peer = new HandFeeds()
  peer.grow(3)
  peer.observe(1, peer.at(3))
  isQuiet(peer)
  peer.heard()
  const point = { zxid: zxidAt(9), chain: 99 }
  peer.history.install({ point, digest: 7, epochEnds: [point] })
  assert.deepEqual(peer.turn(), ['groups after 3'])
  peer.missing()
  assert.deepEqual(peer.turn(), ['snapshot'])
})
