/** Faults on demand, with real peers: what each does, and that everything is well again after `heal`. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Ensemble, EnsembleStatus, PeerFailure, Tree } from '../../lib/index.ts'
import { openEnsemble } from '../../lib/index.ts'
import { temporaryDirectory } from '../temporary.ts'
import { failsWith, openStubs, until } from './support.ts'

/** Time-outs of a tenth of the default: what is waited for here is a time-out, mostly. */
const QUICK = { tickMs: 10, restart: { delayMs: 1 } } as const

async function openFive(t: TestContext): Promise<Ensemble> {
  const dataDir = await temporaryDirectory(t)
  const ensemble = await openEnsemble({ ...QUICK, peers: 5, dataDir, durability: 'process' })
  t.after(() => ensemble.close())
  return ensemble
}

async function openThree(t: TestContext, observers = 0): Promise<Ensemble> {
  const peers = [1, 2, 3].map(sid => ({ sid }))
  const others = Array.from({ length: observers }, (_, at) => ({ sid: 4 + at, role: 'observer' }))
  const ensemble = await openEnsemble({
    ...QUICK,
    peers: [...peers, ...(others as { sid: number; role: 'observer' }[])],
    durability: 'memory',
  })
  t.after(() => ensemble.close())
  return ensemble
}

function untilStatus(
  ensemble: Ensemble,
  condition: (status: EnsembleStatus) => boolean,
): Promise<EnsembleStatus> {
  return until(() => ensemble.status(), condition)
}

function peerOf(status: EnsembleStatus, sid: number) {
  return status.peers.find(peer => peer.sid === sid)!
}

/** Waits until all peers serve and have applied the same; their trees must then be equal. */
async function untilLevel(ensemble: Ensemble): Promise<number> {
  const { peers, leader } = await untilStatus(
    ensemble,
    status =>
      status.leader !== undefined &&
      status.peers.every(({ serving, zxid }) => serving && zxid === status.peers[0]!.zxid),
  )
  assert.equal(new Set(peers.map(({ digest }) => digest)).size, 1)
  return leader!
}

/** Waits until another than `sid` leads. */
async function untilDeposed(ensemble: Ensemble, sid: number): Promise<number> {
  const { leader } = await untilStatus(
    ensemble,
    status => status.leader !== undefined && status.leader !== sid,
  )
  return leader!
}

function serves(tree: Tree, path: string): void {
  tree.create(path, 'written')
  tree.sync()
  assert.equal(tree.get(path).data.toString(), 'written')
}

test('a majority goes on without a minority; healed, all are equal', async t => {
  const ensemble = await openFive(t)
  const leader = await untilLevel(ensemble)
  const minority = [leader, leader === 1 ? 2 : 1]
  const majority = [1, 2, 3, 4, 5].filter(sid => !minority.includes(sid))
  const tree = await ensemble.connect({ peer: majority[0] })
  await ensemble.faults.partition([minority, majority])
  await untilStatus(ensemble, status =>
    minority.every(sid => peerOf(status, sid).state === 'looking'),
  )
  assert.ok(majority.includes(await untilDeposed(ensemble, leader)))
  serves(tree, '/by-the-majority')
  const parted = await ensemble.status()
  for (const sid of minority) {
    assert.deepEqual([peerOf(parted, sid).serving, peerOf(parted, sid).nodes], [false, 1])
  }
  await ensemble.faults.heal()
  await untilLevel(ensemble)
  assert.equal(peerOf(await ensemble.status(), leader).nodes, 2)
})

test('peers that are parted by two groups meet over a bridge that is in both', async t => {
  const ensemble = await openThree(t)
  await untilLevel(ensemble)
  await ensemble.faults.partition([
    [1, 2],
    [1, 3],
  ])
  // Peer 1 reaches everybody, so nobody is without a leader for good: whoever leads is seen from there.
  const { leader } = await untilStatus(
    ensemble,
    status => status.leader !== undefined && peerOf(status, 1).serving,
  )
  const tree = await ensemble.connect({ peer: 1 })
  serves(tree, '/over-the-bridge')
  assert.ok(leader !== undefined)
  await ensemble.faults.heal()
  await untilLevel(ensemble)
})

test('a leader that is isolated acknowledges nothing; what it was told is done once', async t => {
  const ensemble = await openThree(t)
  const leader = await untilLevel(ensemble)
  const tree = await ensemble.connect({ peer: leader })
  await ensemble.faults.isolate(leader)
  const before = (await ensemble.status()).peers.map(({ zxid }) => zxid)
  const written = tree.promises.create('/n-', 'x', { sequential: true })
  await untilDeposed(ensemble, leader)
  assert.equal(await written, '/n-0000000000')
  assert.equal(peerOf(await ensemble.status(), leader).zxid, before[leader - 1])
  await ensemble.faults.heal()
  await untilLevel(ensemble)
  assert.deepEqual(await tree.promises.children('/'), ['n-0000000000'])
})

