/** The gateway: each mistake is refused before anything is sent, with a message that says what to do. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { type Acl, OPEN_ACL } from '../../lib/base/acl.ts'
import { ERROR_CODES, type ErrorCode, TreeError } from '../../lib/base/errors.ts'
import {
  childrenCall,
  createCall,
  deleteCall,
  existsCall,
  getCall,
  setCall,
} from '../../lib/client/calls.ts'
import { failureOf } from '../../lib/client/core-failures.ts'

const MAX = 100

/** Bytes that are somebody else's by now. */
function detached(): Uint8Array {
  const bytes = new Uint8Array([1, 2, 3])
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  return bytes
}

class Liar extends Uint8Array {
  override get length(): number {
    return 1
  }
  override get byteLength(): number {
    return 1
  }
  override valueOf(): this {
    throw new Error('asked for its value')
  }
  override slice(): never {
    throw new Error('asked for a slice')
  }
}

/** A list of one entry that turns out to be many. */
function endless(entries: number): Acl {
  const acl = [...OPEN_ACL]
  acl[Symbol.iterator] = () => Array.from({ length: entries }, () => OPEN_ACL[0]!).values()
  return acl
}

function mute(): void {}
mute.toString = (): never => {
  throw new Error('asked for its text')
}

function createParents(above: number) {
  return createCall('/d'.repeat(above + 1), '', { parents: true }, MAX)
}

const MISTAKES: readonly [string, () => unknown, ErrorCode, RegExp][] = [
  ['relative path', () => getCall('a', {}), 'BAD_ARGUMENTS', /start it with "\/"/],
  ['no path', () => getCall(undefined as never, {}), 'BAD_ARGUMENTS', /give a string/],
  ['slash at the end', () => createCall('/a/', '', {}, MAX), 'BAD_ARGUMENTS', /remove the "\/"/],
  ['version too low', () => deleteCall('/a', { version: -2 }), 'BAD_ARGUMENTS', /not -2/],
  [
    'version too high',
    () => setCall('/a', '', { version: 2 ** 31 }, MAX),
    'BAD_ARGUMENTS',
    /2147483647/,
  ],
  ['version no integer', () => deleteCall('/a', { version: 1.5 }), 'BAD_ARGUMENTS', /not 1.5/],
  [
    'version no number',
    () => deleteCall('/a', { version: '1' as never }),
    'BAD_ARGUMENTS',
    /not "1"/,
  ],
  [
    'misspelt option',
    () => setCall('/a', '', { verison: 1 } as never, MAX),
    'BAD_ARGUMENTS',
    /unknown option "verison" of set: known are version/,
  ],
  [
    'option of another method',
    () => createCall('/a', '', { watch: () => {} } as never, MAX),
    'BAD_ARGUMENTS',
    /known are ephemeral, sequential, parents, acl/,
  ],
  [
    'options no object',
    () => getCall('/a', 7 as never),
    'BAD_ARGUMENTS',
    /must be an object, not 7/,
  ],
  ['options null', () => existsCall('/a', null as never), 'BAD_ARGUMENTS', /must be an object/],
  [
    'watch no function',
    () => childrenCall('/a', { watch: true as never }),
    'BAD_ARGUMENTS',
    /watch must be a function/,
  ],
  [
    'flag no boolean',
    () => createCall('/a', '', { parents: 1 as never }, MAX),
    'BAD_ARGUMENTS',
    /parents must be true or false/,
  ],
  [
    'data no data',
    () => setCall('/a', { a: 1 } as never, {}, MAX),
    'BAD_ARGUMENTS',
    /must be a string or a Uint8Array/,
  ],
  [
    'no data for set',
    () => setCall('/a', undefined as never, {}, MAX),
    'BAD_ARGUMENTS',
    /not undefined/,
  ],
  [
    'text too large',
    () => setCall('/a', 'é'.repeat(51), {}, MAX),
    'DATA_TOO_LARGE',
    /102 bytes, the limit is 100/,
  ],
  [
    'bytes too large',
    () => createCall('/a', Buffer.alloc(101), {}, MAX),
    'DATA_TOO_LARGE',
    /\(dataBytesMax\)/,
  ],
  ['no ACL', () => createCall('/a', '', { acl: null as never }, MAX), 'BAD_ARGUMENTS', /not null/],
  ['detached bytes', () => setCall('/a', detached(), {}, MAX), 'BAD_ARGUMENTS', /was transferred/],
  [
    'bytes that lie about their length',
    () => setCall('/a', new Liar(MAX + 1), {}, MAX),
    'DATA_TOO_LARGE',
    /101 bytes/,
  ],
  [
    'more entries than the ACL has',
    () => createCall('/a', '', { acl: endless(256) }, MAX),
    'INVALID_ACL',
    /1 to 255 entries/,
  ],
  ['too deep', () => createParents(257), 'BAD_ARGUMENTS', /257 nodes are above it.*may have 256/],
  [
    'options in a Map',
    () => setCall('/a', '', new Map() as never, MAX),
    'BAD_ARGUMENTS',
    /kind Map/,
  ],
  [
    'options still to come',
    () => deleteCall('/a', Promise.resolve({ version: 1 }) as never),
    'BAD_ARGUMENTS',
    /kind Promise/,
  ],
  ['options in a list', () => getCall('/a', [] as never), 'BAD_ARGUMENTS', /kind Array/],
  [
    'a function with a text of its own',
    () => getCall(mute as never, undefined),
    'BAD_ARGUMENTS',
    /invalid path a function: give a string/,
  ],
  ['empty ACL', () => createCall('/a', '', { acl: [] }, MAX), 'INVALID_ACL', /1 to 255 entries/],
]

