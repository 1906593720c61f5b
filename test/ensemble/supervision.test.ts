/** Supervision, with stub peers: starting, linking, noticing deaths, restarting, handles, closing. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type MessagePort, receiveMessageOnPort, type Worker } from 'node:worker_threads'
import { Board } from '../../lib/base/board.ts'
import type { HandleMessage } from '../../lib/base/ports.ts'
import type { Sid } from '../../lib/base/zxid.ts'
import type { Ensemble } from '../../lib/ensemble/ensemble.ts'
import type { PeerFailure } from '../../lib/ensemble/options.ts'
import { temporaryDirectory } from '../temporary.ts'
import { failsWith, openedBy, openStubs, setBehaviour, until } from './support.ts'

const THREE = { peers: 3, durability: 'memory' } as const

/** Orders through a door of a stub peer. */
function order(ensemble: Ensemble, sid: number, what: 'throw' | 'exit'): void {
  const handle = ensemble.handle()
  const { doors } = openedBy(handle)
  doors.find(door => door.sid === sid)!.door.postMessage(what)
}

/** Waits until a stub peer has heard from so many others. */
function untilLinked(ensemble: Ensemble, sid: number, count: number) {
  return until(
    () => ensemble.status(),
    ({ peers }) => peers.find(peer => peer.sid === sid)?.nodes === count,
  )
}

/** Collects the failures that are told, and waits for the next one. */
class Failures {
  readonly all: PeerFailure[] = []
  #tell: () => void = () => undefined
  readonly listener = (failure: PeerFailure): void => {
    this.all.push(failure)
    this.#tell()
  }

  async count(wanted: number): Promise<readonly PeerFailure[]> {
    while (this.all.length < wanted) {
      await new Promise<void>(resolve => {
        this.#tell = resolve
      })
    }
    return this.all
  }
}

async function messagesOf(handle: MessagePort, count: number): Promise<HandleMessage[]> {
  const messages: HandleMessage[] = []
  await until(
    async () => {
      for (;;) {
        const received = receiveMessageOnPort(handle)
        if (received === undefined) return messages.length
        messages.push(received.message)
      }
    },
    length => length >= count,
  )
  return messages
}

test('all peers are linked with each other, and told that they found the ensemble', async t => {
  const ensemble = await openStubs(t, {
    peers: [{ sid: 1 }, { sid: 2 }, { sid: 3, role: 'observer' }, { sid: 9 }],
    durability: 'memory',
  })
  for (const sid of [1, 2, 3, 9]) await untilLinked(ensemble, sid, 3)
  const { leader, peers } = await ensemble.status()
  assert.equal(leader, 9)
  assert.deepEqual(
    peers.map(({ sid, role, state, up, epoch, zxid, restarts }) => [
      ...[sid, role, state, up, epoch, zxid, restarts],
    ]),
    [
      [1, 'participant', 'following', true, 1, 1, 0],
      [2, 'participant', 'following', true, 1, 1, 0],
      [3, 'observer', 'following', true, 1, 1, 0],
      [9, 'participant', 'leading', true, 1, 1, 0],
    ],
  )
})

test('a killed peer stays down until it is started, and is linked again', async t => {
  const failures = new Failures()
  const ensemble = await openStubs(t, { ...THREE, onPeerFailure: failures.listener })
  await ensemble.kill(3)
  await ensemble.kill(3)
  await untilLinked(ensemble, 1, 1)
  const { leader, peers } = await ensemble.status()
  assert.equal(leader, 2)
  assert.deepEqual([peers[2]!.state, peers[2]!.up, peers[2]!.epoch], ['down', false, undefined])

  await ensemble.start(3)
  await ensemble.start(3)
  for (const sid of [1, 2, 3]) await untilLinked(ensemble, sid, 2)
  const again = (await ensemble.status()).peers[2]!
  assert.deepEqual([again.state, again.epoch, again.restarts], ['leading', 2, 1])
  assert.equal(again.zxid, 0, 'with nothing but its memory it does not found the ensemble again')
  assert.deepEqual(failures.all, [])
})

