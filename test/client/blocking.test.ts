/** The blocking face: everything must work while no event loop turns in the calling thread. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TreeError } from '../../lib/base/errors.ts'
import { connectSync } from '../../lib/client/connect.ts'
import type { ConnectOptions } from '../../lib/client/options.ts'
import type { Tree } from '../../lib/client/tree.ts'
import { COMMANDS } from './fake-commands.ts'
import { FakeThread } from './fake-thread.ts'

function failsWith(code: string): (error: unknown) => boolean {
  return error => error instanceof TreeError && error.code === code
}

/** Runs `body` with a session, and makes sure that the event loop did not turn meanwhile. */
async function blocking(body: (tree: Tree) => void, options?: ConnectOptions): Promise<void> {
  await using thread = new FakeThread()
  const handle = await thread.handle()
  let turned = false
  setImmediate(() => {
    turned = true
  })
  const tree = connectSync(handle, options)
  body(tree)
  tree.close()
  assert.equal(tree.state, 'closed')
  assert.equal(turned, false, 'the event loop turned')
}

test('every call blocks and returns its value', () =>
  blocking(tree => {
    assert.equal(tree.state, 'connected')
    assert.ok(tree.sessionId > 0)
    assert.equal(tree.create('/a', 'one'), '/a')
    assert.equal(tree.create('/a/n-', '', { sequential: true }), '/a/n-0000000000')
    const { data, stat } = tree.get('/a')
    assert.ok(Buffer.isBuffer(data))
    assert.equal(data.toString(), 'one')
    assert.equal(tree.set('/a', Buffer.from('two'), { version: stat.version }).version, 1)
    assert.equal(tree.exists('/a')?.dataLength, 3)
    assert.equal(tree.exists('/b'), null)
    assert.deepEqual(tree.children('/a'), ['n-0000000000'])
    tree.sync()
    tree.delete('/a/n-0000000000')
    assert.deepEqual(tree.children('/a'), [])
  }))

test('a failure is thrown where the call is made, and says what to do', () =>
  blocking(tree => {
    assert.throws(() => tree.get('/missing'), failsWith('NO_NODE'))
    assert.throws(
      () => tree.create('/a/b'),
      /\/a does not exist: create it first, or pass \{ parents: true \}/,
    )
    tree.create('/a')
    assert.throws(() => tree.set('/a', '', { version: 7 }), failsWith('BAD_VERSION'))
    assert.throws(
      () => tree.get('/missing'),
      (error: Error) => error.stack?.includes('blocking.test.ts') === true,
    )
  }))

test('a watch is told before the call returns that shows its change', () =>
  blocking(tree => {
    const told: string[] = []
    tree.create('/a', 'old')
    tree.get('/a', { watch: event => told.push(`${event.type} ${event.path}`) })
    tree.set('/a', 'new')
    assert.deepEqual(told, ['dataChanged /a'])
    tree.set('/a', 'newer')
    assert.equal(told.length, 1, 'a watch fires once')
  }))

test('a watch function can block on the same session', () =>
  blocking(tree => {
    const seen: string[] = []
    const follow = (): void => {
      seen.push(tree.get('/a', { watch: follow }).data.toString())
    }
    tree.create('/a', '0')
    follow()
    tree.set('/a', '1')
    tree.set('/a', '2')
    assert.deepEqual(seen, ['0', '1', '2'])
  }))

test('promise calls made before a blocking one are done before it', () =>
  blocking(tree => {
    tree.create('/a', '0')
    void tree.promises.set('/a', '1')
    void tree.promises.set('/a', '2')
    assert.equal(tree.get('/a').data.toString(), '2')
  }))

test('fails over when the peer dies before it has done the write', () =>
  blocking(
    tree => {
      tree.create('/a')
      assert.equal(tree.set('/a', COMMANDS.crashBefore).version, 1)
    },
    { timeoutMs: 5000 },
  ))

test('a write whose answer was lost with its peer is done once', () =>
  blocking(tree => {
    tree.create('/a')
    assert.equal(tree.set('/a', COMMANDS.crashAfter).version, 1)
    assert.equal(tree.get('/a').stat.version, 1)
    assert.equal(tree.state, 'connected')
  }))

test('watches move to the next peer and tell what was missed', () =>
  blocking(tree => {
    const told: string[] = []
    tree.create('/a')
    tree.get('/a', { watch: event => told.push(event.type) })
    tree.exists('/b', { watch: event => told.push(event.type) })
    tree.set('/a', COMMANDS.crashAfter)
    assert.deepEqual(told, ['dataChanged'])
    tree.create('/b')
    assert.deepEqual(told, ['dataChanged', 'created'])
  }))

test('goes on with a peer that was started again while all were down', () =>
  blocking(tree => {
    const states: string[] = []
    tree.create('/a')
    assert.equal(tree.set('/a', COMMANDS.restartAll).version, 1)
    assert.deepEqual(states, [])
    assert.equal(tree.get('/a').data.toString(), COMMANDS.restartAll)
  }))

test('a silent peer is left for the one that leads', () =>
  blocking(
    tree => {
      tree.create('/a')
      assert.equal(tree.set('/a', COMMANDS.depose).version, 1)
    },
    { timeoutMs: 300 },
  ))

test('every wait has an end', () =>
  blocking(
    tree => {
      tree.create('/a')
      assert.throws(() => tree.set('/a', COMMANDS.mute), failsWith('OPERATION_TIMEOUT'))
      assert.throws(() => tree.get('/a'), failsWith('OPERATION_TIMEOUT'))
    },
    { operationTimeoutMs: 60, timeoutMs: 300 },
  ))

test('an expired session fails what is under way and all that follows', async () => {
  await using thread = new FakeThread()
  const states: string[] = []
  const tree = connectSync(await thread.handle(), { onState: state => states.push(state) })
  tree.create('/a')
  assert.throws(() => tree.set('/a', COMMANDS.expire), failsWith('SESSION_EXPIRED'))
  assert.throws(() => tree.get('/a'), failsWith('SESSION_EXPIRED'))
  tree.close()
  assert.deepEqual(states, ['connected', 'expired'])
})