for (const [name, make, code, message] of MISTAKES) {
  test(`refuses: ${name}`, () => {
    assert.throws(make, (error: unknown) => {
      assert.ok(error instanceof TreeError)
      assert.equal(error.code, code)
      assert.equal(error.zkCode, ERROR_CODES[code])
      assert.match(error.message, message)
      return true
    })
  })
}

test('fills in the defaults', () => {
  assert.deepEqual(getCall('/a', undefined).request, { kind: 'get', path: '/a', watch: false })
  const { request } = setCall('/a', 'x'.repeat(MAX), undefined, MAX)
  assert.ok(request.kind === 'set')
  assert.equal(request.version, -1)
  assert.equal(request.data.length, MAX)
  assert.deepEqual(deleteCall('/a', { version: undefined }).request, {
    kind: 'delete',
    path: '/a',
    version: -1,
  })
})

test('bytes are taken as they are, whatever they say and wherever they come from', () => {
  const foreign = runInNewContext('new Uint8Array([1, 2, 3])') as Uint8Array
  const pooled = Buffer.from('..abc..').subarray(2, 5)
  const samples: [Uint8Array, number[]][] = [
    [new Liar([1, 2, 3]), [1, 2, 3]],
    [foreign, [1, 2, 3]],
    [pooled, [97, 98, 99]],
    [new Uint8Array(new SharedArrayBuffer(2)), [0, 0]],
    [new Uint8Array(0), []],
  ]
  for (const [data, expected] of samples) {
    const { request } = setCall('/a', data, undefined, MAX)
    assert.ok(request.kind === 'set')
    assert.deepEqual([...request.data], expected)
  }
})

test('a mistake in an option tells the path of its call', () => {
  const mistakes: (() => unknown)[] = [
    () => createCall('/a', '', { parents: 1 as never }, MAX),
    () => createCall('/a', '', { sequential: 1 as never }, MAX),
    () => createCall('/a', '', { ephemeral: null as never }, MAX),
    () => createCall('/a', '', { perents: true } as never, MAX),
    () => createCall('/a', '', null as never, MAX),
    () => setCall('/a', '', { verison: 1 } as never, MAX),
    () => deleteCall('/a', { version: null as never }),
    () => getCall('/a', { watch: null as never }),
    () => existsCall('/a', 7 as never),
    () => childrenCall('/a', { watch: 'x' as never }),
  ]
  for (const make of mistakes) assert.throws(make, { code: 'BAD_ARGUMENTS', path: '/a' })
  const noPath = () => createCall(7 as never, '', { parents: 1 as never }, MAX)
  assert.throws(noPath, { code: 'BAD_ARGUMENTS', path: undefined })
})

test('as many nodes may be above one as can be made with it', () => {
  assert.equal(createParents(256).request.kind, 'create')
  const options = { parents: true, sequential: true }
  assert.equal(createCall(`${'/d'.repeat(256)}/`, '', options, MAX).request.kind, 'create')
  assert.throws(() => createCall(`${'/d'.repeat(257)}/`, '', options, MAX), /257 nodes/)
  assert.equal(createCall('/d'.repeat(1000), '', {}, MAX).request.kind, 'create')
})

test('options may be anything that has them as properties', () => {
  class Options {
    version = 7
  }
  const bare: { version?: number } = Object.create(null)
  bare.version = 7
  for (const options of [{ version: 7 }, new Options(), bare, new Proxy({ version: 7 }, {})]) {
    const { request } = deleteCall('/a', options)
    assert.ok(request.kind === 'delete')
    assert.equal(request.version, 7)
  }
})

test('a sequential path may end in a slash', () => {
  assert.equal(createCall('/a/', '', { sequential: true }, MAX).request.kind, 'create')
})

test('every failure keeps code and path, and ends with what to do', () => {
  const { request } = setCall('/a/b', '', { version: 3 }, MAX)
  for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
    const failure = failureOf(code, request)
    assert.equal(failure.code, code)
    assert.equal(failure.path, '/a/b')
    assert.match(failure.message, /^cannot set \/a\/b: .{20}/)
  }
  const { request: create } = createCall('/a/b', '', {}, MAX)
  assert.match(
    failureOf('NO_NODE', create).message,
    /\/a does not exist: create it first, or pass { parents: true }$/,
  )
  assert.match(failureOf('BAD_VERSION', request).message, /not at version 3: get it again/)
  assert.match(failureOf('NODE_EXISTS', create).message, /use set\(\) to change it/)
  const { request: numbered } = createCall('/a/n-', '', { sequential: true }, MAX)
  assert.match(failureOf('NODE_EXISTS', numbered).message, /next number exists already: delete it/)
  const { request: get } = getCall('/a', {})
  for (const code of ['OPERATION_TIMEOUT', 'CONNECTION_LOSS'] as const) {
    assert.match(failureOf(code, request).message, /whether it was done is not known/)
    assert.match(failureOf(code, get).message, /nothing was read, so ask again$/)
  }
})
