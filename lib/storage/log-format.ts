/**
 * The format of LevelDB's logs and manifests (LevelDB, doc/log_format.md): records in fragments, none of which crosses
 * the end of a block, each with its own sum.
 */

import { MalformedError } from '../base/bytes.ts'
import { crc32c, unmask } from './crc32c.ts'

export const LOG_NAME = /^(\d+)\.log$/
export const BLOCK_BYTES = 32_768
/** Sum, length and type; the sum is over the type and what follows. */
export const HEADER_BYTES = 7
const LENGTH_AT = 4
const TYPE_AT = 6
const WHOLE = 1
const FIRST = 2
const MIDDLE = 3
const LAST = 4

interface Fragment {
  readonly type: number
  readonly bytes: Buffer
}

/** Whether LevelDB's own sums are compared: no other tells of a manifest, but what we write has sums of ours. */
export type Sums = 'compared' | 'passed over'

/** What is too short for a header, at the end of a block, is padding. */
function* fragmentsOf(block: Buffer, sums: Sums): Generator<Fragment> {
  for (let at = 0; at + HEADER_BYTES <= block.length; ) {
    const start = at + HEADER_BYTES
    const end = start + block.readUInt16LE(at + LENGTH_AT)
    if (end > block.length) throw new MalformedError('a fragment goes beyond its block')
    if (sums === 'compared' && !isSumRight(block, at, end)) {
      throw new MalformedError('a fragment with a wrong sum')
    }
    yield { type: block[at + TYPE_AT]!, bytes: block.subarray(start, end) }
    at = end
  }
}

function isSumRight(block: Buffer, at: number, end: number): boolean {
  return unmask(block.readUInt32LE(at)) === crc32c(block.subarray(at + TYPE_AT, end))
}

/** Takes the blocks of a file one after the other. */
export class RecordReader {
  readonly #sums: Sums
  /** Of a record in several fragments, what has come of it; used again for the next. */
  #memory = Buffer.alloc(0)
  #length = 0
  #isOpen = false

  constructor(sums: Sums) {
    this.#sums = sums
  }

  /** Whether a record has begun and not ended. */
  get isAmidRecord(): boolean {
    return this.#isOpen
  }

  /**
   * The records that end in the block, each to be used before the next is asked for.
   * @throws MalformedError at the first that is not as LevelDB writes them.
   */
  *records(block: Buffer): Generator<Buffer> {
    for (const { type, bytes } of fragmentsOf(block, this.#sums)) {
      const isFirst = type === WHOLE || type === FIRST
      if (type < WHOLE || type > LAST || isFirst === this.#isOpen) {
        throw new MalformedError('a fragment out of place')
      }
      this.#isOpen = type === FIRST || type === MIDDLE
      if (type === WHOLE) {
        yield bytes
        continue
      }
      if (type === FIRST) this.#length = 0
      this.#append(bytes)
      if (type === LAST) yield this.#memory.subarray(0, this.#length)
    }
  }

  #append(bytes: Buffer): void {
    const length = this.#length + bytes.length
    if (length > this.#memory.length) {
      const larger = Buffer.allocUnsafeSlow(2 * length)
      this.#memory.copy(larger, 0, 0, this.#length)
      this.#memory = larger
    }
    bytes.copy(this.#memory, this.#length)
    this.#length = length
  }
}
