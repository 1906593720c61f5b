/** Handles that cannot be used: each is refused, and none is read in a state in which Node.js crashes. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { TreeError } from '../../lib/base/errors.ts'
import { makeSid } from '../../lib/base/zxid.ts'
import { connect, connectSync } from '../../lib/client/connect.ts'
import { FakeEnsemble } from './fake-ensemble.ts'

function refused(error: unknown): boolean {
  assert.ok(error instanceof TreeError)
  assert.equal(error.code, 'BAD_ARGUMENTS')
  assert.match(error.message, /: take (one|a new handle) from the ensemble$/)
  return true
}

async function refusesBoth(handle: MessagePort): Promise<void> {
  assert.throws(() => connectSync(handle), refused)
  await assert.rejects(connect(handle), refused)
  assert.throws(() => connectSync(handle), refused)
}

test('a used handle', async () => {
  const handle = new FakeEnsemble(1).handle()
  await using tree = await connect(handle)
  await refusesBoth(handle)
  assert.equal(await tree.promises.exists('/a'), null)
})

test('a handle whose session was closed', async () => {
  const handle = new FakeEnsemble(1).handle()
  const tree = await connect(handle)
  await tree.promises.close()
  await refusesBoth(handle)
  await new Promise(setImmediate)
  await refusesBoth(handle)
})

test('a closing handle, one that tells of its end, and a closed one', async () => {
  const handle = new FakeEnsemble(1).handle()
  let inEvent: Promise<void> | undefined
  handle.on('close', () => {
    inEvent = refusesBoth(handle)
  })
  const closed = once(handle, 'close')
  handle.close()
  await refusesBoth(handle)
  await closed
  assert.ok(inEvent !== undefined)
  await inEvent
  await refusesBoth(handle)
})

test('a transferred handle', async () => {
  const handle = new FakeEnsemble(1).handle()
  const { port1, port2 } = new MessageChannel()
  port1.postMessage(handle, [handle])
  await refusesBoth(handle)
  port2.close()
})

test('a port of something else', async () => {
  const { port1, port2 } = new MessageChannel()
  port2.postMessage({ kind: 'hello' })
  await refusesBoth(port1)
})

test('what only looks like a port', async () => {
  await refusesBoth({ postMessage() {} } as never)
  await refusesBoth(Object.create(MessageChannel.prototype) as never)
  await refusesBoth(null as never)
})

test('what waits in a handle survives that it is taken over', async () => {
  const ensemble = new FakeEnsemble(1, 2)
  const [one, two] = [makeSid(1), makeSid(2)]
  const handle = ensemble.handle()
  ensemble.crash(one)
  ensemble.crash(two)
  ensemble.start(two)
  await using tree = await connect(handle)
  assert.equal(tree.state, 'connected')
  assert.equal(ensemble.heard[0]?.sid, two)
})

test('a handle of an ensemble that was closed meanwhile says so', async () => {
  const ensemble = new FakeEnsemble(1)
  const handle = ensemble.handle()
  const another = ensemble.handle()
  ensemble.close()
  const closed = { code: 'CLOSED' }
  assert.throws(() => connectSync(handle), closed)
  await assert.rejects(connect(another), closed)
})

test('a peer that is down can be asked for, one that is not there cannot', async () => {
  const ensemble = new FakeEnsemble(1, 2, 3)
  ensemble.crash(makeSid(3))
  await using tree = await connect(ensemble.handle(), { peer: 3 })
  assert.equal(tree.state, 'connected')
  assert.equal(ensemble.heard[0]?.sid, 1)
  const states: string[] = []
  const onState = (state: string) => states.push(state)
  await assert.rejects(connect(ensemble.handle(), { peer: 4, onState }), {
    code: 'NO_SUCH_PEER',
    message: 'there is no peer 4: choose from 1, 2, 3',
  })
  await new Promise(setImmediate)
  assert.deepEqual(states, [], 'of a session that there is not, nothing is told')
  await assert.rejects(connect(ensemble.handle(), { timeoutMs: Symbol('1') as never }), {
    code: 'BAD_ARGUMENTS',
  })
})
