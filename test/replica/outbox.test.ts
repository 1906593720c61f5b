/** Frames of one turn: full ones leave first, and nothing of a line is lost, doubled or out of order. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Line } from '../../lib/replica/order.ts'
import { Outbox } from '../../lib/replica/outbox.ts'

const FULL_BYTES = 4

function told(frames: readonly { connection: number; frame: Uint8Array }[]): [number, number[]][] {
  return frames.map(({ connection, frame }) => [connection, [...frame]])
}

test('a frame that is full can be had at once, the rest comes with the others', () => {
  const outbox = new Outbox(FULL_BYTES)
  const [one, two] = [new Line(1), new Line(2)]
  outbox.to(two).u8(20)
  for (const byte of [1, 2, 3, 4, 5]) {
    outbox.to(one).u8(byte)
    outbox.closeIfFull(one)
  }
  assert.ok(outbox.hasFull)
  assert.deepEqual(told(outbox.takeFull()), [[1, [1, 2, 3, 4]]])
  assert.ok(!outbox.hasFull)
  assert.deepEqual(told(outbox.take()), [
    [2, [20]],
    [1, [5]],
  ])
})

test('full frames that nobody took come before what was said after them, and none is empty', () => {
  const outbox = new Outbox(FULL_BYTES)
  const line = new Line(1)
  for (const byte of [1, 2, 3, 4]) outbox.to(line).u8(byte)
  outbox.closeIfFull(line)
  assert.deepEqual(told(outbox.take()), [[1, [1, 2, 3, 4]]])
  outbox.to(line).u8(5)
  assert.deepEqual(told(outbox.take()), [[1, [5]]])
  assert.deepEqual(outbox.take(), [])
})
