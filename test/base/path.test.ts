/** Which paths there can be, and what is said of the others. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TreeError } from '../../lib/base/errors.ts'
import {
  childOf,
  formatSequence,
  nameOf,
  parentOf,
  parsePath,
  parseSequentialPrefix,
  ROOT,
} from '../../lib/base/path.ts'

function refused(parse: (text: string) => unknown, given: unknown, says: RegExp): void {
  assert.throws(
    () => parse(given as string),
    (error: unknown) => {
      assert.ok(error instanceof TreeError, String(error))
      assert.equal(error.code, 'BAD_ARGUMENTS')
      assert.match(error.message, says)
      assert.equal(error.path, typeof given === 'string' ? given : undefined)
      return true
    },
  )
}

test('valid paths are taken as they are', () => {
  for (const text of [
    '/',
    '/a',
    '/a/b',
    '/a.b',
    '/..a',
    '/ä/ü',
    '/a b',
    '/日本',
    `/${'x'.repeat(32_766)}`,
  ]) {
    assert.equal(parsePath(text), text)
  }
})

test('invalid paths are refused, each with what is wrong', () => {
  refused(parsePath, '', /start it with/)
  refused(parsePath, 'a', /start it with/)
  refused(parsePath, '/a/', /remove the "\/" at its end/)
  refused(parsePath, '//', /remove the "\/" at its end/)
  refused(parsePath, '/a//b', /empty component/)
  refused(parsePath, '/ä//b', /empty component/)
  refused(parsePath, '/a/./b', /relative/)
  refused(parsePath, '/..', /relative/)
  refused(parsePath, '/a\u0000', /U\+0000 at 2/)
  refused(parsePath, '/\u007f', /U\+007f/)
  refused(parsePath, '/\u{1f600}', /U\+d83d/)
  refused(parsePath, '/\ue000', /U\+e000/)
  refused(parsePath, '/\uffff', /U\+ffff/)
  refused(parsePath, `/${'x'.repeat(32_767)}`, /keep it under 32767 bytes/)
  refused(parsePath, `/${'ü'.repeat(16_384)}`, /keep it under/)
  for (const value of [undefined, null, 7, 1n, Symbol('s'), {}, Object.create(null), ['/a']]) {
    refused(parsePath, value, /give a string/)
  }
})

test('a sequential prefix is whatever becomes a path when digits follow', () => {
  for (const text of ['/', '/a', '/a/', '/a/n-', '/a/..', '/a/.']) {
    assert.equal(parseSequentialPrefix(text), text)
  }
  refused(parseSequentialPrefix, '//', /empty component/)
  refused(parseSequentialPrefix, '/a//', /empty component/)
  refused(parseSequentialPrefix, '', /start it with/)
  refused(parseSequentialPrefix, '/../', /relative/)
  refused(parseSequentialPrefix, `/${'x'.repeat(32_760)}`, /keep it under/)
  refused(parseSequentialPrefix, 7, /give a string/)
})

test('parents, names and children', () => {
  assert.equal(parentOf(parsePath('/a')), ROOT)
  assert.equal(parentOf(parsePath('/a/b/c')), '/a/b')
  assert.equal(parentOf(parseSequentialPrefix('/a/')), '/a')
  assert.equal(nameOf(parsePath('/a/b')), 'b')
  assert.equal(nameOf(ROOT), '')
  assert.equal(childOf(ROOT, 'a'), '/a')
  assert.equal(childOf(parsePath('/a'), 'b'), '/a/b')
  assert.equal(formatSequence(7), '0000000007')
  assert.equal(formatSequence(2_147_483_647), '2147483647')
})
