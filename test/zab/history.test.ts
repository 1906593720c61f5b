/** What a peer keeps of its log in memory: the same bytes, as long as it is kept, in memory that is used again. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Group, LOG_START } from '../../lib/base/group.ts'
import { HISTORY_BYTES_MAX } from '../../lib/base/limits.ts'
import type { Zxid } from '../../lib/base/zxid.ts'
import { History } from '../../lib/zab/history.ts'
import { KeptPayloads } from '../../lib/zab/kept-payloads.ts'
import { headAt, LogMaker, textOf } from '../storage/support.ts'
import { Prng } from '../support/prng.ts'

const KIB = 1024

function empty(): History {
  return new History({ logStart: LOG_START, base: LOG_START, groups: [], epochEnds: [] })
}

/** Logs a group, and commits it. */
function take(history: History, group: Group): readonly Group[] {
  history.append(group)
  const committed = history.commit(group.last)
  history.trim(group.last)
  return committed
}

function held(history: History): readonly Group[] {
  return history.groupsAfter(history.base.zxid)!
}

test('payloads stay as they are while they are kept', () => {
  const prng = new Prng(3)
  const payloads = new KeptPayloads()
  const kept: { bytes: Uint8Array; value: number; length: number }[] = []
  const memory = new Set<ArrayBufferLike>()
  for (let step = 0; step < 6_000; step++) {
    const value = step % 251
    const length = prng.pick([0, 10, 1_000, 20 * KIB, 200 * KIB])
    const bytes = payloads.keep(new Uint8Array(length).fill(value))
    memory.add(bytes.buffer)
    kept.push({ bytes, value, length })
    const left = prng.chance(0.01) ? 0 : 60
    while (kept.length > left) {
      const oldest = kept.shift()!
      assert.equal(oldest.bytes.length, oldest.length)
      assert.ok(oldest.bytes.every(byte => byte === oldest.value))
      payloads.drop(oldest.bytes)
    }
  }
  assert.ok(memory.size < 60, `${memory.size} pieces of memory`)
})

test('small slabs come first, and a large payload keeps its memory', () => {
  const payloads = new KeptPayloads()
  assert.ok(payloads.keep(new Uint8Array(10)).buffer.byteLength <= 16 * KIB)
  const large = new Uint8Array(300 * KIB)
  assert.equal(payloads.keep(large), large)
  payloads.drop(large)
})

test('what is committed is handed out as it came, and kept elsewhere', () => {
  const history = empty()
  const log = new LogMaker()
  const first = log.next('first')
  const second = log.next('second')
  history.append(first)
  history.append(second)
  const [handed] = history.commit(first.last)
  history.trim(first.last)
  assert.equal(handed, first)
  const [kept, uncommitted] = held(history)
  assert.notEqual(kept!.payload.buffer, first.payload.buffer)
  assert.deepEqual({ ...kept, payload: textOf(kept!.payload) }, { ...first, payload: 'first' })
  assert.equal(uncommitted, second)
  history.truncateAfter({ zxid: first.last, chain: first.chain })
  assert.deepEqual(held(history), [kept])
})

test('memory is bounded, used again, and holds the newest groups', () => {
  const history = empty()
  const log = new LogMaker()
  const memory = new Set<ArrayBufferLike>()
  for (let count = 0; count < 600; count++) {
    take(history, log.next(`group ${count}`, { bytes: 100 * KIB }))
    memory.add(held(history).at(-1)!.payload.buffer)
    if (count % 50 > 0) continue
    const groups = held(history)
    const made = log.made.slice(-groups.length)
    assert.ok(groups.every(({ payload }, at) => Buffer.compare(payload, made[at]!.payload) === 0))
  }
  const bytes = held(history).reduce((sum, { payload }) => sum + payload.length, 0)
  assert.ok(bytes <= HISTORY_BYTES_MAX && bytes > HISTORY_BYTES_MAX - 200 * KIB)
  assert.ok(memory.size < 25, `${memory.size} pieces of memory`)
})

test('what is not durable is not dropped; what goes before it was kept leaves no trace', () => {
  const groups = new LogMaker().many(400, 'group', 100 * KIB)
  const points = groups.map(({ last, chain }) => ({ zxid: last, chain }))
  const history = new History({
    ...{ logStart: LOG_START, base: LOG_START, groups, epochEnds: [points.at(-1)!] },
  })
  history.trim(0 as Zxid)
  assert.equal(held(history).length, groups.length)
  assert.equal(history.commit(points.at(-1)!.zxid).length, groups.length)
  history.trim(points[99]!.zxid)
  assert.equal(held(history).length, 300)
  history.trim(points.at(-1)!.zxid)
  assert.ok(held(history).length < 170)
  assert.equal(textOf(held(history).at(-1)!.payload).slice(0, 9), 'group-399')
  history.install(headAt(points.at(-1)!))
  assert.deepEqual(held(history), [])
})
