/** What is told before what: answers, watches and states reach the application in order, in both faces. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect, connectSync } from '../../lib/client/connect.ts'
import type { ConnectOptions } from '../../lib/client/options.ts'
import type { Tree } from '../../lib/client/tree.ts'
import { COMMANDS } from './fake-commands.ts'
import { FakeEnsemble } from './fake-ensemble.ts'
import { FakeThread } from './fake-thread.ts'

/** Runs `body` with a session that only blocks, on a tree with `/fickle` in it. */
async function blocking(
  body: (tree: Tree) => void | Promise<void>,
  options?: ConnectOptions,
): Promise<void> {
  await using thread = new FakeThread()
  const tree = connectSync(await thread.handle(), options)
  tree.create('/fickle', COMMANDS.fickle)
  await body(tree)
  tree.close()
}

test('an awaited answer is with its caller before the watch it left is told', async () => {
  await using tree = await connect(new FakeEnsemble(1).handle())
  await tree.promises.create('/a', '0')
  const order: string[] = []
  const load = async (): Promise<void> => {
    await tree.promises.get('/a', { watch: () => order.push('told') })
    // As deep as a few layers of async functions.
    for (let hop = 0; hop < 10; hop++) await undefined
    order.push('got')
    // Neither may the tick that sends this overtake what is still awaited.
    await tree.promises.exists('/a')
    order.push('checked')
  }
  const loaded = load()
  await Promise.all([loaded, tree.promises.set('/a', '2').then(() => order.push('set'))])
  assert.deepEqual(order, ['got', 'told', 'set', 'checked'])
})

test('a call made while a watch is left over does not bring it forward', async () => {
  await using tree = await connect(new FakeEnsemble(1).handle())
  await tree.promises.create('/fickle', COMMANDS.fickle)
  const order: string[] = []
  const watch = (): void => void order.push('told')
  const slow = tree.promises.get('/fickle', { watch }).then(async () => {
    process.nextTick(() => order.push('tick'))
    void tree.promises.sync()
    await undefined
    order.push('got')
  })
  await slow
  await tree.promises.sync()
  assert.deepEqual(order, ['got', 'tick', 'told'])
})

test('a state is told after the answers before it are with their callers', async () => {
  const order: string[] = []
  const onState = (state: string): void => void order.push(state)
  const tree = await connect(new FakeEnsemble(1).handle(), { onState })
  await tree.promises.create('/fickle', COMMANDS.fickle)
  const got = tree.promises
    .get('/fickle', { watch: () => order.push('told') })
    .then(() => order.push('got'))
  const closed = tree.promises.close().then(() => order.push('closed by us'))
  await Promise.all([got, closed])
  await new Promise(setImmediate)
  assert.deepEqual(order, ['connected', 'got', 'told', 'closed by us', 'closed'])
})

test('a blocking read has returned before the watch it left is told', () =>
  blocking(tree => {
    const told: boolean[] = []
    for (let round = 1; round <= 3; round++) {
      const { stat } = tree.get('/fickle', { watch: ({ zxid }) => told.push(zxid > stat.mzxid) })
      assert.equal(told.length, round - 1)
    }
    tree.sync()
    assert.deepEqual(told, [true, true, true])
  }))

test('what stands behind a blocking answer is told when the event loop turns', () =>
  blocking(async tree => {
    const told: string[] = []
    tree.get('/fickle', { watch: () => told.push('told') })
    await undefined
    assert.deepEqual(told, [])
    await new Promise(setImmediate)
    assert.deepEqual(told, ['told'])
  }))

test('what stands behind a blocking answer is told before a blocking close returns', async () => {
  const told: string[] = []
  await blocking(
    tree => {
      tree.get('/fickle', { watch: () => told.push('told') })
      const set = tree.promises.set('/fickle', '').then(() => told.push('set'))
      tree.close()
      assert.deepEqual(told, ['connected', 'told', 'closed'])
      return set.then(() => undefined)
    },
    { onState: state => told.push(state) },
  )
  assert.deepEqual(told, ['connected', 'told', 'closed', 'set'])
})

test('one event is told to all before the next is told to anyone', () =>
  blocking(tree => {
    const order: string[] = []
    tree.create('/a')
    tree.create('/b')
    tree.get('/b', { watch: () => order.push('next') })
    tree.get('/a', {
      watch: () => {
        order.push('first')
        tree.set('/b', '')
        order.push('first ends')
      },
    })
    tree.get('/a', { watch: () => order.push('second') })
    tree.set('/a', '')
    assert.deepEqual(order, ['first', 'second', 'next', 'first ends'])
  }))

test('a change is told before any answer that shows it, in a watch function too', () =>
  blocking(tree => {
    const order: string[] = []
    tree.create('/a')
    tree.create('/b')
    tree.get('/b', { watch: () => order.push('b told') })
    tree.get('/a', {
      watch: () => {
        void tree.promises.set('/b', 'new')
        order.push(`b is ${tree.get('/b').data.toString()}`)
      },
    })
    tree.set('/a', '')
    assert.deepEqual(order, ['b told', 'b is new'])
  }))

test('a watch function that reads and watches again does not pile up on the stack', () =>
  blocking(tree => {
    let depth = 0
    let deepest = 0
    let told = 0
    const again = (): void => {
      told++
      deepest = Math.max(deepest, ++depth)
      if (told < 100) tree.get('/fickle', { watch: again })
      depth--
    }
    tree.get('/fickle', { watch: again })
    for (let round = 0; round < 100; round++) tree.sync()
    assert.equal(told, 100)
    assert.equal(deepest, 1)
  }))

test('an answer handed on inside a watch function ends the call that waits outside', () =>
  blocking(tree => {
    const order: string[] = []
    tree.create('/a')
    tree.get('/a', {
      watch: () => {
        tree.sync()
        order.push('inner')
      },
    })
    assert.equal(tree.set('/a', '').version, 1)
    order.push('outer')
    assert.deepEqual(order, ['inner', 'outer'])
  }))
