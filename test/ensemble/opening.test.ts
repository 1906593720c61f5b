/** The opening of an ensemble, with stub peers: what is waited for, what is not, and what makes it fail. */

import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Board } from '../../lib/base/board.ts'
import type { Sid } from '../../lib/base/zxid.ts'
import type { PeerFailure } from '../../lib/ensemble/options.ts'
import { temporaryDirectory } from '../temporary.ts'
import { failsWith, openedBy, openStubs, setBehaviour, until } from './support.ts'

const THREE = { peers: 3, durability: 'memory' } as const
const PATIENCE_MS = 10_000
/** Nobody waits so long: what should not be waited for is not, or the test does not end. */
const FOR_EVER_MS = 2 ** 31 - 1

/** For what must be so when the time is over that peers have to start: a busy machine may need more of it. */
async function withTimeToStart(attempt: (timeMs: number) => Promise<void>): Promise<void> {
  for (const timeMs of [1_000, 5_000]) {
    try {
      return await attempt(timeMs)
    } catch {}
  }
  await attempt(25_000)
}

/** An ensemble that has served before, with something in each peer's directory. */
async function formStubs(t: TestContext): Promise<string> {
  const dataDir = await temporaryDirectory(t)
  const first = await openStubs(t, { peers: 3, dataDir })
  for (const sid of [1, 2, 3]) await writeFile(join(dataDir, `peer-${sid}`, 'CURRENT'), 'something')
  await first.close()
  return dataDir
}

test('a peer that cannot start makes the opening fail, and nothing stays', async t => {
  const dataDir = await temporaryDirectory(t)
  setBehaviour(t, { 2: { refuse: 'FORMAT_TOO_NEW' } })
  await assert.rejects(openStubs(t, { peers: 3, dataDir }), error => {
    assert.equal((error as { path?: string }).path, '/stub')
    return failsWith('FORMAT_TOO_NEW', 'peer 2 cannot start', 'the stub refuses')(error)
  })
  assert.deepEqual(await readdir(dataDir), [])

  setBehaviour(t, { 2: { crash: true } })
  await assert.rejects(
    openStubs(t, { peers: 3, dataDir }),
    failsWith('PEER_FAILED', 'stub 2 crash'),
  )
  setBehaviour(t, {})
  await (await openStubs(t, { peers: 3, dataDir })).close()
})

test('no leader in time: NO_QUORUM tells how each peer was', async t => {
  setBehaviour(t, { 1: { idle: true }, 2: { hang: true }, 3: { idle: true } })
  const dataDir = join(await temporaryDirectory(t), 'data')
  const states = ['peer 1 is looking', 'peer 2 is starting']
  await withTimeToStart(openTimeoutMs =>
    assert.rejects(
      openStubs(t, { peers: 3, dataDir, openTimeoutMs }),
      failsWith('NO_QUORUM', `${openTimeoutMs} ms`, ...states, 'openTimeoutMs'),
    ),
  )
  await assert.rejects(readdir(dataDir), { code: 'ENOENT' })
})

test('an ensemble is open when a quorum serves and all stores are open', async t => {
  const dataDir = await formStubs(t)
  setBehaviour(t, { 1: { slow: true } })
  const ensemble = await openStubs(t, { peers: 3, dataDir, openTimeoutMs: FOR_EVER_MS })
  const { leader, peers } = await ensemble.status()
  assert.equal(leader, 3)
  assert.deepEqual([peers[0]!.state, peers[0]!.up], ['starting', false])
})

for (const durability of ['memory', 'process'] as const) {
  test(`a new ensemble (${durability}) is open when all its peers serve`, async t => {
    setBehaviour(t, { 1: { late: true }, 4: { late: true } })
    const dataDir = durability === 'memory' ? {} : { dataDir: await temporaryDirectory(t) }
    const peers = [{ sid: 1 }, { sid: 2 }, { sid: 3 }, { sid: 4, role: 'observer' as const }]
    const options = { ...dataDir, peers, durability, openTimeoutMs: FOR_EVER_MS }
    const ensemble = await openStubs(t, options)
    const { peers: found } = await ensemble.status()
    assert.deepEqual(
      found.map(({ serving }) => serving),
      [true, true, true, true],
    )
  })
}

