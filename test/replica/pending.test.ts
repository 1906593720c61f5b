import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parentOf, type ZPath } from '../../lib/base/path.ts'
import type { WriteRequest } from '../../lib/base/request.ts'
import type { Txn } from '../../lib/base/txn.ts'
import { Prng } from '../support/prng.ts'
import { Bench, OWNER } from './bench.ts'
import { bytes, CLOSE, create, PASSWORD, remove, SYNC, set } from './support.ts'

/** What an entry lies over because of a transaction: everything whose facts it changes. */
function touched(txn: Txn): string[] {
  const { body, sessionId, cxid } = txn
  const keys = new Set<string>()
  const node = (at: ZPath): void => {
    keys.add(at)
    keys.add(parentOf(at))
  }
  if (cxid > 0 || body.type === 'open' || body.type === 'close') keys.add(`session ${sessionId}`)
  if (body.type === 'attach' && body.granted) keys.add(`session ${sessionId}`)
  if (body.type === 'create') {
    let at = body.path
    node(at)
    for (let n = 0; n < body.parents; n++) {
      at = parentOf(at)
      node(at)
    }
  }
  if (body.type === 'delete') node(body.path)
  if (body.type === 'set') keys.add(body.path)
  if (body.type === 'close') body.ephemerals.forEach(node)
  return [...keys]
}

function randomRequest(prng: Prng): WriteRequest {
  const at = `/${prng.pick(['a', 'b', 'c'])}${prng.chance(0.6) ? `/${prng.pick(['x', 'y'])}` : ''}`
  const version = prng.chance(0.7) ? -1 : prng.between(0, 2)
  switch (prng.between(0, 4)) {
    case 0:
      return set(at, String(prng.u32()), version)
    case 1:
      return remove(at, version)
    case 2:
      return SYNC
    default:
      return create(at, {
        data: bytes(String(prng.u32())),
        ephemeral: prng.chance(0.4),
        sequential: prng.chance(0.2),
        parents: prng.chance(0.4),
      })
  }
}

test('entries live exactly as long as a transaction that changes them is under way', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const prng = new Prng(seed)
    const bench = new Bench()
    const sessions = [bench.open(1), bench.open(2), bench.open(3)]
    for (let step = 0; step < 200; step++) {
      const at = prng.between(0, sessions.length - 1)
      const session = sessions[at]!
      if (prng.chance(0.05)) {
        bench.prepare(session.submission(CLOSE))
        sessions[at] = bench.open(step + 10)
      } else if (prng.chance(0.06)) {
        const { id } = session
        const password = prng.chance(0.5) ? PASSWORD : bytes('wrong')
        bench.prepare({ kind: 'attach', owner: OWNER, connection: step, sessionId: id, password })
      } else bench.prepare(session.submission(randomRequest(prng)))
      if (prng.chance(0.3)) bench.apply(prng.between(1, 12))
      const expected = new Set(bench.inFlight.flatMap(({ txn }) => touched(txn)))
      assert.equal(bench.preparer.pending, expected.size, `seed ${seed}, step ${step}`)
    }
    bench.apply()
    assert.equal(bench.preparer.pending, 0)
  }
})
