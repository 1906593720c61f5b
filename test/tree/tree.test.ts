import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { InvariantError } from '../../lib/base/assert.ts'
import type { ZPath } from '../../lib/base/path.ts'
import { copyStat } from '../../lib/base/stat.ts'
import { makeEpoch, makeZxid, NO_SESSION, type Zxid } from '../../lib/base/zxid.ts'
import { type Applied, Tree } from '../../lib/tree/tree.ts'
import { describeTree } from './describe-tree.ts'
import { createBody, Driver } from './model.ts'
import { draw, runDraw } from './random-steps.ts'

const path = (text: string): ZPath => text as ZPath

function changesOf(applied: Applied): string[] {
  return applied.changes.map(change => `${change.type} ${change.path}`)
}

describe('tree', () => {
  it('starts with the root alone', () => {
    const tree = new Tree()
    assert.equal(tree.nodeCount, 1)
    assert.equal(tree.zxid, 0)
    const root = tree.node(path('/'))!
    assert.equal(tree.digest, root.digest)
    assert.equal(copyStat(root).cversion, 0)
  })

  it('creates a node and tells the watches of it and of its parent, in that order', () => {
    const driver = new Driver()
    const applied = driver.create('/a', 'one')
    assert.deepEqual(changesOf(applied), ['created /a', 'childrenChanged /'])
    const zxid = driver.tree.zxid
    const { time } = driver.log[0]!
    const stat = {
      czxid: zxid,
      mzxid: zxid,
      pzxid: zxid,
      ctime: time,
      mtime: time,
      version: 0,
      cversion: 0,
      aversion: 0,
      ephemeralOwner: 0,
      dataLength: 3,
      numChildren: 0,
    }
    const { outcome } = applied
    assert.deepEqual({ ...outcome, stat: copyStat(outcome.stat!) }, { zxid, path: '/a', stat })
    assert.deepEqual(driver.tree.node(path('/'))!.childNames(), ['a'])
  })

  it('creates missing ancestors, topmost first, in one transaction', () => {
    const { tree, run } = bound(new Driver())
    const applied = run(createBody('/a/b/c', 'x', false, 2))
    assert.deepEqual(changesOf(applied), [
      'created /a',
      'childrenChanged /',
      'created /a/b',
      'childrenChanged /a',
      'created /a/b/c',
      'childrenChanged /a/b',
    ])
    const stats = ['/a', '/a/b', '/a/b/c'].map(at => copyStat(tree.node(path(at))!))
    assert.deepEqual(
      stats.map(stat => [stat.czxid, stat.pzxid, stat.cversion, stat.dataLength]),
      [
        [tree.zxid, tree.zxid, 1, 0],
        [tree.zxid, tree.zxid, 1, 0],
        [tree.zxid, tree.zxid, 0, 1],
      ],
    )
  })

  it('counts creations and deletions of children in cversion, creations in creates', () => {
    const driver = new Driver()
    driver.create('/p')
    driver.create('/p/a')
    driver.create('/p/b')
    const applied = driver.run({ type: 'delete', path: path('/p/a') })
    assert.deepEqual(changesOf(applied), ['deleted /p/a', 'childrenChanged /p'])
    assert.deepEqual(applied.outcome, { zxid: driver.tree.zxid })
    driver.run({ type: 'set', path: path('/p/b'), data: Buffer.from('x'), version: 1 })
    const node = driver.tree.node(path('/p'))!
    const { cversion, numChildren, pzxid, mzxid, czxid, version } = copyStat(node)
    assert.deepEqual(
      { cversion, numChildren, version },
      { cversion: 3, numChildren: 1, version: 0 },
    )
    assert.equal(pzxid, applied.outcome.zxid)
    assert.equal(mzxid, czxid)
    assert.equal(node.creates, 2)
  })

  it('sets data to a copy of its own', () => {
    const driver = new Driver()
    driver.create('/a', 'old')
    const { data: before } = driver.tree.node(path('/a'))!
    const frame = Buffer.from('..new..')
    const data = frame.subarray(2, 5)
    const applied = driver.run({ type: 'set', path: path('/a'), data, version: 1 })
    frame.fill(0)
    const node = driver.tree.node(path('/a'))!
    assert.equal(Buffer.from(node.data).toString(), 'new')
    assert.equal(Buffer.from(before).toString(), 'new', 'the same length takes the same memory')
    assert.deepEqual(changesOf(applied), ['dataChanged /a'])
    const { mzxid, pzxid, czxid, mtime, ctime, version } = applied.outcome.stat!
    assert.deepEqual([mzxid, version, pzxid], [driver.tree.zxid, 1, czxid])
    assert.ok(mtime > ctime)
    driver.run({ type: 'set', path: path('/a'), data: frame, version: 2 })
    assert.deepEqual(driver.tree.node(path('/a'))!.data, new Uint8Array(frame.length))
  })

  it('ends a failed request with its code and changes nothing', () => {
    const driver = new Driver()
    const before = driver.tree.digest
    const { outcome, changes } = driver.run({ type: 'error', code: 'NO_NODE' })
    assert.deepEqual(outcome, { zxid: driver.tree.zxid, code: 'NO_NODE' })
    assert.deepEqual(changes, [])
    assert.equal(driver.tree.digest, before)
  })

  it('refuses a transaction that is not the next one', () => {
    const { tree, model } = new Driver()
    const { txn, zxid, time } = model.step({ type: 'sync' })
    tree.apply(txn, zxid, time)
    for (const wrong of [zxid, zxid - 1, zxid + 2, makeZxid(makeEpoch(4), 2)]) {
      assert.throws(() => tree.apply(txn, wrong as Zxid, time), InvariantError)
    }
    tree.apply(txn, makeZxid(makeEpoch(4), 1), time)
  })

  it('dies when its digest is not the one the leader computed', () => {
    const driver = new Driver()
    const { txn, zxid, time } = driver.model.step(createBody('/a'))
    const wrong = { ...txn, digest: txn.digest ^ 1 }
    assert.throws(() => driver.tree.apply(wrong, zxid, time), /digest mismatch at 0x300000001/)
  })

  it('refuses what the leader must never have let through', () => {
    const setUp = (): Driver => {
      const driver = new Driver()
      driver.create('/a')
      driver.create('/a/b')
      return driver
    }
    const impossible = [
      createBody('/a'),
      createBody('/missing/c'),
      createBody('/e', '', true),
      { type: 'delete', path: path('/a') } as const,
      { type: 'delete', path: path('/missing') } as const,
      { type: 'delete', path: path('/') } as const,
      { type: 'set', path: path('/missing'), data: Buffer.of(), version: 1 } as const,
      { type: 'close', ephemerals: [] } as const,
    ]
    for (const body of impossible) {
      const { tree } = setUp()
      const header = { sessionId: NO_SESSION, cxid: 0, unanswered: 0, digest: 0 }
      const zxid = (tree.zxid + 1) as Zxid
      const notTheDigest = (error: Error): boolean =>
        error instanceof InvariantError && !error.message.includes('digest')
      assert.throws(() => tree.apply({ ...header, body }, zxid, 1), notTheDigest, body.type)
    }
  })

  it('agrees with a naive model, whatever happens', () => {
    fc.assert(
      fc.property(fc.array(draw, { maxLength: 80 }), draws => {
        const driver = new Driver()
        for (const one of draws) runDraw(driver, one)
        const { tree, model } = driver
        assert.equal(tree.digest, model.digest)
        assert.equal(tree.nodeCount, model.nodes.size)
        for (const [at, expected] of model.nodes) {
          const node = tree.node(at)!
          const { children, ...facts } = expected
          for (const [fact, value] of Object.entries(facts)) {
            assert.equal(node[fact as keyof typeof facts], value, fact)
          }
          const stat = copyStat(node)
          assert.equal(stat.numChildren, children)
          assert.equal(stat.cversion, 2 * expected.creates - children)
        }
        for (const [id, { ephemerals }] of model.sessions) {
          assert.deepEqual(tree.session(id)!.ephemerals, ephemerals)
        }
      }),
    )
  })

  it('comes to the same state when the same transactions are applied again', () => {
    fc.assert(
      fc.property(fc.array(draw, { maxLength: 60 }), draws => {
        const driver = new Driver()
        for (const one of draws) runDraw(driver, one)
        const again = new Tree()
        for (const { txn, zxid, time } of driver.log) again.apply(txn, zxid, time)
        assert.deepEqual(describeTree(again), describeTree(driver.tree))
      }),
    )
  })
})

function bound(driver: Driver): { tree: Tree; run: Driver['run'] } {
  return { tree: driver.tree, run: driver.run.bind(driver) }
}
