/** Reads in the caller's thread, with real threads and real peers: what they promise, and that they happen at all. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { FEED_WINDOW_BYTES, HISTORY_BYTES_MAX } from '../../lib/base/limits.ts'
import { parsePath } from '../../lib/base/path.ts'
import { LocalObserver } from '../../lib/client/local-observer.ts'
import {
  type ConnectOptions,
  type Ensemble,
  type EnsembleOptions,
  openEnsemble,
  type Tree,
} from '../../lib/index.ts'
import { temporaryDirectory } from '../temporary.ts'
import { countLocally, type LocalCounts, untilCounted } from './local-counts.ts'
import type { ThreadData } from './local-thread.ts'
import { BOOT, runProgram, until } from './support.ts'

const counts = countLocally()
const PATIENT = { timeoutMs: 600_000, operationTimeoutMs: Number.POSITIVE_INFINITY }

async function open(t: TestContext, options: Partial<EnsembleOptions> = {}): Promise<Ensemble> {
  const ensemble = await openEnsemble({ peers: 3, durability: 'memory', ...options })
  t.after(() => ensemble.close())
  return ensemble
}

/** Waits until all peers serve; returns who leads. */
async function untilServing(ensemble: Ensemble): Promise<number> {
  const { leader } = await until(
    () => ensemble.status(),
    status => status.leader !== undefined && status.peers.every(({ serving }) => serving),
  )
  return leader!
}

function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

function untilLocal(tree: Tree, path = '/'): Promise<void> {
  return untilCounted(counts, tree, path)
}

/** Runs a script of `local-thread.ts`. */
function startThread(
  t: TestContext,
  ensemble: Ensemble,
  script: ThreadData['script'],
  options: ConnectOptions = {},
) {
  const words = new Int32Array(new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT))
  const handle = ensemble.handle()
  const entry = new URL('./local-thread.ts', import.meta.url).href
  const workerData = { entry, script, handle, options, words }
  const worker = new Worker(BOOT, { eval: true, workerData, transferList: [handle] })
  t.after(() => worker.terminate())
  const ended = once(worker, 'message').then(([told]) => told as LocalCounts)
  return { words, ended }
}

/** Waits until the thread has told of its step. */
async function untilStep(words: Int32Array, step: number): Promise<void> {
  await until(
    async () => Atomics.load(words, 0),
    now => now >= step,
  )
}

/** Lets the thread go on. */
function goOn(words: Int32Array, step: number): void {
  Atomics.store(words, 1, step)
  Atomics.notify(words, 1)
}

test('a session reads what it wrote, in both faces, and nobody is asked', async t => {
  const ensemble = await open(t)
  const tree = await ensemble.connect()
  tree.create('/n', '0')
  await untilLocal(tree, '/n')
  const { reads } = counts
  for (let at = 1; at <= 100; at++) {
    tree.set('/n', String(at))
    assert.equal(tree.get('/n').data.toString(), String(at))
    const [, { data }, stat] = await Promise.all([
      tree.promises.set('/n', String(-at)),
      tree.promises.get('/n'),
      tree.promises.exists('/n'),
    ])
    assert.equal(data.toString(), String(-at))
    assert.equal(stat!.version, 2 * at)
    assert.equal((await tree.promises.get('/n')).data.toString(), String(-at))
  }
  assert.ok(counts.reads >= reads + 200)
})

test('reads go on while the home stands still', async t => {
  const ensemble = await open(t)
  const leader = await untilServing(ensemble)
  const sid = leader === 1 ? 2 : 1
  const tree = await ensemble.connect({ ...PATIENT, peer: sid })
  tree.create('/n', 'before')
  await untilLocal(tree, '/n')
  await ensemble.faults.pause(sid)
  assert.equal(tree.get('/n').data.toString(), 'before')
  assert.deepEqual(await tree.promises.children('/'), ['n'])
  await ensemble.faults.heal()
})

test('after a sync a session reads what another was answered before', async t => {
  const ensemble = await open(t)
  const leader = await untilServing(ensemble)
  const [reader, writer] = await Promise.all([
    ensemble.connect({ peer: (leader % 3) + 1 }),
    ensemble.connect({ peer: leader, reads: 'peer' }),
  ])
  writer.create('/n', '0')
  reader.sync()
  await untilLocal(reader, '/n')
  for (let at = 1; at <= 50; at++) {
    writer.set('/n', String(at))
    reader.sync()
    assert.equal(reader.get('/n').data.toString(), String(at))
    await writer.promises.set('/n', String(-at))
    await reader.promises.sync()
    assert.equal((await reader.promises.get('/n')).data.toString(), String(-at))
  }
})

