import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { InvariantError } from '../../lib/base/assert.ts'
import { Blocks, blockBytesFor } from '../../lib/tree/blocks.ts'

const LARGE = 100_000

interface Held {
  readonly slab: number
  readonly offset: number
  readonly bytes: number
  readonly fill: number
}

function take(blocks: Blocks, bytes: number, fill: number): Held {
  const slab = blocks.slabFor(bytes)
  const offset = blocks.take(slab)
  blocks.bytes(slab).fill(fill, offset, offset + bytes)
  return { slab, offset, bytes, fill }
}

function isWhole(blocks: Blocks, { slab, offset, bytes, fill }: Held): boolean {
  return blocks
    .bytes(slab)
    .subarray(offset, offset + bytes)
    .every(byte => byte === fill)
}

describe('a block', () => {
  it('has room for what it is taken for, and an eighth more at most', () => {
    let before = 0
    for (let bytes = 1; bytes < 70_000; bytes++) {
      const size = blockBytesFor(bytes)
      assert.ok(size >= bytes && size % 8 === 0 && size >= before, `${bytes} bytes in ${size}`)
      assert.ok(size - bytes < Math.max(8, size / 8), `${bytes} bytes in ${size}`)
      before = size
    }
    assert.equal(blockBytesFor(2 ** 20 + 11), 2 ** 20 + 2 ** 17)
  })

  it('is nobody else’s, whatever is taken and given back', () => {
    const small = fc.integer({ min: 1, max: 300 })
    const size = fc.oneof({ weight: 9, arbitrary: small }, fc.integer({ min: 1, max: LARGE }))
    const act = fc.record({ size, gives: fc.boolean(), which: fc.nat() })
    fc.assert(
      fc.property(fc.array(act, { maxLength: 300 }), acts => {
        const blocks = new Blocks()
        const held: Held[] = []
        let count = 0
        for (const { size, gives, which } of acts) {
          if (gives && held.length > 0) {
            const [gone] = held.splice(which % held.length, 1)
            assert.ok(isWhole(blocks, gone!))
            blocks.give(gone!.slab, gone!.offset)
          } else held.push(take(blocks, size, ++count & 0xff))
        }
        for (const one of held) {
          assert.ok(isWhole(blocks, one))
          assert.ok(blocks.fits(one.slab, one.bytes))
        }
      }),
    )
  })

  it('cannot be given back twice', () => {
    const blocks = new Blocks()
    const { slab, offset } = take(blocks, 10, 1)
    blocks.give(slab, offset)
    assert.throws(() => blocks.give(slab, offset), InvariantError)
  })

  it('are counted while they are held', () => {
    const blocks = new Blocks()
    const held = [8, 50, 100, LARGE].map((length, at) => take(blocks, length, at))
    const large = blockBytesFor(LARGE)
    const left = held.map(({ slab, offset }) => {
      const { usedBytes } = blocks
      blocks.give(slab, offset)
      return usedBytes
    })
    assert.deepEqual(left, [8 + 56 + 104 + large, 56 + 104 + large, 104 + large, large])
    assert.equal(blocks.usedBytes, 0)
  })
})

describe('slabs', () => {
  it('are small while little is held, and waste little of much', () => {
    const blocks = new Blocks()
    for (let i = 0; i < 10; i++) take(blocks, 50, i)
    assert.ok(blocks.heldBytes <= 1024, `${blocks.heldBytes} bytes`)
    for (let i = 0; i < 200_000; i++) take(blocks, 111, i)
    assert.ok(blocks.heldBytes < 200_000 * 111 * 1.05, `${blocks.heldBytes} bytes`)
  })

  it('are given back when nothing is in them, but for one of each size', () => {
    const blocks = new Blocks()
    const held = Array.from({ length: 20_000 }, (_, at) => take(blocks, 100, at))
    const large = take(blocks, LARGE, 1)
    assert.ok(blocks.heldBytes > 2_000_000)
    for (const { slab, offset } of [...held, large]) blocks.give(slab, offset)
    assert.ok(blocks.heldBytes <= 1_048_576, `${blocks.heldBytes} bytes`)
    const again = Array.from({ length: 20_000 }, (_, at) => take(blocks, 100, at & 0xff))
    for (const one of again) assert.ok(isWhole(blocks, one))
  })
})
