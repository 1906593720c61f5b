/** What the accounts of a process add up to. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Event } from './account.ts'
import { Ledger } from './ledger.ts'

test('of a directory that others changed, no file is taken for one that had its inode', () => {
  const ledger = new Ledger()
  const file = { inode: 7, path: '/data/peer-1/000003.log' }
  ledger.read(
    [
      { kind: 'create', change: 1, ...file },
      { kind: 'sync', isDirectory: false, changes: 1, size: 10, length: 10, ...file },
    ],
    '/grave',
  )
  assert.equal(ledger.synced(7), 10)
  ledger.forget('/data/peer-2', [7])
  assert.equal(ledger.synced(7), undefined, 'it is the inode of a file of peer 2 now')
  assert.equal(ledger.changes.length, 1)
})

test("a change in a part is the part's own, and forgotten with its peer", () => {
  const [peer, part] = ['/data/peer-1', '/data/peer-1/log-00000001']
  const ledger = new Ledger()
  const sync = { kind: 'sync', isDirectory: true, inode: 1, size: 0, length: 0 } as const
  const events: Event[] = [
    { kind: 'mkdir', change: 0, path: part },
    { kind: 'create', change: 1, inode: 7, path: `${part}/CURRENT` },
    { ...sync, changes: 2, path: part },
  ]
  ledger.read(events, '/grave')
  assert.deepEqual([ledger.settledIn(part), ledger.settledIn(peer)], [2, 0])
  assert.equal(ledger.settled, 2, 'one journal has the names of all directories')
  ledger.read([{ ...sync, changes: 0, path: peer }], '/grave')
  assert.equal(ledger.settledIn(peer), 2)
  ledger.read(
    [
      { kind: 'unlink', change: 0, inode: 7, kept: true, path: `${part}/CURRENT` },
      { kind: 'rmdir', change: 1, path: part },
      { kind: 'mkdir', change: 2, path: '/data/peer-2' },
    ],
    '/grave',
  )
  ledger.forget(peer, [])
  assert.deepEqual(
    ledger.changes.map(({ path }) => path),
    ['/data/peer-2'],
  )
})