test('without a majority nothing is answered; healed, everything is', async t => {
  const ensemble = await openThree(t)
  await untilLevel(ensemble)
  const tree = await ensemble.connect({ timeoutMs: 600_000, operationTimeoutMs: Infinity })
  await ensemble.faults.partition([[1], [2], [3]])
  let answered = false
  const written = tree.promises.create('/late').then(() => {
    answered = true
  })
  await untilStatus(ensemble, ({ peers }) => peers.every(({ state }) => state === 'looking'))
  assert.equal(answered, false)
  await ensemble.faults.heal()
  await written
  await untilLevel(ensemble)
})

test('a leader that is heard but hears nothing steps down', async t => {
  const ensemble = await openThree(t)
  const leader = await untilLevel(ensemble)
  const others = [1, 2, 3].filter(sid => sid !== leader)
  await ensemble.faults.partition({ from: others, to: leader })
  await untilDeposed(ensemble, leader)
  serves(await ensemble.connect({ peer: others[0] }), '/by-the-others')
  await ensemble.faults.heal()
  await untilLevel(ensemble)
})

for (const busy of [false, true]) {
  const how = busy ? 'busy' : 'asleep'
  test(`a leader that is paused (${how}) is deposed, and knows when it wakes`, async t => {
    const ensemble = await openThree(t)
    const leader = await untilLevel(ensemble)
    // So patient that it stays with its home, and what it asks is the first that the leader hears when it wakes.
    const behind = await ensemble.connect({ peer: leader, timeoutMs: 600_000 })
    behind.create('/value', 'old')
    await ensemble.faults.pause(leader, { busy })
    const next = await untilDeposed(ensemble, leader)
    assert.equal(peerOf(await ensemble.status(), leader).state, 'busy')
    const tree = await ensemble.connect({ peer: next })
    tree.set('/value', 'new')
    const stale = assert.rejects(
      behind.promises.set('/value', 'stale', { version: 0 }),
      failsWith('BAD_VERSION'),
    )
    const read = Promise.all([behind.promises.sync(), behind.promises.get('/value')])
    await ensemble.faults.heal()
    await stale
    assert.equal((await read)[1].data.toString(), 'new')
    await untilLevel(ensemble)
  })
}

test('a pause with a length ends by itself; one that begins is told of', async t => {
  const ensemble = await openThree(t)
  await untilLevel(ensemble)
  await ensemble.faults.pause(1, { ms: 0 })
  await ensemble.faults.pause(1, { ms: 1, busy: true })
  await untilLevel(ensemble)
  // One that has an end is over before the next begins.
  await Promise.all([ensemble.faults.pause(2, { ms: 5 }), ensemble.faults.pause(2, { ms: 1 })])
  await untilLevel(ensemble)
})

test('what stands still already can be paused again, and one heal ends it all', async t => {
  const ensemble = await openThree(t)
  await untilLevel(ensemble)
  await ensemble.faults.pause(2)
  // Behind the first, which only `heal` ends, none of these ever begins.
  await ensemble.faults.pause(2)
  await ensemble.faults.pause(2, { ms: 600_000, busy: true })
  assert.equal(peerOf(await ensemble.status(), 2).state, 'busy')
  await ensemble.faults.heal(2)
  await untilLevel(ensemble)
  // The healed ones are over: this one is told of when it has begun itself.
  const healed = ensemble.faults.heal()
  await ensemble.faults.pause(2)
  assert.equal(peerOf(await ensemble.status(), 2).state, 'busy')
  await ensemble.faults.kill(2)
  await healed
})

test('a killed peer comes back by itself, and is told about', async t => {
  const failures: PeerFailure[] = []
  const dataDir = await temporaryDirectory(t)
  const ensemble = await openEnsemble({
    ...QUICK,
    peers: 3,
    dataDir,
    onPeerFailure: failure => failures.push(failure),
  })
  t.after(() => ensemble.close())
  const leader = await untilLevel(ensemble)
  // Asleep or not: it dies all the same.
  await ensemble.faults.pause(leader)
  await Promise.all([ensemble.faults.kill(leader), ensemble.faults.kill(leader)])
  assert.deepEqual(
    failures.map(({ sid, code, message, restartDelayMs }) => [sid, code, message, restartDelayMs]),
    [[leader, 'PEER_FAILED', 'killed by ensemble.faults', 1]],
  )
  await untilStatus(ensemble, status => peerOf(status, leader).restarts === 1)
  await untilLevel(ensemble)

  // Started by hand at once, it has no second thread; killed for good, it stays down.
  const [, started] = await Promise.all([ensemble.faults.kill(1), ensemble.start(1)])
  assert.equal(started, undefined)
  await untilLevel(ensemble)
  await Promise.all([ensemble.faults.kill(1), ensemble.kill(1)])
  assert.equal(peerOf(await ensemble.status(), 1).state, 'down')
  await ensemble.faults.kill(1)
  await ensemble.faults.pause(1)
  await ensemble.faults.heal()
  assert.equal(peerOf(await ensemble.status(), 1).state, 'down')
})

