/** The promise face: any number of calls under way, in order, in few frames, through fail-overs. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { MessageChannel } from 'node:worker_threads'
import { TreeError } from '../../lib/base/errors.ts'
import { makeSid, type Sid } from '../../lib/base/zxid.ts'
import { connect } from '../../lib/client/connect.ts'
import type { SessionState } from '../../lib/client/core.ts'
import { COMMANDS } from './fake-commands.ts'
import { FakeEnsemble } from './fake-ensemble.ts'

const ONE = makeSid(1)
const TWO = makeSid(2)

function failsWith(code: string): (error: unknown) => boolean {
  return error => error instanceof TreeError && error.code === code
}

function transfer(bytes: Uint8Array): void {
  structuredClone(bytes.buffer, { transfer: [bytes.buffer as ArrayBuffer] })
}

/** A promise with its resolver. */
function signal<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>(done => {
    resolve = done
  })
  return { promise, resolve }
}

test('every call resolves with its value', async () => {
  await using tree = await connect(new FakeEnsemble(1).handle())
  const { promises } = tree
  assert.equal(await promises.create('/a', 'one'), '/a')
  assert.equal(await promises.create('/a/', '', { sequential: true }), '/a/0000000000')
  const { data, stat } = await promises.get('/a')
  assert.equal(data.toString(), 'one')
  assert.equal((await promises.set('/a', 'two', { version: stat.version })).version, 1)
  assert.equal((await promises.exists('/a'))?.version, 1)
  assert.equal(await promises.exists('/b'), null)
  assert.deepEqual(await promises.children('/a'), ['0000000000'])
  assert.equal(await promises.sync(), undefined)
  assert.equal(await promises.delete('/a/0000000000'), undefined)
})

test('what a get returns is the caller’s own: the next answer does not depend on it', async () => {
  await using tree = await connect(new FakeEnsemble(1).handle())
  const { promises } = tree
  for (const [path, data] of [
    ['/empty', ''],
    ['/small', 'x'],
    ['/large', 'x'.repeat(1000)],
  ] as const) {
    await promises.create(path, data)
    const taken: Promise<void>[] = []
    for (let round = 0; round < 3; round++) {
      const answer = promises.get(path).then(got => {
        assert.equal(got.data.toString(), data)
        if (got.data.buffer.byteLength === got.data.length) transfer(got.data)
        else got.data.fill(0)
      })
      taken.push(answer)
    }
    await Promise.all(taken)
    assert.equal((await promises.get(path)).data.toString(), data)
  }
})

test('a watcher cannot change what another one is told', async () => {
  await using tree = await connect(new FakeEnsemble(1).handle())
  const { promises } = tree
  await promises.create('/a')
  const told: string[] = []
  const both = signal<void>()
  for (const name of ['one', 'other']) {
    await promises.get('/a', {
      watch: event => {
        assert.throws(() => Object.assign(event, { type: 'created' }), TypeError)
        told.push(`${name} ${event.type}`)
        if (told.length === 2) both.resolve()
      },
    })
  }
  await promises.set('/a', '')
  await both.promise
  assert.deepEqual(told, ['one dataChanged', 'other dataChanged'])
})

test('mistakes reject and are not thrown', async () => {
  await using tree = await connect(new FakeEnsemble(1).handle())
  const { promises } = tree
  await assert.rejects(promises.get('a'), failsWith('BAD_ARGUMENTS'))
  await assert.rejects(promises.set('/a', 'x'.repeat(1001)), failsWith('DATA_TOO_LARGE'))
  await assert.rejects(promises.get('/missing'), failsWith('NO_NODE'))
})

