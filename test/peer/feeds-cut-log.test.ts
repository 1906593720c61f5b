/** A feed whose history the store reads while a new leader cuts the log. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HandFeeds, zxidAt } from './hand-feeds.ts'

test('what the store read before the log was cut is not told after it', () => {
  const peer = new HandFeeds({ groupsMax: 2 })
  peer.grow(4)
  peer.trim()
  // Logged, and never committed: groups 5 and 6 of a leader that died.
  peer.append(2)
  peer.observe(1, peer.at(1))
  assert.deepEqual(peer.turn(), ['groups after 1'])
  const read = peer.log.slice(1)
  // Meanwhile the next leader cuts them off, and its own groups are committed.
  peer.history.truncateAfter(peer.at(4))
  peer.append(1, 2)
  peer.history.commit(zxidAt(1, 2))
  peer.loaded({ kind: 'groups', groups: read })
  peer.turn()
  assert.deepEqual(peer.heard(), ['continue', 'group 2', 'group 3', 'group 4', 'group 1', 'live'])
})
