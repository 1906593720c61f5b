/** The system refuses a thread: the peer has failed, like one that died at once, and everybody hears of it. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { PeerFailure } from '../../lib/ensemble/options.ts'
import { failsWith, openStubs, until } from './support.ts'

const THREE = { peers: 3, durability: 'memory' } as const

/** Lets each new thread be refused, in the same call as by a limit: for an option that lacks its value. */
function refuseThreads(t: TestContext): () => void {
  const before = process.execArgv
  process.execArgv = ['--input-type=module', '--conditions']
  const allow = (): void => {
    process.execArgv = before
  }
  t.after(allow)
  return allow
}

test('while the ensemble is opened', async t => {
  refuseThreads(t)
  await assert.rejects(
    openStubs(t, { ...THREE, openTimeoutMs: 2 ** 31 - 1 }),
    failsWith('PEER_FAILED', 'cannot start: no thread', 'limit of threads'),
  )
})

test('to a peer that is started again by hand', async t => {
  const ensemble = await openStubs(t, { ...THREE, restart: { policy: 'never' } })
  await ensemble.kill(1)
  const allow = refuseThreads(t)
  await assert.rejects(ensemble.start(1), failsWith('PEER_FAILED', 'no thread'))
  const { peers } = await ensemble.status()
  assert.deepEqual([peers[0]!.state, peers[0]!.restarts], ['down', 0])
  assert.match(peers[0]!.lastFailure!, /no thread/)
  allow()
  await ensemble.start(1)
  assert.equal((await ensemble.status()).peers[0]!.restarts, 1)
})

test('to a peer that is started again by itself, which tries again', async t => {
  const failures: PeerFailure[] = []
  const restart = { policy: 'always', delayMs: 20, delayMaxMs: 20 } as const
  const onPeerFailure = (failure: PeerFailure): void => void failures.push(failure)
  const ensemble = await openStubs(t, { ...THREE, restart, onPeerFailure })
  const allow = refuseThreads(t)
  await ensemble.faults.kill(1)
  await until(
    async () => failures.filter(({ message }) => message.startsWith('no thread')).length,
    count => count > 1,
  )
  allow()
  await until(
    () => ensemble.status(),
    ({ peers }) => peers[0]!.serving,
  )
  assert.equal(failures.at(-1)!.restartDelayMs, 20)
})