test('calls of one turn leave in one frame and are answered in order', async () => {
  const ensemble = new FakeEnsemble(1)
  await using tree = await connect(ensemble.handle())
  await tree.promises.create('/a')
  const order: number[] = []
  const calls = Array.from({ length: 100 }, (_, at) =>
    tree.promises.set('/a', String(at)).then(stat => order.push(stat.version)),
  )
  await Promise.all(calls)
  assert.deepEqual(
    order,
    Array.from({ length: 100 }, (_, at) => at + 1),
  )
  const sets = ensemble.heard.filter(
    ({ message }) => message.kind === 'write' && message.request.kind === 'set',
  )
  assert.equal(new Set(sets.map(({ frame }) => frame)).size, 1)
})

test('continuations of one frame make one frame', async () => {
  const ensemble = new FakeEnsemble(1)
  await using tree = await connect(ensemble.handle())
  await tree.promises.create('/a')
  const worker = async (): Promise<void> => {
    for (let round = 0; round < 5; round++) await tree.promises.set('/a', '')
  }
  await Promise.all(Array.from({ length: 50 }, worker))
  assert.equal(new Set(ensemble.heard.slice(2).map(({ frame }) => frame)).size, 5)
})

test('data may be changed as soon as the call is made', async () => {
  await using tree = await connect(new FakeEnsemble(1, 2).handle())
  await tree.promises.create('/a')
  // The second peer gets it from the client's memory, long after the call.
  const data = Buffer.from(COMMANDS.crashBefore)
  const changed = tree.promises.set('/a', data)
  data.fill('x')
  assert.equal((await changed).version, 1)
  assert.equal((await tree.promises.get('/a')).data.toString(), COMMANDS.crashBefore)
})

test('calls under way when a peer dies are done once, by the next', async () => {
  const ensemble = new FakeEnsemble(1, 2)
  const states: SessionState[] = []
  await using tree = await connect(ensemble.handle(), { onState: state => states.push(state) })
  await tree.promises.create('/a')
  const results = await Promise.all([
    tree.promises.set('/a', 'first'),
    tree.promises.set('/a', COMMANDS.crashAfter),
    tree.promises.set('/a', 'last'),
    tree.promises.get('/a'),
  ])
  assert.deepEqual(
    results.slice(0, 3).map(stat => (stat as { version: number }).version),
    [1, 2, 3],
  )
  assert.equal((results[3] as { data: Buffer }).data.toString(), 'last')
  assert.deepEqual(states, ['connected', 'suspended', 'connected'])
  assert.equal(ensemble.board.role(ONE), 'down')
})

test('waits out an election for its first peer', async () => {
  const ensemble = new FakeEnsemble(1, 2)
  ensemble.board.show(ONE, 'looking')
  ensemble.board.show(TWO, 'looking')
  const connecting = connect(ensemble.handle())
  setImmediate(() => ensemble.board.show(TWO, 'leading'))
  await using tree = await connecting
  assert.equal(tree.state, 'connected')
  assert.equal(ensemble.heard[0]?.sid, TWO)
})

test('lives with the leader, or with the peer asked for', async () => {
  const ensemble = new FakeEnsemble(1, 2, 3)
  await using first = await connect(ensemble.handle())
  await using second = await connect(ensemble.handle(), { peer: 3 })
  assert.notEqual(first.sessionId, second.sessionId)
  assert.deepEqual(
    ensemble.heard.map(({ sid }) => sid),
    [1, 3],
  )
})

test('says leave when it goes by itself, so that it is not taken for dead', async () => {
  const ensemble = new FakeEnsemble(1, 2)
  await using tree = await connect(ensemble.handle(), { timeoutMs: 300 })
  await tree.promises.create('/a')
  const changed = tree.promises.set('/a', COMMANDS.depose)
  assert.equal((await changed).version, 1)
  const said = ensemble.heard.map(({ sid, message }) => `${sid} ${message.kind}`)
  assert.deepEqual(said.slice(3), ['1 leave', '2 attach', '2 write'])
})