test('no thread is left behind, neither by a kill nor at the end', async t => {
  const threads = new Set<Worker>()
  const onWorker = (worker: Worker): void => {
    threads.add(worker)
    worker.once('exit', () => threads.delete(worker))
  }
  process.on('worker', onWorker)
  t.after(() => process.off('worker', onWorker))
  const ensemble = await openStubs(t, THREE)
  for (let round = 0; round < 4; round++) {
    await ensemble.kill(2)
    assert.equal(threads.size, 2)
    await ensemble.start(2)
    assert.equal(threads.size, 3)
  }
  await Promise.all([ensemble.start(1), ensemble.kill(1), ensemble.kill(1)])
  await ensemble.close()
  // A thread that nobody asked for would begin with the exit of the one it replaces.
  await new Promise(resolve => setImmediate(resolve))
  assert.equal(threads.size, 0)
})

test('a start waits for a thread that is going down; a kill ends one that starts', async t => {
  const ensemble = await openStubs(t, THREE)
  await Promise.all([ensemble.kill(2), ensemble.start(2)])
  await untilLinked(ensemble, 2, 2)

  const killed = ensemble.kill(2)
  const started = ensemble.start(2)
  const refused = assert.rejects(started, failsWith('PEER_FAILED', 'ended before'))
  await Promise.all([killed, ensemble.kill(2), refused])
  const starting = assert.rejects(ensemble.start(2), failsWith('PEER_FAILED', 'ended before'))
  await ensemble.kill(2)
  await starting
  assert.equal((await ensemble.status()).peers[1]!.state, 'down')
})

for (const how of ['throw', 'exit'] as const) {
  test(`a peer that dies (${how}) is told about, shown as down, and started again`, async t => {
    const failures = new Failures()
    const ensemble = await openStubs(t, {
      ...THREE,
      restart: { delayMs: 1 },
      onPeerFailure: failures.listener,
    })
    order(ensemble, 2, how)
    const [failure] = await failures.count(1)
    assert.deepEqual([failure!.sid, failure!.code, failure!.restartDelayMs], [2, 'PEER_FAILED', 1])
    assert.match(failure!.message, how === 'throw' ? /stub 2 was told to throw/ : /code: 7/)
    await untilLinked(ensemble, 2, 2)
    const peer = (await ensemble.status()).peers[1]!
    assert.deepEqual([peer.restarts, peer.lastFailure], [1, failure!.message])
  })
}

test('a peer that dies at once again and again waits longer each time', async t => {
  const failures = new Failures()
  const ensemble = await openStubs(t, {
    ...THREE,
    restart: { delayMs: 1, delayMaxMs: 3_600_000 },
    onPeerFailure: failures.listener,
  })
  setBehaviour(t, { 1: { crash: true } })
  order(ensemble, 1, 'throw')
  await failures.count(5)
  assert.deepEqual(
    failures.all.map(({ restartDelayMs }) => restartDelayMs),
    [1, 2, 4, 8, 16],
  )
  setBehaviour(t, {})
  await ensemble.start(1)
  await untilLinked(ensemble, 1, 2)
})

test('with the policy `never` a dead peer stays down', async t => {
  const failures = new Failures()
  const restart = { policy: 'never' } as const
  const ensemble = await openStubs(t, { ...THREE, restart, onPeerFailure: failures.listener })
  order(ensemble, 1, 'exit')
  const [failure] = await failures.count(1)
  assert.equal(failure!.restartDelayMs, undefined)
  assert.equal((await ensemble.status()).peers[0]!.state, 'down')
  await ensemble.start(1)
  await untilLinked(ensemble, 1, 2)
})

test('a start that fails rejects with the peer’s own failure', async t => {
  const ensemble = await openStubs(t, { ...THREE, restart: { policy: 'never' } })
  await ensemble.kill(2)
  setBehaviour(t, { 2: { refuse: 'DIRECTORY_DAMAGED' } })
  await assert.rejects(ensemble.start(2), failsWith('DIRECTORY_DAMAGED', 'the stub refuses'))
  const peer = (await ensemble.status()).peers[1]!
  assert.deepEqual([peer.state, peer.lastFailure], ['down', 'the stub refuses'])
})

test('a peer that does not answer is busy', async t => {
  setBehaviour(t, { 1: { mute: true } })
  const ensemble = await openStubs(t, THREE)
  const peer = (await ensemble.status()).peers[0]!
  assert.deepEqual([peer.state, peer.up, peer.nodes], ['busy', true, undefined])
})

