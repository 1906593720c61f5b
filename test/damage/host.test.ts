/** An ensemble and its host share a process: what one does to the other's threads, memory and descriptors. */

import assert from 'node:assert/strict'
import { pbkdf2 } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { type Ensemble, openEnsemble, type SessionState } from '../../lib/index.ts'
import type { Store } from '../../lib/storage/store.ts'
import { batch, LogMaker, openLevel, partsOf, recover, takeSnapshot } from '../storage/support.ts'
import { temporaryDirectory } from '../temporary.ts'

const HASHES = 100
const ROUNDS = 30_000
const WARM_UP_CYCLES = 10
const STORE_CYCLES = 100
const ENSEMBLE_CYCLES = 6

function worst(latencies: readonly number[]): string {
  const sorted = [...latencies].sort((a, b) => a - b)
  const at = (share: number): string => sorted[Math.floor((sorted.length - 1) * share)]!.toFixed(1)
  return `${sorted.length} calls, median ${at(0.5)} ms, worst ${at(1)} ms`
}

/** Calls one after the other until `end` has come; how long each took. */
async function measure(end: Promise<unknown>, call: () => Promise<unknown>): Promise<number[]> {
  let ended = false
  void end.then(() => {
    ended = true
  })
  const latencies: number[] = []
  while (!ended) {
    const startedAt = performance.now()
    await call()
    latencies.push(performance.now() - startedAt)
  }
  return latencies
}

/** As the peer has them that is furthest: one may not have heard of the last yet. */
async function sessionsOf(ensemble: Ensemble): Promise<number> {
  const { peers } = await ensemble.status()
  return Math.max(...peers.map(({ sessions = 0 }) => sessions))
}

test('a host that keeps all pool threads busy slows writes down, and ends no session', async t => {
  const dataDir = await temporaryDirectory(t)
  const ensemble = await openEnsemble({ peers: 3, dataDir, openTimeoutMs: 120_000 })
  const states: SessionState[] = []
  const onState = (state: SessionState): void => {
    states.push(state)
  }
  const tree = await ensemble.connect({ operationTimeoutMs: 120_000, onState })
  tree.create('/counter', '0')
  const sessions = await sessionsOf(ensemble)
  const hash = promisify(pbkdf2)
  const hashes = Promise.all(
    Array.from({ length: HASHES }, () => hash('secret', 'salt', ROUNDS, 64, 'sha512')),
  )
  let count = 0
  const latencies = await measure(hashes, () => tree.promises.set('/counter', String(++count)))
  t.diagnostic(`writes beside ${HASHES} hashes: ${worst(latencies)}`)
  assert.equal(tree.get('/counter').data.toString(), String(count))
  assert.ok(!states.some(state => state === 'expired' || state === 'closed'), states.join())
  assert.equal(await sessionsOf(ensemble), sessions)
  await ensemble.close()
})

test('an ensemble that writes all the time leaves the host pool threads', async t => {
  const dataDir = await temporaryDirectory(t)
  const ensemble = await openEnsemble({ peers: 3, dataDir, openTimeoutMs: 120_000 })
  const tree = await ensemble.connect({ operationTimeoutMs: 120_000 })
  const writes = Array.from({ length: 4000 }, (_, at) =>
    tree.promises.create(`/${at}`, 'x'.repeat(500)),
  )
  const latencies = await measure(Promise.all(writes), () => stat(dataDir))
  t.diagnostic(`fs calls beside writes: ${worst(latencies)}`)
  assert.ok(latencies.length > 0)
  await ensemble.close()
})

/** Descriptors and threads of this process, where they can be seen. */
function countHeld(t: TestContext): { files: number; threads: number } | undefined {
  if (process.platform !== 'linux') {
    t.diagnostic('not tested here: no /proc')
    return undefined
  }
  const files = readdirSync('/proc/self/fd').length
  return { files, threads: readdirSync('/proc/self/task').length }
}

async function writeMore(store: Store, log: LogMaker): Promise<void> {
  await store.write(batch({ groups: log.many(2) }))
  await takeSnapshot(store, log.point, 'full', 'image')
}

for (const [name, segments] of Object.entries({
  'one segment': {},
  'many segments': { segmentBytes: 0 },
})) {
  test(`a store that is opened and closed again and again keeps nothing, in ${name}`, async t => {
    const dataDir = await temporaryDirectory(t)
    const log = new LogMaker()
    const cycle = async (): Promise<void> => {
      const store = await openLevel(dataDir, segments)
      await recover(store)
      await writeMore(store, log)
      await store.close()
    }
    // LevelDB's background thread, one for the process, starts with the first merge of tables.
    for (let at = 0; at < WARM_UP_CYCLES; at++) await cycle()
    const before = countHeld(t)
    for (let at = 0; at < STORE_CYCLES; at++) await cycle()
    assert.deepEqual(countHeld(t), before)
  })
}

test('a store that leaves one segment after the other holds no more than it did', async t => {
  const dataDir = await temporaryDirectory(t)
  const store = await openLevel(dataDir, { segmentBytes: 0 })
  await recover(store)
  const log = new LogMaker()
  for (let at = 0; at < WARM_UP_CYCLES; at++) await writeMore(store, log)
  // The segment before is closed after the snapshot is done, and this makes sure of it.
  const count = async () => {
    await store.loadGroups(log.point, 1)
    await store.openSnapshot().then(reader => reader?.close())
    return { ...countHeld(t), ...(await countParts(dataDir)) }
  }
  const before = await count()
  for (let at = 0; at < STORE_CYCLES; at++) await writeMore(store, log)
  assert.deepEqual(await count(), before)
  await store.close()
})

async function countParts(dataDir: string): Promise<{ segments: number; snapshots: number }> {
  const segments = (await partsOf(dataDir, 'log')).length
  return { segments, snapshots: (await partsOf(dataDir, 'snapshot')).length }
}

test('an ensemble that is opened and closed again and again keeps nothing', async t => {
  const dataDir = await temporaryDirectory(t)
  const cycle = async (): Promise<void> => {
    const ensemble = await openEnsemble({ peers: 3, dataDir, openTimeoutMs: 120_000 })
    const tree = await ensemble.connect()
    tree.create('/n-', 'x', { sequential: true })
    await ensemble.close()
  }
  await cycle()
  const before = countHeld(t)
  for (let at = 0; at < ENSEMBLE_CYCLES; at++) await cycle()
  assert.deepEqual(countHeld(t), before)
})
