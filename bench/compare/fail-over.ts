/**
 * The leader dies under load, again and again: how long until the next leader acknowledges a write. A client thread
 * keeps its writes under way; this thread kills, and at once sets a node in a session of its own.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { epochOf } from '../../lib/base/zxid.ts'
import type { Ensemble, Tree } from '../../lib/index.ts'
import { gapsAfter } from '../load/gaps.ts'
import { makeNodes } from '../systems/quorumtree.ts'
import { SetThreads } from '../systems/set-threads.ts'
import type { ZooKeeper } from '../systems/zookeeper.ts'
import type { ZooKeeperLoads } from '../systems/zookeeper-load.ts'
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
  /** From the kill until a write was acknowledged that the next leader has ordered. */
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
  const before = epochOf((await tree.promises.set(PROBE, '')).mzxid)
  const startedAt = performance.now()
  const gone = ensemble.faults.kill(leader)
  // What the old leader acknowledges in its last moment does not count.
  while (epochOf((await tree.promises.set(PROBE, '')).mzxid) === before);
  const tookMs = performance.now() - startedAt
  await gone
  return { at: performance.timeOrigin + startedAt, tookMs }
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
  const gaps = gapsAfter(
    done.map(({ at }) => at),
    result!.gaps,
  )
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

export interface RivalFailOver {
  readonly kills: number
  /** Of each kill, the longest time in which a client that writes without a pause got no answer. */
  readonly p50ms: number
  readonly maxms: number
}

const RIVAL_KILLS = 5
/** Of one kill, with the restart. */
const RIVAL_KILL_SECONDS = 12
const RIVAL_REST_MS = 2000

/** ZooKeeper's leader ends by SIGKILL, under one client that writes. */
export async function measureRivalFailOver(
  zooKeeper: ZooKeeper,
  loads: ZooKeeperLoads,
): Promise<RivalFailOver> {
  const seconds = RIVAL_KILLS * RIVAL_KILL_SECONDS
  const until = performance.now() + (seconds - RIVAL_KILL_SECONDS) * 1000
  const watching = loads.gaps(seconds)
  const kills: number[] = []
  while (kills.length < RIVAL_KILLS && performance.now() < until) {
    await pause(RIVAL_REST_MS)
    kills.push(await zooKeeper.killLeader())
    console.error(`  ZooKeeper: ${kills.length} kills`)
  }
  const gaps = gapsAfter(kills, await watching)
  return { kills: kills.length, p50ms: gaps.percentileMs(50), maxms: gaps.maxMs }
}
