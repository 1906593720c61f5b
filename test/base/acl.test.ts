/** Access control lists: what is known, what is refused, and what they permit. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OPEN_ACL, PERMISSIONS, parseAcl, permits } from '../../lib/base/acl.ts'
import { readAcl, writeAcl } from '../../lib/base/acl-codec.ts'
import { ByteReader, ByteWriter } from '../../lib/base/bytes.ts'
import { TreeError } from '../../lib/base/errors.ts'

const anyone = (permissions: unknown) => ({ permissions, scheme: 'world', id: 'anyone' })

test('a list that cannot be is refused as such', () => {
  // biome-ignore lint/suspicious/noSparseArray: a hole is what must not slip through
  const sparse = [, anyone(1)]
  const wrong: unknown[] = [
    undefined,
    [],
    'world',
    sparse,
    [null],
    [anyone(-1)],
    [anyone(32)],
    [anyone(2 ** 32 + 1)],
    [anyone(1.5)],
    [anyone('1')],
    [{ permissions: 1, scheme: Object.create(null), id: 'anyone' }],
    [{ permissions: 1, scheme: 'digest', id: 'a:b' }],
    Array.from({ length: 256 }, () => anyone(1)),
  ]
  for (const acl of wrong) {
    assert.throws(
      () => parseAcl(acl, '/a'),
      (error: unknown) =>
        error instanceof TreeError && error.code === 'INVALID_ACL' && error.path === '/a',
    )
  }
})

test('a list grants what any of its entries grants', () => {
  const acl = parseAcl([anyone(PERMISSIONS.READ), anyone(PERMISSIONS.WRITE)], '/a')
  assert.ok(permits(acl, PERMISSIONS.READ))
  assert.ok(permits(acl, PERMISSIONS.WRITE))
  assert.ok(!permits(acl, PERMISSIONS.DELETE))
  assert.ok(permits(OPEN_ACL, PERMISSIONS.ADMIN))
  assert.ok(!permits(parseAcl([anyone(0)], '/a'), PERMISSIONS.ALL))
})

test('lists come back from bytes as they were; the open one is one and the same', () => {
  const out = new ByteWriter()
  const acl = parseAcl([anyone(PERMISSIONS.READ), anyone(PERMISSIONS.CREATE)], '/a')
  writeAcl(out, acl)
  writeAcl(out, parseAcl([anyone(PERMISSIONS.ALL)], '/a'))
  const from = new ByteReader(out.take())
  assert.deepEqual(readAcl(from), acl)
  assert.equal(readAcl(from), OPEN_ACL)
  assert.ok(from.done)
})