test('an event is told before the answer behind it, in whatever face', async () => {
  await using tree = await connect(new FakeEnsemble(1).handle())
  const order: string[] = []
  await tree.promises.create('/a')
  await tree.promises.children('/', { watch: ({ type }) => order.push(type) })
  const { zxid } = await new Promise<{ zxid: number }>(resolve => {
    void tree.promises.exists('/a/b', { watch: resolve })
    void tree.promises.create('/b').then(() => order.push('created'))
    void tree.promises.create('/a/b')
  })
  assert.ok(zxid > 0)
  assert.deepEqual(order, ['childrenChanged', 'created'])
})

test('what a watch throws is an uncaught exception, and the line goes on', async () => {
  await using tree = await connect(new FakeEnsemble(1).handle())
  const caught = signal<Error>()
  process.setUncaughtExceptionCaptureCallback(caught.resolve)
  try {
    await tree.promises.create('/a')
    await tree.promises.get('/a', {
      watch: () => {
        throw new Error('mine')
      },
    })
    await tree.promises.set('/a', 'new')
    assert.equal((await caught.promise).message, 'mine')
  } finally {
    process.setUncaughtExceptionCaptureCallback(null)
  }
  assert.equal((await tree.promises.get('/a')).data.toString(), 'new')
})

test('an unanswered call fails after operationTimeoutMs, the session goes on', async () => {
  const ensemble = new FakeEnsemble(1)
  const options = { operationTimeoutMs: 30, timeoutMs: 300 }
  await using tree = await connect(ensemble.handle(), options)
  await tree.promises.create('/a')
  await assert.rejects(
    tree.promises.set('/a', COMMANDS.mute),
    (error: unknown) =>
      error instanceof TreeError && error.code === 'OPERATION_TIMEOUT' && error.path === '/a',
  )
  assert.equal(tree.state, 'connected')
})

test('without any peer calls fail after the session timeout, and work again with one', async () => {
  const ensemble = new FakeEnsemble(1)
  await using tree = await connect(ensemble.handle(), { timeoutMs: 300 })
  await tree.promises.create('/a')
  ensemble.crash(ONE)
  await assert.rejects(tree.promises.get('/a'), failsWith('CONNECTION_LOSS'))
  assert.equal(tree.state, 'suspended')
  ensemble.start(ONE)
  assert.equal((await tree.promises.get('/a')).stat.version, 0)
})

test('connecting fails when no peer opens a session', async () => {
  const ensemble = new FakeEnsemble(1)
  ensemble.crash(ONE)
  await assert.rejects(connect(ensemble.handle(), { timeoutMs: 300 }), failsWith('CONNECTION_LOSS'))
})

test('an expired session fails everything', async () => {
  const states: SessionState[] = []
  const onState = (state: SessionState): unknown => states.push(state)
  const tree = await connect(new FakeEnsemble(1).handle(), { onState })
  await tree.promises.create('/a')
  const expiring = tree.promises.set('/a', COMMANDS.expire)
  const behind = tree.promises.get('/a')
  await assert.rejects(expiring, failsWith('SESSION_EXPIRED'))
  await assert.rejects(behind, failsWith('SESSION_EXPIRED'))
  await assert.rejects(tree.promises.get('/a'), failsWith('SESSION_EXPIRED'))
  assert.throws(() => tree.get('/a'), failsWith('SESSION_EXPIRED'))
  assert.deepEqual(states, ['connected', 'expired'])
  await tree.promises.close()
})

