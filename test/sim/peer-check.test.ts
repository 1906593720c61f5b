/** Peers, disks and whole ensembles that are wrong on purpose. */

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { makeEpoch, makeSid, makeZxid, type Zxid } from '../../lib/base/zxid.ts'
import type { Tree } from '../../lib/tree/tree.ts'
import type { Znode } from '../../lib/tree/znode.ts'
import { broken } from './broken.ts'
import { DiskImage } from './disk-image.ts'
import { checkAtRest, checkDisk, checkLog, checkTree, type TreeLook } from './end-check.ts'
import type { SimEnsemble } from './ensemble.ts'
import { TICK_US } from './knobs.ts'
import { findTogether, stayTogether } from './liveness.ts'
import { checkPositions } from './peer-check.ts'
import { quietEnsemble, restingEnsemble } from './quiet.ts'
import { CHECKS, type Check } from './violation.ts'

const P1 = makeSid(1)
const E2 = makeEpoch(2)
const FOREVER = Number.POSITIVE_INFINITY

function leaderOf({ peers }: SimEnsemble) {
  return peers.find(({ leading }) => leading)!
}

function lookAt(tree: Tree): TreeLook {
  return {
    zxid: tree.zxid,
    nodeCount: tree.nodeCount,
    node: path => tree.node(path),
    session: id => tree.session(id),
    sessions: () => tree.sessions(),
  }
}

describe('the check of a peer', () => {
  test('takes what is true', () => {
    const { ensemble } = restingEnsemble()
    const { peers, check, execution } = ensemble
    assert.ok(check.chronicle.length > 10)
    check.acknowledged(check.chronicle.end.zxid)
    for (const peer of peers) checkAtRest(peer, check.chronicle, execution)
  })

  test('finds what is committed and not on a quorum of disks', () => {
    const { ensemble } = restingEnsemble()
    const { peers, check } = ensemble
    const { zxid } = check.chronicle.end
    peers[0]!.disk.replace(new DiskImage())
    check.acknowledged(zxid)
    peers[1]!.disk.replace(new DiskImage())
    assert.throws(() => check.acknowledged(zxid), broken('QuorumDurability'))
  })

  test('finds a tree ahead of the commit point, and epochs out of order', () => {
    const { history, epochs } = restingEnsemble().ensemble.peers[0]!.zab!
    const { committed } = history
    checkPositions(P1, { history, epochs }, committed)
    const ahead = (): void => checkPositions(P1, { history, epochs }, (committed + 1) as Zxid)
    assert.throws(ahead, broken('AppliedIsCommitted'))
    const { acceptedEpoch } = epochs
    const unpromised = { acceptedEpoch, currentEpoch: makeEpoch(acceptedEpoch + 1) }
    const entering = (): void => checkPositions(P1, { history, epochs: unpromised }, committed)
    assert.throws(entering, broken('EpochOrder'))
    const behind = { acceptedEpoch, currentEpoch: makeEpoch(0) }
    const logging = (): void => checkPositions(P1, { history, epochs: behind }, committed)
    assert.throws(logging, broken('EpochOrder'))
  })

  test('finds an assertion that fails in a peer', () => {
    const { world, ensemble } = restingEnsemble()
    const nonsense = { kind: 'peerFrame', from: makeSid(2), frame: new Uint8Array([255]) } as const
    const taking = (): void => {
      ensemble.peers[0]!.deliver(nonsense)
      world.agenda.runUntil(world.agenda.now + TICK_US)
    }
    assert.throws(taking, broken('Assertion'))
  })
})

