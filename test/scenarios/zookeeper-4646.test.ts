/**
 * ZOOKEEPER-4646: the transactions of a synchronisation were handed to the disk thread before NEWLEADER was
 * acknowledged, but nobody waited for that thread. The acknowledgement could overtake the fsync.
 *
 * Here a real store is held up in the middle of the write: however long that takes and whatever else the leader says,
 * NEWLEADER is not acknowledged. The write is a synced one, and once it is done everything it vouches for is there.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Level } from 'level'
import { LOG_START } from '../../lib/base/group.ts'
import type { Database } from '../../lib/storage/disk.ts'
import { logKey } from '../../lib/storage/keys.ts'
import { openStore } from '../../lib/storage/open.ts'
import { FaultyDatabase } from '../storage/faulty-database.ts'
import { SID } from '../storage/support.ts'
import { temporaryDirectory } from '../temporary.ts'
import { makeTxnGroups, NEW_LEADER, proposal } from './follower.ts'
import { StoredFollower } from './stored-follower.ts'

class HeldDatabase extends FaultyDatabase {
  /** The next calls wait until the function that is returned is called. */
  hold(): () => void {
    let release: () => void = () => {}
    this.gate = new Promise(resolve => {
      release = resolve
    })
    return release
  }
}

test('NEWLEADER is acknowledged when its log is synced, however long that takes', async t => {
  const dataDir = await temporaryDirectory(t)
  const encodings = { keyEncoding: 'view', valueEncoding: 'view' } as const
  const database = new HeldDatabase()
  let inner: Database | undefined
  const store = await openStore({ sid: SID, dataDir, durability: 'power' }, directory => {
    inner = new Level<Uint8Array, Uint8Array>(directory, encodings)
    return database.wrap(inner)
  })
  t.after(() => store.close())
  const follower = await StoredFollower.begin(store)
  await follower.follow(4, LOG_START.zxid)
  const groups = makeTxnGroups(3, 5)
  const release = database.hold()
  const before = database.calls.length
  follower.says({ kind: 'diff', join: LOG_START }, ...groups.map(proposal), NEW_LEADER)
  for (let pings = 1; pings <= 20; pings++) {
    follower.says({ kind: 'ping' })
    // Whatever could run by itself in between has run.
    await new Promise(resolve => setImmediate(resolve))
    assert.equal(follower.sent.filter(({ kind }) => kind === 'pong').length, pings, 'it listens')
    assert.ok(!follower.hasSent('ack'), 'and does not acknowledge')
  }
  const [write, ...others] = database.calls.slice(before)
  assert.equal(write?.name, 'batch', 'log and epoch are one write')
  assert.equal((write.args.at(-1) as { sync?: boolean }).sync, true, 'a synced one')
  assert.deepEqual(others, [])
  release()
  await follower.until(() => follower.hasSent('ack'))
  for (const group of groups) {
    assert.ok(await inner!.get(logKey(group.first)), 'it is there when it is acknowledged')
  }
  assert.equal(follower.acked, groups.at(-1)?.last)
})