test('a peer that is up later needs nothing of a blocked thread', async t => {
  const dataDir = await formStubs(t)
  setBehaviour(t, { 1: { late: true } })
  const ensemble = await openStubs(t, { peers: 3, dataDir })
  const opened = openedBy(ensemble.handle())
  const board = new Board(opened.board)
  const rest = new Int32Array(new SharedArrayBuffer(4))
  const end = performance.now() + PATIENCE_MS
  while (board.role(1 as Sid) !== 'following' && performance.now() < end) {
    Atomics.wait(rest, 0, 0, 1)
  }
  assert.equal(board.role(1 as Sid), 'following')
  assert.deepEqual(
    opened.doors.map(({ sid }) => sid),
    [1, 2, 3],
  )
  // Its reports wait in the port.
  assert.equal((await ensemble.status()).peers[0]!.state, 'following')
})

test('a thread that was blocked beyond the time-out hears first what has come by then', async t => {
  const openTimeoutMs = 100
  const rest = new Int32Array(new SharedArrayBuffer(4))
  await withTimeToStart(async blockedMs => {
    const opening = openStubs(t, { ...THREE, openTimeoutMs })
    // Behind an immediate timers come first, and only then what the ports have.
    await new Promise(setImmediate)
    Atomics.wait(rest, 0, 0, blockedMs)
    await opening
  })
})

test('who dies before the ensemble is open is told of afterwards', async t => {
  const dataDir = await formStubs(t)
  setBehaviour(t, { 1: { hang: true }, 3: { diesOnce: true } })
  let told: unknown[] = []
  // The opening takes all of its time, for a store that does not open: enough for another peer to die.
  await withTimeToStart(async openTimeoutMs => {
    const found: unknown[] = []
    told = found
    let isOpen = false
    const onPeerFailure = ({ sid }: PeerFailure): void => void found.push([isOpen, sid])
    await using ensemble = await openStubs(t, { peers: 3, dataDir, openTimeoutMs, onPeerFailure })
    isOpen = true
    await until(
      () => ensemble.status(),
      ({ peers }) => found.length > 0 && peers[2]!.restarts === 1,
    )
  })
  assert.deepEqual(told, [[true, 3]])
})

test('a peer that died and is not started again is not waited for', async t => {
  setBehaviour(t, { 3: { diesOnce: true } })
  const restart = { policy: 'never' } as const
  const ensemble = await openStubs(t, { ...THREE, restart, openTimeoutMs: FOR_EVER_MS })
  await until(
    () => ensemble.status(),
    ({ leader, peers }) => leader === 2 && peers[2]!.state === 'down',
  )
})

test('a store that needs too long is not waited for once a leader serves', async t => {
  setBehaviour(t, { 2: { hang: true } })
  await withTimeToStart(async openTimeoutMs => {
    await using ensemble = await openStubs(t, { ...THREE, openTimeoutMs })
    const { peers } = await ensemble.status()
    assert.deepEqual(
      peers.map(({ state }) => state),
      ['following', 'starting', 'leading'],
    )
  })
})

test('sessions of an earlier life are closed before the ensemble is open', async t => {
  const dataDir = await formStubs(t)
  // So that it does not lead for the moment before it has heard from the third.
  setBehaviour(t, { 1: { sessions: 2 }, 2: { idle: true }, 3: { sessions: 2 } })
  const ensemble = await openStubs(t, { peers: 3, dataDir })
  await Promise.all([1, 2, 3].map(sid => ensemble.start(sid)))
  const { peers } = await ensemble.status()
  assert.deepEqual(
    peers.map(({ sessions }) => sessions),
    [2, 0, 0],
    'it is the leader’s to do',
  )
})

test('the opening does not wait for sessions that cannot be closed in time', async t => {
  const dataDir = await formStubs(t)
  setBehaviour(t, { 2: { idle: true }, 3: { sessions: 2, clings: true } })
  await withTimeToStart(async openTimeoutMs => {
    await using ensemble = await openStubs(t, { peers: 3, dataDir, openTimeoutMs })
    assert.equal((await ensemble.status()).peers[2]!.sessions, 2)
  })
})
