/**
 * The leader dies under load, again and again: how long until the next write is acknowledged. A client thread keeps its
 * writes under way; this thread kills, and at once sets a node in a session of its own that was at the leader too.
 */

import { setTimeout as pause } from 'node:timers/promises'
import type { Ensemble, Tree } from '../../lib/index.ts'
import { makeNodes } from '../systems/quorumtree.ts'
import type { Gap } from '../systems/set-thread.ts'
import { SetThreads } from '../systems/set-threads.ts'
import { untilReady } from '../util/child.ts'
import { Latencies } from '../util/latencies.ts'

const NODES = 1000
const PAYLOAD_BYTES = 100
const IN_FLIGHT = 1024
const PATIENCE_MS = 60_000
/** Of undisturbed load before a kill. */
const REST_MS = 200
const PROBE = '/fail-over-probe'

export interface FailOver {
  readonly kills: number
  /** From the kill until a write that was begun after it was acknowledged. */
  readonly p50ms: number
  readonly p99ms: number
  readonly maxms: number
  /** Of each kill, the longest time in which the loading thread got no answer. */
  readonly loadGapP50ms: number
  readonly loadGapMaxms: number
  readonly loadOperations: number
  readonly errors: number
}

async function untilAllServe(ensemble: Ensemble): Promise<number> {
  return await untilReady('all peers serve again', PATIENCE_MS, async () => {
    const { leader, peers } = await ensemble.status()
    return peers.every(peer => peer.serving) ? leader : undefined
  })
}

interface Kill {
  /** Since the epoch. */
  readonly at: number
  readonly tookMs: number
}

async function killOnce(ensemble: Ensemble, tree: Tree): Promise<Kill> {
  const leader = await untilAllServe(ensemble)
  await pause(REST_MS)
  const startedAt = performance.now()
  await ensemble.faults.kill(leader)
  await tree.promises.set(PROBE, '')
  return { at: performance.timeOrigin + startedAt, tookMs: performance.now() - startedAt }
}

/** The longest of the gaps that end after one kill and before the next. */
function loadGaps(kills: readonly Kill[], gaps: readonly Gap[]): Latencies {
  const latencies = new Latencies()
  for (const [index, { at }] of kills.entries()) {
    const until = kills[index + 1]?.at ?? Number.POSITIVE_INFINITY
    const during = gaps.filter(gap => gap.to > at && gap.to < until)
    latencies.add(Math.max(0, ...during.map(gap => gap.to - Math.max(gap.from, at))))
  }
  return latencies
}

/** The ensemble must start dead peers again without a growing delay. */
export async function measureFailOver(ensemble: Ensemble, kills: number): Promise<FailOver> {
  await using tree = await ensemble.connect()
  await tree.promises.create(PROBE)
  const paths = await makeNodes(tree, '/fail-over', NODES, PAYLOAD_BYTES)
  const options = { threads: 1, inFlight: IN_FLIGHT, paths, payloadBytes: PAYLOAD_BYTES }
  const threads = await SetThreads.start(ensemble, options)
  const load = threads.runUntilStopped()
  const done: Kill[] = []
  const latencies = new Latencies()
  let errors = 0
  while (done.length + errors < kills) {
    try {
      const kill = await killOnce(ensemble, tree)
      done.push(kill)
      latencies.add(kill.tookMs)
      if (done.length % 10 === 0) console.error(`  fail-over: ${done.length} kills`)
    } catch (error) {
      console.error(`  fail-over: ${error}`)
      errors++
    }
  }
  const [result] = await load.stop()
  await threads.close()
  const gaps = loadGaps(done, result!.gaps)
  return {
    kills: done.length,
    p50ms: latencies.percentileMs(50),
    p99ms: latencies.percentileMs(99),
    maxms: latencies.maxMs,
    loadGapP50ms: gaps.percentileMs(50),
    loadGapMaxms: gaps.maxMs,
    loadOperations: result!.counts.operations,
    errors: errors + result!.counts.errors,
  }
}