test('the sessions of a thread share one feed, which ends with the last of them', async t => {
  const ensemble = await open(t)
  const leader = await untilServing(ensemble)
  const { feeds } = counts
  const first = await ensemble.connect({ peer: leader })
  const second = await ensemble.connect({ peer: leader })
  await untilLocal(first)
  await untilLocal(second)
  assert.equal(counts.feeds, feeds + 1)
  first.create('/n', 'x')
  second.sync()
  assert.equal(second.get('/n').data.toString(), 'x')
  await first.promises.close()
  await untilLocal(second)
  second.set('/n', 'y')
  assert.equal(second.get('/n').data.toString(), 'y')
  assert.equal(counts.feeds, feeds + 1, 'it went on')
  second.close()
  const third = await ensemble.connect({ peer: leader })
  await untilLocal(third)
  assert.equal(counts.feeds, feeds + 2, 'it had ended')
})

test('of sessions with different homes one is fed, and the other once that is gone', async t => {
  const ensemble = await open(t)
  const leader = await untilServing(ensemble)
  const { feeds } = counts
  const first = await ensemble.connect({ peer: leader })
  const second = await ensemble.connect({ peer: (leader % 3) + 1 })
  first.create('/n', '0')
  await untilLocal(first)
  const { reads } = counts
  for (let at = 0; at < 10; at++) await second.promises.get('/')
  assert.equal(counts.reads, reads, 'its home answers')
  assert.equal(counts.feeds, feeds + 1)
  await first.promises.close()
  await untilLocal(second)
  assert.equal(counts.feeds, feeds + 2)
})

test('`reads: peer` never begins a feed', async t => {
  const ensemble = await open(t)
  const before = { ...counts }
  const tree = await ensemble.connect({ reads: 'peer' })
  tree.create('/n', 'x')
  for (let at = 0; at < 50; at++) {
    assert.equal(tree.get('/n').data.toString(), 'x')
    assert.equal((await tree.promises.get('/n')).data.toString(), 'x')
  }
  assert.deepEqual(counts, before)
})

test('a session that only writes begins none either', async t => {
  const ensemble = await open(t)
  const { feeds } = counts
  const tree = await ensemble.connect()
  for (let at = 0; at < 20; at++) await tree.promises.create('/n-', 'x', { sequential: true })
  assert.equal(counts.feeds, feeds)
})

test('threads without an event loop read locally, each from a feed of its own', async t => {
  const ensemble = await open(t)
  await untilServing(ensemble)
  const threads = [1, 2].map(peer => startThread(t, ensemble, 'writes', { peer }))
  for (const { feeds, reads } of await Promise.all(threads.map(({ ended }) => ended))) {
    assert.equal(feeds, 1)
    assert.ok(reads > 100, `${reads} local reads`)
  }
})

for (const [how, bytes, jumps] of [
  ['more than a window', 1.3 * FEED_WINDOW_BYTES, 0],
  ['more than memory and log hold', 2 * HISTORY_BYTES_MAX, 1],
] as const) {
  test(`a thread that stands still while ${how} is written catches up`, async t => {
    const dataBytesMax = 1024 * 1024
    const snapshots = { snapshotLogBytes: 4 * dataBytesMax, snapshotsKept: 1 }
    const ensemble = await open(t, { peers: 1, dataBytesMax, ...snapshots })
    const tree = await ensemble.connect({ reads: 'peer' })
    tree.create('/n', '0')
    tree.create('/large')
    const { words, ended } = startThread(t, ensemble, 'stalls', PATIENT)
    await untilStep(words, 1)
    const data = new Uint8Array(dataBytesMax)
    const rounds = Math.ceil(bytes / dataBytesMax)
    for (let at = 1; at <= rounds; at++) {
      await tree.promises.set('/large', data)
      await tree.promises.set('/n', String(at))
    }
    Atomics.store(words, 2, rounds)
    goOn(words, 1)
    const told = await ended
    assert.deepEqual([told.feeds, told.snapshots], [1, jumps])
  })
}

test('a thread without an event loop follows when peers die under writes', async t => {
  const ensemble = await open(t, { restart: { delayMs: 1 } })
  await untilServing(ensemble)
  const tree = await ensemble.connect({ ...PATIENT, reads: 'peer' })
  tree.create('/n', '0')
  tree.create('/mine', '0')
  const { words, ended } = startThread(t, ensemble, 'follows', PATIENT)
  const rounds = 300
  Atomics.store(words, 2, rounds)
  await untilStep(words, 1)
  for (let at = 1; at <= rounds; at++) {
    await tree.promises.set('/n', String(at))
    if (at % 100 === 50) await ensemble.faults.kill(await untilServing(ensemble))
  }
  const { feeds } = await ended
  assert.ok(feeds > 1, 'it followed to another peer')
})