test('a handle opens with a door to each peer, and gets one for each restart', async t => {
  const ensemble = await openStubs(t, { ...THREE, dataBytesMax: 77 })
  await ensemble.kill(2)
  const handle = ensemble.handle()
  const opened = openedBy(handle)
  assert.equal(opened.dataBytesMax, 77)
  assert.deepEqual(opened.peers, [1, 2, 3])
  assert.deepEqual(
    opened.doors.map(({ sid }) => sid),
    [1, 3],
  )
  const board = new Board(opened.board)
  // The others only just lost a peer: they may still be looking for a leader.
  const roles = async () => ([1, 2, 3] as Sid[]).map(sid => board.role(sid)).join()
  await until(roles, shown => shown === 'following,down,leading')

  await ensemble.start(2)
  const [door] = await messagesOf(handle, 1)
  assert.deepEqual([door!.kind, door!.kind === 'door' && door!.sid], ['door', 2])
  await ensemble.close()
  assert.deepEqual(await messagesOf(handle, 1), [{ kind: 'closed' }])
})

for (const clings of [false, true]) {
  test(`sessions are closed with the ensemble, ${clings ? 'or not' : 'by the leader'}`, async t => {
    setBehaviour(t, { 3: { sessions: 2, clings } })
    const ensemble = await openStubs(t, { peers: 3, dataDir: await temporaryDirectory(t) })
    for (const sid of [1, 2, 3]) await untilLinked(ensemble, sid, 2)
    const { door } = openedBy(ensemble.handle()).doors[2]!
    const told: number[] = []
    door.on('message', (sessions: number) => told.push(sessions))
    await ensemble.close()
    assert.equal(told[0], 2)
    assert.equal(told.length > 1, clings)
  })
}

test('an error in the user’s listener is not swallowed and stops nothing', async t => {
  const thrown: unknown[] = []
  const earlier = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', error => thrown.push(error))
  t.after(() => {
    process.removeAllListeners('uncaughtException')
    for (const listener of earlier) process.on('uncaughtException', listener)
  })
  const mistake = new Error('a mistake of the user')
  const onPeerFailure = (): never => {
    throw mistake
  }
  const ensemble = await openStubs(t, { ...THREE, restart: { delayMs: 1 }, onPeerFailure })
  order(ensemble, 2, 'throw')
  await until(
    () => ensemble.status(),
    ({ peers }) => peers[1]!.restarts === 1 && peers[1]!.up,
  )
  assert.deepEqual(thrown, [mistake])
})

test('unknown peers and a closed ensemble are refused', async t => {
  const ensemble = await openStubs(t, THREE)
  await assert.rejects(ensemble.kill(4), failsWith('NO_SUCH_PEER', '1, 2, 3'))
  await assert.rejects(ensemble.start(0), failsWith('NO_SUCH_PEER'))
  const noNumber = failsWith('BAD_ARGUMENTS', 'a number')
  for (const sid of ['2', Symbol('2'), undefined, null, { sid: 2 }]) {
    await assert.rejects(ensemble.kill(sid as unknown as number), noNumber)
    await assert.rejects(ensemble.start(sid as unknown as number), noNumber)
  }
  await Promise.all([ensemble.close(), ensemble.close()])
  await ensemble.close()
  await ensemble[Symbol.asyncDispose]()
  const closed = failsWith('CLOSED')
  assert.throws(() => ensemble.handle(), closed)
  for (const call of [
    () => ensemble.connect(),
    () => ensemble.status(),
    () => ensemble.kill(1),
    () => ensemble.start(1),
  ]) {
    await assert.rejects(call, closed)
  }
})

test('a peer that waits for its restart is not started once the ensemble is closed', async t => {
  const failures = new Failures()
  const ensemble = await openStubs(t, {
    ...THREE,
    restart: { delayMs: 1 },
    onPeerFailure: failures.listener,
  })
  setBehaviour(t, { 2: { crash: true } })
  order(ensemble, 2, 'exit')
  const told = (await failures.count(3)).length
  await ensemble.close()
  assert.equal(failures.all.length, told)
})