test('a peer that comes back is as cut off as it was before', async t => {
  const ensemble = await openThree(t, 1)
  const tree = await ensemble.connect({ peer: 1 })
  await untilLevel(ensemble)
  // It hears everything, and says nothing that anybody hears.
  await ensemble.faults.partition({ from: 4, to: [1, 2, 3] })
  await untilStatus(ensemble, status => peerOf(status, 4).state === 'looking')
  await ensemble.faults.kill(4)
  await untilStatus(ensemble, status => peerOf(status, 4).restarts === 1 && peerOf(status, 4).up)
  serves(tree, '/unseen')
  await untilStatus(ensemble, status => peerOf(status, 1).nodes === 2)
  assert.equal(peerOf(await ensemble.status(), 4).nodes, 1)
  await ensemble.faults.heal(4)
  await untilLevel(ensemble)
  assert.equal(peerOf(await ensemble.status(), 4).nodes, 2)
})

test('peers that are cut off from each other are not linked before they are healed', async t => {
  const ensemble = await openStubs(t, { peers: 3, durability: 'memory' })
  // A stub tells of the links that it was greeted on as its nodes.
  const linksOf = async (sid: number) => peerOf(await ensemble.status(), sid).nodes
  const untilLinks = (sid: number, count: number) =>
    until(
      () => linksOf(sid),
      n => n === count,
    )
  for (const sid of [1, 2, 3]) await untilLinks(sid, 2)
  await ensemble.faults.partition([[1, 2], [3]])
  await ensemble.kill(3)
  await ensemble.kill(2)
  await ensemble.start(3)
  await ensemble.start(2)
  await untilLinks(1, 1)
  await untilLinks(2, 1)
  assert.equal(await linksOf(3), 0)
  await ensemble.faults.heal()
  for (const sid of [1, 2, 3]) await untilLinks(sid, 2)
})

test('delayed frames stay in order, and go at once when healed', async t => {
  const ensemble = await openThree(t)
  await untilLevel(ensemble)
  const tree = await ensemble.connect()
  await ensemble.faults.delay({ ms: 1, jitterMs: 3 })
  const sent = Array.from({ length: 50 }, (_, at) =>
    tree.promises.create(at === 0 ? '/list' : `/list/n-`, String(at), { sequential: at > 0 }),
  )
  const paths = await Promise.all(sent)
  assert.deepEqual(paths.slice(1), paths.slice(1).sort())
  await untilLevel(ensemble)
  // A shorter delay is one also for what is held by a longer.
  await ensemble.faults.delay({ ms: 600_000 })
  await untilStatus(ensemble, ({ peers }) => peers.some(({ serving }) => !serving))
  await ensemble.faults.delay({ ms: 1 })
  await tree.promises.create('/hurried')
  // So late that only healing can bring it in time.
  await ensemble.faults.delay({ ms: 600_000 })
  const late = tree.promises.create('/late')
  await ensemble.faults.heal()
  await late
  await untilLevel(ensemble)
})

test('wrong arguments, unknown peers and a closed ensemble are refused', async t => {
  const ensemble = await openThree(t)
  const { faults } = ensemble
  const bad = (...parts: readonly string[]) => failsWith('BAD_ARGUMENTS', ...parts)
  await assert.rejects(faults.kill('1' as never), bad('a number'))
  await assert.rejects(faults.kill(9), failsWith('NO_SUCH_PEER', '1, 2, 3'))
  await assert.rejects(faults.isolate(9), failsWith('NO_SUCH_PEER'))
  await assert.rejects(faults.heal(9), failsWith('NO_SUCH_PEER'))
  await assert.rejects(faults.pause(9), failsWith('NO_SUCH_PEER'))
  await assert.rejects(faults.pause(1, { ms: -1 }), bad('ms'))
  await assert.rejects(faults.pause(1, { ms: Number.NaN }), bad('ms'))
  await assert.rejects(faults.pause(1, { busy: 1 } as never), bad('busy'))
  await assert.rejects(faults.pause(1, { millis: 1 } as never), bad('millis'))
  await assert.rejects(faults.partition([[1], [2]]), bad('peer 3'))
  await assert.rejects(faults.partition([1, 2, 3] as never), bad('groups[0]'))
  await assert.rejects(faults.partition([[1, 2, 9], [3]]), failsWith('NO_SUCH_PEER', '9'))
  await assert.rejects(faults.partition(undefined as never), bad('groups'))
  await assert.rejects(faults.partition({ from: 1 } as never), bad('to'))
  await assert.rejects(faults.partition({ from: 1, to: 2, both: 1 } as never), bad('both'))
  await assert.rejects(faults.delay(undefined as never), bad('ms'))
  await assert.rejects(faults.delay({} as never), bad('ms'))
  await assert.rejects(faults.delay({ ms: 1, jitterMs: -1 }), bad('jitterMs'))
  await assert.rejects(faults.delay({ ms: 1, from: null } as never), bad('from'))
  await untilLevel(ensemble)

  // Closing wakes what sleeps.
  await faults.pause(2)
  await faults.isolate(1)
  await ensemble.close()
  for (const call of [
    () => faults.kill(1),
    () => faults.pause(1),
    () => faults.isolate(1),
    () => faults.partition([[1, 2, 3]]),
    () => faults.delay({ ms: 1 }),
    () => faults.heal(),
  ]) {
    await assert.rejects(call, failsWith('CLOSED'))
  }
})
