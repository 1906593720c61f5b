/** The results of a session's writes: columns in a ring hold what a map of objects would. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ErrorCode } from '../../lib/base/errors.ts'
import type { ZPath } from '../../lib/base/path.ts'
import type { Outcome } from '../../lib/base/reply.ts'
import type { SessionId, Zxid } from '../../lib/base/zxid.ts'
import { Results } from '../../lib/tree/results.ts'

const wide = fc.nat({ max: 2 ** 53 - 1 })
const narrow = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const stat = fc.record(
  {
    czxid: wide as fc.Arbitrary<Zxid>,
    mzxid: wide as fc.Arbitrary<Zxid>,
    pzxid: wide as fc.Arbitrary<Zxid>,
    ctime: wide,
    mtime: wide,
    version: narrow,
    cversion: narrow,
    aversion: narrow,
    ephemeralOwner: wide as fc.Arbitrary<SessionId>,
    dataLength: fc.nat(),
    numChildren: fc.nat(),
  },
  { noNullPrototype: true },
)
const outcome: fc.Arbitrary<Outcome> = fc.record(
  {
    zxid: wide as fc.Arbitrary<Zxid>,
    code: fc.constantFrom<ErrorCode | undefined>(undefined, 'NO_NODE', 'BAD_VERSION'),
    path: fc.option(fc.string() as fc.Arbitrary<ZPath>, { nil: undefined }),
    stat: fc.option(stat, { nil: undefined }),
  },
  { noNullPrototype: true },
)

test('what was added is held until it is forgotten, however the ring grows and shrinks', () => {
  const step = fc.record({ outcome, kept: fc.nat({ max: 80 }) })
  fc.assert(
    fc.property(fc.nat({ max: 1000 }), fc.array(step, { maxLength: 300 }), (before, steps) => {
      const results = new Results()
      const model = new Map<number, Outcome>()
      results.startAt(before + 1)
      let cxid = before
      for (const { outcome, kept } of steps) {
        results.add(outcome)
        model.set(++cxid, outcome)
        results.forgetBefore(cxid - kept)
        for (const known of model.keys()) if (known < cxid - kept) model.delete(known)
        assert.equal(results.size, model.size)
      }
      for (let at = before - 1; at <= cxid + 1; at++)
        assert.deepEqual(results.get(at), model.get(at))
    }),
  )
})

test('results are put back only where there are none', () => {
  const results = new Results()
  results.add({ zxid: 1 as Zxid })
  assert.throws(() => results.startAt(7), /put back/)
})
