/** What the accounts of a process add up to. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ledger } from './ledger.ts'

test('of a directory that others changed, no file is taken for one that had its inode', () => {
  const ledger = new Ledger()
  const file = { inode: 7, path: '/data/peer-1/000003.log' }
  ledger.read(
    [
      { kind: 'create', change: 1, ...file },
      { kind: 'sync', isDirectory: false, changes: 1, size: 10, ...file },
    ],
    '/grave',
  )
  assert.equal(ledger.synced(7), 10)
  ledger.forget('/data/peer-2', [7])
  assert.equal(ledger.synced(7), undefined, 'it is the inode of a file of peer 2 now')
  assert.equal(ledger.changes.length, 1)
})