describe('the costly checks', () => {
  const { peers, check, execution } = restingEnsemble().ensemble
  const { tree, zab } = peers[0]!
  const { chronicle } = check

  function look(change: Partial<TreeLook>): TreeLook {
    return { ...lookAt(tree!), ...change }
  }

  test('find nodes that are not what was committed', () => {
    checkTree(P1, look({}), execution)
    const node: TreeLook['node'] = path => {
      const found = tree!.node(path)
      const get = (node: Znode, key: keyof Znode) => (key === 'version' ? 99 : node[key])
      return found && (new Proxy(found, { get } as ProxyHandler<Znode>) as Znode)
    }
    const changed = (): void => checkTree(P1, look({ node }), execution)
    assert.throws(changed, broken('Agreement'))
    const more = (): void => checkTree(P1, look({ nodeCount: tree!.nodeCount + 1 }), execution)
    assert.throws(more, broken('Agreement'))
    const older = (): void => checkTree(P1, look({ zxid: makeZxid(makeEpoch(1), 3) }), execution)
    assert.throws(older, broken('Agreement'))
  })

  test('find an ephemeral node without its session', () => {
    const { ensemble } = quietEnsemble(60)
    const peer = leaderOf(ensemble)
    const orphaning = { ...lookAt(peer.tree!), session: () => undefined }
    assert.throws(() => checkTree(P1, orphaning, ensemble.execution), broken('EphemeralOwner'))
  })

  test('find a session that nobody ended', () => {
    const forgetting = (): void => checkTree(P1, look({ sessions: () => [] }), execution)
    assert.throws(forgetting, broken('ExpiryByLeader'))
  })

  test('find a log that is not whole, or not what was delivered', () => {
    const { history } = zab!
    const log = {
      base: history.base,
      committed: history.committed,
      contiguous: () => history.contiguous(),
      groupsAfter: (zxid: Zxid) => history.groupsAfter(zxid),
    }
    checkLog(P1, log, chronicle)
    const holed = { ...log, contiguous: () => false }
    assert.throws(() => checkLog(P1, holed, chronicle), broken('LogContiguity'))
    const beyond = { ...log, base: { zxid: makeZxid(E2, 7), chain: 1 } }
    assert.throws(() => checkLog(P1, beyond, chronicle), broken('PrefixConsistency'))
    const [first] = history.groupsAfter(history.base.zxid)!
    const other = { ...log, groupsAfter: () => [{ ...first!, chain: first!.chain + 1 }] }
    assert.throws(() => checkLog(P1, other, chronicle), broken('Agreement'))
  })

  test('find a disk that cannot be recovered, or to another state', () => {
    const { safe } = peers[0]!.disk
    checkDisk(P1, safe, chronicle)
    const unreadable = safe.copy()
    const { snapshot } = unreadable.heads.at(-1)!
    unreadable.chunks.set(snapshot.id, [{ bytes: new Uint8Array([9, 9, 9]), flaw: undefined }])
    assert.throws(() => checkDisk(P1, unreadable, chronicle), broken('Recovery'))
    const fresh = restingEnsemble().ensemble
    fresh.peers[0]!.disk.replace(new DiskImage())
    const empty = (): void => checkAtRest(fresh.peers[0]!, fresh.check.chronicle, fresh.execution)
    assert.throws(empty, broken('Recovery'))
  })
})

describe('liveness', () => {
  test('takes an ensemble that finds together, and stays so', () => {
    const { world, ensemble } = quietEnsemble(60)
    ensemble.rest()
    findTogether(world, ensemble)
    stayTogether(world, ensemble)
  })

  test('finds an ensemble without a leader', () => {
    const { world, ensemble } = restingEnsemble()
    leaderOf(ensemble).crash(true)
    for (const peer of ensemble.peers) peer.pause(FOREVER)
    assert.throws(() => findTogether(world, ensemble), broken('LeaderInTime'))
  })

  test('finds a peer that serves nobody', () => {
    const { world, ensemble } = restingEnsemble()
    ensemble.peers.find(({ leading }) => !leading)!.crash(true)
    assert.throws(() => findTogether(world, ensemble), broken('Liveness'))
  })

  test('finds a peer whose disk has not what all have', () => {
    const { world, ensemble } = restingEnsemble()
    ensemble.peers.find(({ leading }) => !leading)!.disk.replace(new DiskImage())
    assert.throws(() => findTogether(world, ensemble), broken('Convergence'))
  })

  test('finds a call that does not end', () => {
    const { world, ensemble } = restingEnsemble()
    const [client] = ensemble.clients()
    client!.stall(FOREVER)
    client!.ask({ kind: 'sync' })
    assert.throws(() => findTogether(world, ensemble), broken('CallsEnd'))
  })

  test('finds a call that is answered only because its client went elsewhere', () => {
    const { world, ensemble } = quietEnsemble(60, { coreOnly: 0 })
    ensemble.relieve()
    ensemble.rest()
    world.agenda.runUntil(world.agenda.now + 10 * TICK_US)
    const client = ensemble.clients().find(({ home }) => home !== undefined)!
    // The peer does not take in what it is sent.
    client.home!.receive = () => undefined
    client.ask({ kind: 'sync' })
    client.flush()
    assert.throws(() => findTogether(world, ensemble), broken('CallsEnd'))
  })

  test('finds a leader that is given up without cause', () => {
    const { world, ensemble } = restingEnsemble()
    ensemble.net.replace(ensemble.peers[0]!.sid, ensemble.peers[1]!.sid)
    ensemble.net.replace(ensemble.peers[1]!.sid, ensemble.peers[2]!.sid)
    ensemble.net.replace(ensemble.peers[0]!.sid, ensemble.peers[2]!.sid)
    assert.throws(() => stayTogether(world, ensemble), broken('Liveness'))
  })
})

test('every check in the list is shown to find something', () => {
  const directory = new URL('.', import.meta.url)
  const tests = readdirSync(directory).filter(name => name.endsWith('.test.ts'))
  const source = tests.map(name => readFileSync(new URL(name, directory), 'utf8')).join()
  const unshown = (Object.keys(CHECKS) as Check[]).filter(check => {
    return !source.includes(`broken('${check}')`)
  })
  assert.deepEqual(unshown, [])
})
