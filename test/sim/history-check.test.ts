/** The second opinion: a history without an explanation is found, whatever the book says of it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Script, stat } from '../check/script.ts'
import { broken } from './broken.ts'
import { Counters } from './counters.ts'
import { checkClients } from './history-check.ts'

test('finds a read of what was never written, and counts what it looked at', () => {
  const counters = new Counters()
  const create = { kind: 'create', path: '/a', data: 'x' } as const
  const get = { kind: 'get', path: '/a' } as const
  const written = new Script().call('w', [0, 1], create, { path: '/a' }).history()
  const read = (data: string) =>
    new Script().call('r', [2, 3], get, { data, stat: stat(1, 0) }).history()
  checkClients([written, read('x')], counters)
  assert.equal(counters.get('calls in histories'), 2)
  assert.throws(() => checkClients([written, read('y')], counters), broken('History'))
})