test('when the peer that feeds dies, reads never go back, and watches are told once', async t => {
  const ensemble = await open(t, { restart: { delayMs: 1 } })
  const leader = await untilServing(ensemble)
  const writer = await ensemble.connect({ ...PATIENT, peer: (leader % 3) + 1, reads: 'peer' })
  writer.create('/n', '0')
  const reader = await ensemble.connect({ ...PATIENT, peer: leader })
  reader.sync()
  await untilLocal(reader, '/n')
  const { feeds } = counts
  const rounds = 300
  const written = (async () => {
    for (let at = 1; at <= rounds; at++) {
      await writer.promises.set('/n', String(at))
      if (at % 100 === 50) await ensemble.faults.kill(await untilServing(ensemble))
    }
  })()
  let last = 0
  let shown = 0
  while (last < rounds) {
    let told = 0
    const { data, stat } = await reader.promises.get('/n', {
      watch: ({ zxid }) => {
        told++
        assert.ok(zxid > shown, 'what is told was not shown before')
        shown = zxid
      },
    })
    for (let answer = { data, stat }; ; answer = await reader.promises.get('/n')) {
      const next = Number(answer.data.toString())
      assert.ok(next >= last && answer.stat.mzxid >= shown, `${next} after ${last}`)
      assert.ok(told === 1 || answer.stat.mzxid === stat.mzxid, 'told before it is shown')
      last = next
      shown = answer.stat.mzxid
      assert.ok(told <= 1, 'told once')
      if (told === 1 || last === rounds) break
      await turn()
    }
  }
  await written
  await untilLocal(reader, '/n')
  assert.ok(counts.feeds > feeds, 'it followed to another peer')
})

test('a replica that came to differ begins anew, and the session goes on', async t => {
  const ensemble = await open(t)
  const observers: LocalObserver[] = []
  const { of } = LocalObserver
  t.mock.method(LocalObserver, 'of', (id: string) => {
    const observer = of.call(LocalObserver, id)
    observers.push(observer)
    return observer
  })
  const states: string[] = []
  const tree = await ensemble.connect({ onState: state => states.push(state) })
  tree.create('/n', '0')
  tree.create('/broken')
  await untilLocal(tree, '/n')
  const told: string[] = []
  await tree.promises.get('/n', { watch: ({ type, path }) => told.push(`${type} ${path}`) })
  const [observer] = observers
  const node = observer!.core.tree.node(parsePath('/broken')) as { digest: number }
  node.digest = 17
  const warned = once(process, 'warning')
  tree.set('/broken', 'x')
  const [warning] = await warned
  assert.match(String(warning), /digest mismatch/)
  await untilLocal(tree, '/n')
  await tree.promises.set('/n', '1')
  assert.equal(tree.get('/n').data.toString(), '1')
  assert.deepEqual(told, ['dataChanged /n'])
  assert.ok(!states.includes('closed') && !states.includes('expired'))
})

test('when all is closed nothing keeps the process alive', async t => {
  for (const task of ['close', 'let-go']) {
    const program = runProgram(t, './local-program.ts', [task])
    const said: unknown[] = []
    program.on('message', message => said.push(message))
    const [code] = await once(program, 'exit')
    assert.deepEqual([task, code, said], [task, 0, ['local']])
  }
})

test('peers on disk feed from it what their memory has forgotten', async t => {
  const dataDir = await temporaryDirectory(t)
  const ensemble = await open(t, { peers: 1, dataDir, durability: 'process' })
  const writer = await ensemble.connect({ reads: 'peer' })
  const data = new Uint8Array(512 * 1024)
  for (let at = 0; at < 40; at++) {
    await writer.promises.create('/n-', data, { sequential: true })
  }
  const reader = await ensemble.connect()
  await untilLocal(reader)
  assert.equal(reader.children('/').length, 40)
  assert.equal(reader.get('/n-0000000039').data.length, data.length)
})

/** Long enough for any honest answer; a thread that waits for a feed that is gone waits longer. */
const BOUNDED = { timeoutMs: 600_000, operationTimeoutMs: 30_000 }

test('a thread that stood still while its only peer was started again is served', async t => {
  const dataDir = await temporaryDirectory(t)
  const options = { peers: 1, durability: 'process', dataDir, restart: { delayMs: 1 } } as const
  const ensemble = await open(t, options)
  const { words, ended } = startThread(t, ensemble, 'wakes', BOUNDED)
  await untilStep(words, 1)
  await ensemble.faults.kill(1)
  await untilServing(ensemble)
  goOn(words, 1)
  await ended
})

test('a thread that stood still while its home sent it away is served', async t => {
  const ensemble = await open(t)
  const sid = ((await untilServing(ensemble)) % 3) + 1
  const { words, ended } = startThread(t, ensemble, 'wakes', { ...BOUNDED, peer: sid })
  await untilStep(words, 1)
  const away = new Promise<void>((resolve, reject) => {
    const onState = (state: string) => state === 'suspended' && resolve()
    const options = { timeoutMs: 600_000, peer: sid, reads: 'peer', onState } as const
    ensemble.connect(options).then(() => ensemble.faults.isolate(sid), reject)
  })
  await away
  await ensemble.faults.heal()
  await untilServing(ensemble)
  goOn(words, 1)
  await ended
})

test('a loop that does nothing but await reads sees what others write', async t => {
  const ensemble = await open(t)
  const tree = await ensemble.connect()
  tree.create('/n', '0')
  await untilLocal(tree, '/n')
  const { ended } = startThread(t, ensemble, 'raises')
  let reads = 0
  while ((await tree.promises.get('/n')).data.toString() === '0') {
    assert.ok(++reads < 2_000_000, 'the event loop never turns')
  }
  await ended
})
