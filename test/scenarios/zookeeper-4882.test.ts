/**
 * ZOOKEEPER-4882: a follower's disk failed once. The transaction that could not be logged was applied in memory all
 * the same when its commit came, and those after it were logged: the log had a hole that came to light, as lost data,
 * at the next start.
 *
 * Here any write may be the one that fails, once or from then on. The peer stops at once: it acknowledges nothing
 * more, its store takes nothing more, and what it comes back with has no hole and lacks nothing it had acknowledged.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Group, LOG_START, pointOf } from '../../lib/base/group.ts'
import { makeEpoch, makeZxid } from '../../lib/base/zxid.ts'
import { batch, epochs, recover } from '../storage/support.ts'
import { commit, makeTxnGroups, NEW_LEADER, proposal, UP_TO_DATE } from './follower.ts'
import { MapDatabase, openFresh, Shelf } from './map-database.ts'
import { StoredFollower } from './stored-follower.ts'

const GROUPS = makeTxnGroups(8, 5)
const AT_NEW_LEADER = 3

/** Follows a leader through all of `GROUPS`, or until it dies. */
async function liveThrough(follower: StoredFollower): Promise<void> {
  const isDead = () => follower.failure !== undefined
  await follower.follow(4, LOG_START.zxid)
  if (isDead()) return
  const first = GROUPS.slice(0, AT_NEW_LEADER)
  follower.says({ kind: 'diff', join: LOG_START }, ...first.map(proposal), NEW_LEADER)
  await follower.until(() => isDead() || follower.acked > 0)
  follower.says(commit(first.at(-1)!), UP_TO_DATE)
  for (const group of GROUPS.slice(AT_NEW_LEADER)) {
    follower.says(proposal(group))
    // The others are a quorum without this one.
    follower.says(commit(group))
    await follower.until(() => isDead() || follower.acked >= group.last)
  }
}

function withoutHole(groups: readonly Group[]): boolean {
  return groups.every((group, at) => group.chain === GROUPS[at]!.chain)
}

for (const forever of [false, true]) {
  test(`a disk that fails ${forever ? 'for good' : 'once'}, at any write`, async t => {
    const shelf = await Shelf.make(t)
    for (let failing = 1; ; failing++) {
      const database = new MapDatabase()
      const store = await openFresh(t, database)
      const follower = await StoredFollower.begin(store)
      const before = database.writes
      database.failsAt = write => (forever ? write >= before + failing : write === before + failing)
      await liveThrough(follower)
      database.failsAt = () => false
      if (follower.failure === undefined) {
        assert.ok(failing > GROUPS.length - AT_NEW_LEADER, 'every write has failed once')
        await store.close()
        return
      }
      const more = batch({ epochs: epochs(9) })
      await assert.rejects(store.write(more), 'the store takes nothing more')
      await store.close()
      const again = await shelf.open(database.after(database.journal.length))
      const { damage, groups } = await recover(again)
      assert.equal(damage, undefined, `write ${failing}`)
      assert.ok(withoutHole(groups), 'the log is one piece')
      const last = groups.at(-1)?.last ?? makeZxid(makeEpoch(5), 0)
      assert.ok(last >= follower.acked, 'what was acknowledged is there')
      await again.close()
    }
  })
}

test('what a failed disk lacks comes from the leader after the restart', async t => {
  const database = new MapDatabase()
  const store = await openFresh(t, database)
  const follower = await StoredFollower.begin(store)
  const before = database.writes
  database.failsAt = write => write === before + 5
  await liveThrough(follower)
  assert.ok(follower.failure)
  await store.close()
  const survivor = database.after(database.journal.length)
  const again = await (await Shelf.make(t)).open(survivor)
  t.after(() => again.close())
  const reborn = await StoredFollower.begin(again)
  const { history } = reborn.core.zab
  await reborn.follow(5, GROUPS.at(-1)!.last)
  const rest = GROUPS.filter(({ first }) => first > history.last.zxid)
  assert.ok(rest.length > 0 && rest.length < GROUPS.length)
  const newLeader = { kind: 'newLeader', zxid: makeZxid(makeEpoch(6), 0) } as const
  reborn.says({ kind: 'diff', join: history.last }, ...rest.map(proposal), newLeader)
  await reborn.until(() => reborn.acked > 0)
  reborn.says(commit(GROUPS.at(-1)!), UP_TO_DATE)
  assert.deepEqual(history.last, pointOf(GROUPS.at(-1)!))
  assert.equal(reborn.core.tree.zxid, GROUPS.at(-1)!.last)
})
