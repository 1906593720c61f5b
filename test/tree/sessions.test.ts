import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { InvariantError } from '../../lib/base/assert.ts'
import type { ZPath } from '../../lib/base/path.ts'
import type { Outcome } from '../../lib/base/reply.ts'
import type { SessionId, Sid } from '../../lib/base/zxid.ts'
import { createBody, Driver, openBody } from './model.ts'

const sync = { type: 'sync' } as const

/** As a session keeps it: what is absent is there, and undefined. */
function kept({ zxid, code, path, stat }: Outcome): Outcome {
  return { zxid, code, path, stat }
}

describe('sessions', () => {
  it('open with the zxid of their opening as their id', () => {
    const driver = new Driver()
    const id = driver.open(4000)
    assert.equal(id, driver.tree.zxid)
    const session = driver.tree.session(id)!
    assert.deepEqual([...session.password], [1, 2, 3])
    assert.deepEqual(
      [session.timeoutMs, session.owner, session.connection, session.lastCxid],
      [4000, 1, 5, 0],
    )
    assert.deepEqual([...driver.tree.sessions()], [session])
  })

  it('keep a copy of the password', () => {
    const driver = new Driver()
    const password = Uint8Array.of(9, 9)
    const { outcome } = driver.run({ ...openBody(), password })
    password.fill(0)
    const session = driver.tree.session(outcome.zxid as number as SessionId)!
    assert.deepEqual([...session.password], [9, 9])
  })

  it('move to another peer only when the attach was granted', () => {
    const driver = new Driver()
    const id = driver.open()
    const attach = { type: 'attach', owner: 2 as Sid, connection: 77 } as const
    driver.run({ ...attach, granted: false }, id)
    assert.equal(driver.tree.session(id)!.owner, 1)
    driver.run({ ...attach, granted: true }, id)
    const { owner, connection } = driver.tree.session(id)!
    assert.deepEqual([owner, connection], [2, 77])
  })

  it('answer a refused attach of a session that is unknown', () => {
    const driver = new Driver()
    const refused = { type: 'attach', owner: 2 as Sid, connection: 7, granted: false } as const
    const { outcome } = driver.run(refused, 12345 as SessionId)
    assert.deepEqual(outcome, { zxid: driver.tree.zxid })
  })

  it('keep the results of as many writes as the client has no answer to', () => {
    const driver = new Driver()
    const id = driver.open()
    const results: unknown[] = []
    for (let unanswered = 1; unanswered <= 3; unanswered++) {
      results.push(kept(driver.run(sync, id, unanswered).outcome))
    }
    const session = driver.tree.session(id)!
    assert.deepEqual(
      [1, 2, 3].map(cxid => session.result(cxid)),
      results,
    )
    results.push(kept(driver.run({ type: 'error', code: 'BAD_VERSION' }, id, 2).outcome))
    assert.deepEqual(
      [1, 2, 3, 4, 5].map(cxid => session.result(cxid)),
      [undefined, undefined, results[2], results[3], undefined],
    )
    assert.equal(session.lastCxid, 4)
    driver.run(sync, id, 4)
    assert.equal(session.result(2), undefined)
    assert.deepEqual(session.result(3), results[2])
  })

  it('refuse a write that was done before, or that left one out', () => {
    for (const wrongBy of [-1, 1]) {
      const driver = new Driver()
      const id = driver.open()
      driver.run(sync, id)
      const { txn, zxid, time } = driver.model.step(sync, id)
      const wrong = { ...txn, cxid: txn.cxid + wrongBy }
      assert.throws(() => driver.tree.apply(wrong, zxid, time), InvariantError)
    }
  })

  it('own ephemeral nodes until these are deleted', () => {
    const driver = new Driver()
    const id = driver.open()
    driver.create('/e', '', id)
    driver.create('/f', '', id)
    assert.equal(driver.tree.node('/e' as ZPath)!.ephemeralOwner, id)
    const other = driver.open()
    driver.run({ type: 'delete', path: '/e' as ZPath }, other)
    assert.deepEqual([...driver.tree.session(id)!.ephemerals], ['/f'])
  })

  it('take their ephemeral nodes along, in the order the leader gave', () => {
    const driver = new Driver()
    const id = driver.open()
    driver.run(createBody('/p/e1', '', true, 1), id)
    driver.create('/p/e2', '', id)
    const ephemerals = ['/p/e2', '/p/e1'] as ZPath[]
    const { outcome, changes } = driver.run({ type: 'close', ephemerals }, id)
    assert.deepEqual(
      changes.map(change => `${change.type} ${change.path}`),
      ['deleted /p/e2', 'childrenChanged /p', 'deleted /p/e1', 'childrenChanged /p'],
    )
    assert.deepEqual(outcome, { zxid: driver.tree.zxid })
    assert.equal(driver.tree.session(id), undefined)
    assert.equal(driver.tree.nodeCount, 2)
    assert.equal(driver.tree.node('/p' as ZPath)!.ephemeralOwner, 0)
  })

  it('may be closed by a write of their own', () => {
    const driver = new Driver()
    const id = driver.open()
    driver.run(sync, id)
    const { txn, zxid, time } = driver.model.step({ type: 'close', ephemerals: [] }, id)
    driver.tree.apply({ ...txn, cxid: 2, unanswered: 1 }, zxid, time)
    assert.equal(driver.tree.session(id), undefined)
  })

  it("refuse to be closed without all their ephemeral nodes, or with another's", () => {
    for (const ephemerals of [[], ['/mine', '/other']] as ZPath[][]) {
      const driver = new Driver()
      const id = driver.open()
      driver.create('/mine', '', id)
      driver.create('/other', '', driver.open())
      const { txn, zxid, time } = driver.model.step({ type: 'close', ephemerals }, id)
      assert.throws(() => driver.tree.apply(txn, zxid, time), /a close names/)
    }
  })
})