test('a session that waits for nothing leaves a home that stands still', async t => {
  const ensemble = new FakeEnsemble(1, 2, 3)
  const [turning, standing, leading] = [ONE, TWO, makeSid(3)]
  const { board } = ensemble
  const beating = setInterval(() => board.beat(turning), 5)
  board.beat(standing)
  // Nobody leads before both are connected: there is nowhere to go.
  board.show(turning, 'following')
  const moved = signal<void>()
  // Or it never does.
  const givenUp = setTimeout(moved.resolve, 10_000)
  t.after(() => {
    clearInterval(beating)
    clearTimeout(givenUp)
  })
  const states: SessionState[] = []
  const onState = (state: SessionState): void => {
    states.push(state)
    if (states.length === 3) moved.resolve()
  }
  // Less patient, the one that stays would be the first to go.
  const impatient = { peer: turning, timeoutMs: 300 }
  const patient = { peer: standing, timeoutMs: 600, onState }
  await using staying = await connect(ensemble.handle(), impatient)
  await using going = await connect(ensemble.handle(), patient)
  board.show(leading, 'leading')
  await moved.promise
  assert.deepEqual(states, ['connected', 'suspended', 'connected'])
  const saidTo = (sid: Sid) =>
    ensemble.heard.filter(heard => heard.sid === sid).map(({ message }) => message.kind)
  assert.deepEqual(saidTo(standing), ['open', 'leave'])
  assert.deepEqual(saidTo(leading), ['attach'])
  assert.deepEqual(saidTo(turning), ['open'], 'as long as its home has been silent, but not still')
  assert.equal(await staying.promises.exists('/a'), null)
  assert.equal(await going.promises.exists('/a'), null)
})

test('bytes that are no frame end the session, not the application', async () => {
  const tree = await connect(new FakeEnsemble(1).handle())
  const warned = once(process, 'warning')
  await tree.promises.create('/a')
  await assert.rejects(tree.promises.set('/a', COMMANDS.garbage), failsWith('PEER_FAILED'))
  await assert.rejects(tree.promises.get('/a'), failsWith('CLOSED'))
  assert.equal(((await warned)[0] as Error).name, 'MalformedError')
})

test('close answers what is under way first, and can be repeated', async () => {
  const ensemble = new FakeEnsemble(1)
  const tree = await connect(ensemble.handle())
  const created = tree.promises.create('/a')
  const closed = tree.promises.close()
  await assert.rejects(tree.promises.get('/a'), failsWith('CLOSED'))
  assert.equal(await created, '/a')
  await closed
  await tree.promises.close()
  tree.close()
  assert.throws(() => tree.get('/a'), failsWith('CLOSED'))
  assert.equal(tree.state, 'closed')
  assert.deepEqual(
    ensemble.heard.map(({ message }) => message.kind),
    ['open', 'write', 'write'],
  )
})

test('the end of the ensemble closes its sessions', async () => {
  const ensemble = new FakeEnsemble(1)
  const closed = signal<void>()
  const onState = (state: SessionState): void => {
    if (state === 'closed') closed.resolve()
  }
  const tree = await connect(ensemble.handle(), { onState })
  ensemble.close()
  await closed.promise
  await assert.rejects(tree.promises.get('/a'), failsWith('CLOSED'))
})

test('connect names what is wrong with its arguments', async () => {
  const ensemble = new FakeEnsemble(1)
  const handle = ensemble.handle()
  await assert.rejects(connect(handle, { timeoutMs: 7 }), /timeoutMs must be .* from 300 to 600000/)
  await assert.rejects(connect(handle, { operationTimeoutMs: 0 }), /operationTimeoutMs/)
  await assert.rejects(connect(handle, { peer: 900 }), /peer must be a server id/)
  for (const name of ['timeoutMs', 'operationTimeoutMs', 'peer', 'onState']) {
    const options = { [name]: null } as never
    await assert.rejects(connect(handle, options), { code: 'BAD_ARGUMENTS', message: /null/ })
  }
  await assert.rejects(connect(handle, null as never), failsWith('BAD_ARGUMENTS'))
  await assert.rejects(connect(handle, { retry: 1 } as never), /unknown option "retry" of connect/)
  await assert.rejects(connect({} as never), /a handle is a MessagePort/)
  await assert.rejects(connect(new MessageChannel().port1), /this port is no handle/)
  await assert.rejects(connect(handle, { peer: 9 }), failsWith('NO_SUCH_PEER'))
})
