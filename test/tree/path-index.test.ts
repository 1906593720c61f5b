import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { InvariantError } from '../../lib/base/assert.ts'
import { PathIndex } from '../../lib/tree/path-index.ts'

function slotsOf(index: PathIndex, hash: number): number[] {
  const slots: number[] = []
  for (let at = index.first(hash); at >= 0; at = index.next(hash, at)) slots.push(index.slotAt(at))
  return slots
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
          index.add(hash, slot)
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
  for (let slot = 1; slot <= 50_000; slot++) index.add(hashOf(slot), slot)
  for (let slot = 1; slot <= 50_000; slot += 2) index.remove(hashOf(slot), slot)
  for (let slot = 1; slot <= 50_000; slot++) {
    assert.deepEqual(slotsOf(index, hashOf(slot)), slot % 2 === 0 ? [slot] : [])
  }
  assert.throws(() => index.remove(hashOf(1), 1), InvariantError)
})
