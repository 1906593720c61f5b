import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parentOf, ROOT, type ZPath } from '../../lib/base/path.ts'
import { hashPath } from '../../lib/tree/digest.ts'
import { PackedPath, packedBytes, unpackPath } from '../../lib/tree/packed-path.ts'

const BLOCK_BYTES = 4096
const AT = 64

/** Characters of one and of two bytes, and one of two units; few, so that paths often have much in common. */
const name = fc.array(fc.constantFrom('a', 'b', '~', 'ü', '名', '😀'), { minLength: 1 })
const path = fc
  .array(
    name.map(units => units.join('')),
    { maxLength: 5 },
  )
  .map(names => `/${names.join('/')}` as ZPath)
const asciiPath = path.map(each => each.replaceAll(/[^ -~]+/g, 'c') as ZPath)

/** As a block has it, with bytes of data before and behind. */
function blockOf(packed: PackedPath): { readonly words: Int32Array; readonly bytes: Buffer } {
  const bytes = Buffer.alloc(BLOCK_BYTES, 0x61)
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, BLOCK_BYTES / 4)
  packed.copyTo(words, AT)
  return { words, bytes }
}

function isIn(block: ReturnType<typeof blockOf>, path: PackedPath, packedLength: number): boolean {
  return path.equals(block.words, block.bytes, AT, packedLength)
}

function asciiOf(path: ZPath): { bytes: Uint8Array; at: number; length: number } {
  return { bytes: Buffer.from(`x${path}x`), at: 1, length: path.length }
}

describe('packed paths', () => {
  it('have the hash of their path, and give it back', () => {
    fc.assert(
      fc.property(path, each => {
        const packed = new PackedPath().set(each)
        const { packedLength } = packed
        assert.equal(packed.hash, hashPath(each))
        assert.equal(packedLength >>> 1, each.length)
        const { bytes } = blockOf(packed)
        assert.equal(unpackPath(bytes, AT, packedLength), each)
        assert.equal(unpackPath(bytes, AT, packedLength, 1), each.slice(1))
      }),
    )
  })

  it('equal what stands in a block exactly when it is the same path', () => {
    const packed = new PackedPath()
    fc.assert(
      fc.property(path, path, (one, other) => {
        const { packedLength } = packed.set(one)
        const block = blockOf(packed)
        assert.equal(isIn(block, packed.set(one), packedLength), true)
        assert.equal(isIn(block, packed.set(other), packedLength), one === other)
      }),
    )
  })

  it('differ in whichever byte differs', () => {
    const whole = `/${'b'.repeat(30)}` as ZPath
    for (let length = 2; length <= whole.length; length++) {
      const path = whole.slice(0, length) as ZPath
      const packed = new PackedPath().set(path)
      for (let at = 1; at < length; at++) {
        const block = blockOf(packed)
        block.bytes[AT + at]!++
        assert.equal(isIn(block, packed, packed.packedLength), false, `${path} at ${at}`)
      }
    }
  })

  it('are the same from bytes as from a string', () => {
    fc.assert(
      fc.property(asciiPath, each => {
        const packed = new PackedPath().set(asciiOf(each))
        const { packedLength } = packed
        assert.equal(packed.hash, hashPath(each))
        assert.equal(isIn(blockOf(packed), new PackedPath().set(each), packedLength), true)
      }),
    )
  })

  it('become those of their parents', () => {
    fc.assert(
      fc.property(
        asciiPath.filter(each => each !== ROOT),
        fc.boolean(),
        (each, asBytes) => {
          const packed = new PackedPath().set(asBytes ? asciiOf(each) : each)
          packed.cutToParent()
          const parent = parentOf(each)
          assert.equal(packed.hash, hashPath(parent))
          assert.equal(packed.packedLength, new PackedPath().set(parent).packedLength)
          assert.equal(unpackPath(blockOf(packed).bytes, AT, packed.packedLength), parent)
        },
      ),
    )
  })

  it('may be as long as a path may be', () => {
    for (const character of ['a', '名']) {
      const long = `/${character.repeat(10_000)}` as ZPath
      const packed = new PackedPath().set('/short' as ZPath).set(long)
      const size = packedBytes(packed.packedLength)
      const bytes = Buffer.alloc(size + 8)
      packed.copyTo(new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2), 0)
      assert.equal(unpackPath(bytes, 0, packed.packedLength), long)
      assert.equal(packed.set('/short' as ZPath).hash, hashPath('/short' as ZPath))
    }
  })
})
