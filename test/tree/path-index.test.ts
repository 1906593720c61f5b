import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { InvariantError } from '../../lib/base/assert.ts'
import { PathIndex } from '../../lib/tree/path-index.ts'

const slabOf = (slot: number): number => slot + 1000
const offsetOf = (slot: number): number => slot + 2000

/** The slots with a hash, each of which is found with its own place. */
function slotsOf(index: PathIndex, hash: number): number[] {
  const slots: number[] = []
  const table = index.tableOf(hash)
  for (let at = table.first(hash); at >= 0; at = table.next(hash, at)) {
    const slot = table.slotAt(at)
    assert.deepEqual([table.slabAt(at), table.offsetAt(at)], [slabOf(slot), offsetOf(slot)])
    slots.push(slot)
  }
  return slots
}

function add(index: PathIndex, hash: number, slot: number): void {
  index.add(hash, slot, slabOf(slot), offsetOf(slot))
}

/** Few hashes, whose homes are side by side at both ends of the table, so that they meet each other. */
const HASHES = Array.from({ length: 40 }, (_, at) => ((at % 5) - 2) * 2 ** 24 + (at >> 3))

it('finds what has a hash, whatever came and went', () => {
  const act = fc.record({ hash: fc.nat({ max: HASHES.length - 1 }), adds: fc.boolean() })
  fc.assert(
    fc.property(fc.array(act, { maxLength: 200 }), acts => {
      const index = new PathIndex()
      const model = new Map<number, number[]>(HASHES.map(hash => [hash, []]))
      let slot = 0
      let size = 0
      for (const { hash: which, adds } of acts) {
        const hash = HASHES[which]!
        const slots = model.get(hash)!
        if (adds || slots.length === 0) {
          slots.push(++slot)
          add(index, hash, slot)
          size++
        } else {
          index.remove(hash, slots.shift()!)
          size--
        }
        assert.equal(index.size, size)
      }
      for (const [hash, slots] of model) {
        assert.deepEqual(slotsOf(index, hash).sort(), slots.sort())
      }
    }),
  )
})

it('grows with what is in it', () => {
  const index = new PathIndex()
  const hashOf = (slot: number): number => Math.imul(slot, 0x9e3779b1)
  for (let slot = 1; slot <= 50_000; slot++) add(index, hashOf(slot), slot)
  for (let slot = 1; slot <= 50_000; slot += 2) index.remove(hashOf(slot), slot)
  for (let slot = 1; slot <= 50_000; slot++) {
    assert.deepEqual(slotsOf(index, hashOf(slot)), slot % 2 === 0 ? [slot] : [])
  }
  assert.throws(() => index.remove(hashOf(1), 1), InvariantError)
})

it('keeps together what no bit tells apart', () => {
  const index = new PathIndex()
  const hashOf = (slot: number): number => Math.imul(slot, 0x9e3779b1) & ~1
  for (let slot = 1; slot <= 4000; slot++) add(index, -1, slot)
  for (let slot = 4001; slot <= 20_000; slot++) add(index, hashOf(slot), slot)
  assert.equal(slotsOf(index, -1).length, 4000)
  for (let slot = 1; slot <= 4000; slot++) index.remove(-1, slot)
  assert.deepEqual(slotsOf(index, -1), [])
  for (let slot = 4001; slot <= 20_000; slot++) {
    assert.ok(slotsOf(index, hashOf(slot)).includes(slot))
  }
  assert.equal(index.size, 16_000)
})

/** Wherever the lower bits of a hash may lead. */
function tablesOf(index: PathIndex): number {
  return new Set(Array.from({ length: 2 ** 16 }, (_, hash) => index.tableOf(hash))).size
}

/** Hashes that have their lower half in common, and stand all over a table. */
function alike(low: number, slot: number): number {
  return (Math.imul(slot, 0x9e3779b1) << 16) | low
}

it('shrinks with what is in it, whichever hashes came and went', () => {
  const index = new PathIndex()
  const kept = [1, 2, 3, 4, 5]
  for (const slot of kept) add(index, Math.imul(slot, 0x9e3779b1), slot)
  for (const low of [0, 0x5555, 0xffff]) {
    for (let slot = 6; slot <= 8000; slot++) add(index, alike(low, slot), slot)
    assert.ok(tablesOf(index) > 8)
    for (let slot = 6; slot <= 8000; slot++) index.remove(alike(low, slot), slot)
    assert.equal(tablesOf(index), 1)
  }
  for (const slot of kept) assert.deepEqual(slotsOf(index, Math.imul(slot, 0x9e3779b1)), [slot])
  assert.equal(index.size, kept.length)
})

it('makes one table only of two that were one', () => {
  const index = new PathIndex()
  for (const slot of [1, 2]) add(index, 3, slot)
  for (let slot = 3; slot <= 8000; slot++) add(index, alike(0, slot), slot)
  // Its table is nearly empty, and so is a part of what the other half was divided into.
  index.remove(3, 1)
  assert.deepEqual(slotsOf(index, 3), [2])
  for (let slot = 3; slot <= 8000; slot++) {
    assert.deepEqual(slotsOf(index, alike(0, slot)), [slot])
  }
})

it('tells where a block is now', () => {
  const index = new PathIndex()
  for (const slot of [1, 2, 3]) index.add(7, slot, 0, 0)
  for (const slot of [3, 1, 2]) index.move(7, slot, slabOf(slot), offsetOf(slot))
  assert.deepEqual(slotsOf(index, 7).sort(), [1, 2, 3])
  assert.throws(() => index.move(7, 4, 0, 0), InvariantError)
})
