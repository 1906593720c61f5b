/** Records survive a round trip, and no flipped bit goes unnoticed. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MalformedError } from '../../lib/base/bytes.ts'
import type { Zxid } from '../../lib/base/zxid.ts'
import {
  decodeChunk,
  decodeGroup,
  decodeHead,
  decodeMark,
  decodeMeta,
  encodeChunk,
  encodeGroup,
  encodeHead,
  encodeMark,
  encodeMeta,
  FORMAT,
  formatOf,
} from '../../lib/storage/records.ts'
import { epochs, headAt, LogMaker, pointAfter, SID } from './support.ts'

const META = {
  sid: SID,
  revision: 9,
  epochs: epochs(7, 6),
  committed: 12 as Zxid,
  logStart: pointAfter(3),
  damaged: true,
  tail: pointAfter(4),
}
const GROUP = {
  group: new LogMaker().next('some transactions', { txns: 4 }),
  committed: 17 as Zxid,
  metaRevision: 3,
}
const HEAD = { id: 5, base: 4, chunks: 2, bytes: 300, head: headAt(pointAfter(2), 2 ** 51 + 1) }
const MARK = { revision: 3, tail: pointAfter(5) }
const CHUNK = Buffer.from('a part of the tree')

const RECORDS: Record<
  string,
  { value: Uint8Array; decode: (value: Uint8Array) => unknown; is: unknown }
> = {
  meta: { value: encodeMeta(META), decode: decodeMeta, is: META },
  group: {
    value: encodeGroup(GROUP),
    decode: value => {
      const { group, ...rest } = decodeGroup(value)
      return { group: { ...group, payload: Buffer.from(group.payload) }, ...rest }
    },
    is: GROUP,
  },
  head: { value: encodeHead(HEAD), decode: value => decodeHead(5, value), is: HEAD },
  mark: { value: encodeMark(MARK), decode: decodeMark, is: MARK },
  chunk: {
    value: encodeChunk(5, 1, CHUNK),
    decode: value => Buffer.from(decodeChunk(5, 1, value)),
    is: CHUNK,
  },
}

for (const [name, { value, decode, is }] of Object.entries(RECORDS)) {
  test(`${name}: round trip`, () => assert.deepEqual(decode(value), is))

  test(`${name}: any flipped bit is noticed`, () => {
    for (let at = 0; at < value.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const bad = Uint8Array.from(value)
        bad[at]! ^= 1 << bit
        assert.throws(() => decode(bad), MalformedError, `bit ${bit} of byte ${at}`)
      }
    }
  })

  test(`${name}: any other length is noticed`, () => {
    for (let length = 0; length < value.length; length++) {
      assert.throws(() => decode(value.subarray(0, length)), MalformedError, `${length} bytes`)
    }
    assert.throws(() => decode(Buffer.concat([value, Buffer.of(0)])), MalformedError)
  })

  test(`${name}: is not taken for another kind`, () => {
    for (const other of Object.values(RECORDS)) {
      if (other.decode !== decode) assert.throws(() => other.decode(value), MalformedError)
    }
  })
}

test('a chunk in the place of another is noticed', () => {
  const value = encodeChunk(5, 1, CHUNK)
  assert.throws(() => decodeChunk(5, 2, value), MalformedError)
  assert.throws(() => decodeChunk(6, 1, value), MalformedError)
})

test('the format is known before the rest can be read', () => {
  assert.equal(formatOf(encodeMeta(META)), FORMAT)
  assert.throws(() => formatOf(Buffer.from('anything at all')), MalformedError)
})
