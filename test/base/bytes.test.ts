/** Packed bytes: what is written is read, and nothing is read past the end. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ByteReader, ByteWriter, MalformedError } from '../../lib/base/bytes.ts'
import { crc32 } from '../../lib/base/crc32.ts'
import { chainOf, follows, LOG_START, makeGroup } from '../../lib/base/group.ts'
import { makeEpoch, makeZxid } from '../../lib/base/zxid.ts'
import { stringOf } from '../support/ascii-text.ts'

const field = fc.oneof(
  fc.record({ kind: fc.constant('u8' as const), value: fc.nat(255) }),
  fc.record({ kind: fc.constant('u16' as const), value: fc.nat(65_535) }),
  fc.record({ kind: fc.constant('u32' as const), value: fc.nat(2 ** 32 - 1) }),
  fc.record({ kind: fc.constant('i32' as const), value: fc.integer() }),
  fc.record({ kind: fc.constant('u53' as const), value: fc.maxSafeNat() }),
  fc.record({ kind: fc.constant('bool' as const), value: fc.boolean() }),
  fc.record({
    kind: fc.constant('text' as const),
    value: fc.string({ unit: 'binary', maxLength: 200 }),
  }),
  fc.record({ kind: fc.constant('bytes' as const), value: fc.uint8Array({ maxLength: 400 }) }),
)

type Field = typeof field extends fc.Arbitrary<infer T> ? T : never

function write(out: ByteWriter, { kind, value }: Field): void {
  const put = out[kind] as (value: Field['value']) => void
  put.call(out, value)
}

test('fields come back in order, whatever their sizes', () => {
  fc.assert(
    fc.property(fc.array(field, { maxLength: 40 }), fields => {
      const out = new ByteWriter(8)
      for (const each of fields) write(out, each)
      const bytes = out.take()
      const from = new ByteReader(bytes)
      for (const { kind, value } of fields) assert.deepEqual(from[kind](), value)
      assert.ok(from.done)
      assert.equal(out.length, 0)
    }),
  )
})

test('text of every length and kind comes back', () => {
  for (const text of ['', 'a'.repeat(24), 'a'.repeat(25), 'ü'.repeat(30), 'x'.repeat(70_000)]) {
    const out = new ByteWriter()
    out.text(text)
    const bytes = out.take()
    assert.equal(new ByteReader(bytes).text(), text)
    const from = new ByteReader(bytes)
    const view = from.asciiOrText()
    assert.ok(from.done)
    // A view where that is enough.
    assert.equal(typeof view === 'string', text.startsWith('ü'))
    assert.equal(stringOf(view), text)
  }
})

test('a text that says it is ASCII and is not is malformed, unless a string is wanted', () => {
  const out = new ByteWriter()
  out.text('ascii')
  const bytes = out.take()
  bytes[4] = 0xe9
  assert.throws(() => new ByteReader(bytes).asciiOrText(), MalformedError)
  assert.equal(new ByteReader(bytes).text(), 'as\u00e9ii')
})

test('bytes cut off anywhere are malformed, never misread past the end', () => {
  fc.assert(
    fc.property(fc.array(field, { minLength: 1, maxLength: 10 }), fc.nat(), (fields, cut) => {
      const out = new ByteWriter()
      for (const each of fields) write(out, each)
      const bytes = out.take()
      const from = new ByteReader(bytes.slice(0, cut % bytes.length))
      assert.throws(() => {
        for (const { kind } of fields) from[kind]()
      }, MalformedError)
    }),
  )
})

test('memory that was taken is not written to again', () => {
  const out = new ByteWriter(8)
  out.text('first of all')
  const taken = out.take()
  const copy = taken.slice()
  out.text('second of all, and longer')
  assert.deepEqual(taken, copy)
})

/** One bit at a time, as the standard has it. */
function plainCrc32(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return ~crc >>> 0
}

test('the checksum is CRC-32', () => {
  assert.equal(crc32(Buffer.from('123456789')), 0xcbf43926)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ maxLength: 100 }), (a, b) => {
      assert.equal(crc32(a), plainCrc32(a))
      assert.equal(crc32(b, crc32(a)), plainCrc32(Buffer.concat([a, b])))
    }),
  )
})

test('a group follows its point only in place, and with the right chain', () => {
  const epoch = makeEpoch(1)
  const payload = Buffer.from('p')
  const first = makeGroup(LOG_START, makeZxid(epoch, 1), makeZxid(epoch, 3), payload, 9)
  const point = { zxid: first.last, chain: first.chain }
  const next = makeGroup(point, makeZxid(epoch, 4), makeZxid(epoch, 4), payload, 9)
  assert.ok(follows(point, next))
  assert.ok(!follows(LOG_START, next), 'a gap')
  assert.ok(!follows({ ...point, chain: point.chain ^ 1 }, next), 'another past')
  assert.ok(!follows(point, { ...next, crc: 8 }), 'another payload')
  const later = makeZxid(makeEpoch(3), 1)
  const ofNextReign = {
    first: later,
    last: later,
    crc: 0,
    chain: chainOf(point.chain, later, later, 0),
  }
  assert.ok(follows(point, ofNextReign))
  const second = makeZxid(makeEpoch(3), 2)
  assert.ok(
    !follows(point, {
      first: second,
      last: second,
      crc: 0,
      chain: chainOf(point.chain, second, second, 0),
    }),
    'a reign begins with its first',
  )
})
