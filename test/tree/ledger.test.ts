/** What is remembered between two cuts is in proportion to what is there, however much comes and goes. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ByteReader, ByteWriter } from '../../lib/base/bytes.ts'
import { ZXID_ZERO, type Zxid } from '../../lib/base/zxid.ts'
import { Ledger, type Records } from '../../lib/tree/ledger.ts'

/** An item is a place; what is there has a name. */
class Places implements Records<number, number> {
  readonly #marks = new Map<number, number>()

  all(): Iterable<number> {
    return this.#marks.keys()
  }

  markOf(place: number): number {
    return this.#marks.get(place) ?? 0
  }

  setMark(place: number, mark: number): void {
    this.#marks.set(place, mark)
  }

  bornAt(): Zxid {
    return ZXID_ZERO
  }

  write(out: ByteWriter, place: number): void {
    out.u32(place)
  }

  writeTombstone(): void {}
}

function begin(): { readonly out: ByteWriter; readonly ledger: Ledger<number, number> } {
  const out = new ByteWriter()
  return { out, ledger: new Ledger(new Places(), out, ZXID_ZERO) }
}

/** The places in a delta, in the order of their records. */
function delta(out: ByteWriter, ledger: Ledger<number, number>): number[] {
  for (const _ of ledger.cut('delta', 1 as Zxid));
  const from = new ByteReader(out.take())
  const places: number[] = []
  while (!from.done) places.push(from.u32())
  return places
}

describe('a ledger', () => {
  it('forgets what went, wherever that was', () => {
    const { out, ledger } = begin()
    for (const stays of [1, 2, 3]) ledger.created(stays, stays)
    for (let place = 10; place < 50_000; place++) {
      ledger.created(place, place)
      ledger.beforeRemoval(place, place)
      assert.ok(ledger.entries < 3000, `${ledger.entries} entries`)
    }
    assert.deepEqual(delta(out, ledger), [1, 2, 3])
  })

  it('has a place once that is used again and again', () => {
    const { out, ledger } = begin()
    for (const place of [1, 2]) ledger.created(place, place)
    // One of the two is always there.
    for (let times = 0; times < 50_000; times++) {
      const place = 1 + (times % 2)
      ledger.beforeRemoval(place, place)
      ledger.created(place, place)
      assert.ok(ledger.entries < 1100, `${ledger.entries} entries`)
    }
    assert.deepEqual(delta(out, ledger).sort(), [1, 2])
  })

  it('keeps what is there, however much of it', () => {
    const { out, ledger } = begin()
    const stay = Array.from({ length: 5000 }, (_, at) => at)
    for (const place of stay) {
      ledger.created(place, place)
      ledger.created(10_000 + place, 10_000 + place)
      ledger.beforeRemoval(10_000 + place, 10_000 + place)
    }
    assert.deepEqual(delta(out, ledger), stay)
  })
})
