/**
 * A process that opens a large tree again: how long that takes, what memory it needs, and, under a paced load, how long
 * the peers stand still.
 */

import { type Ensemble, openEnsemble, type Tree } from '../../lib/index.ts'
import { openLoop } from '../load/open-loop.ts'
import { pathsOf, shuffled } from '../load/paths.ts'
import { type Figures, figuresOf } from '../load/row.ts'
import { untilLocal } from '../systems/quorumtree.ts'
import { setTarget } from '../systems/tree-targets.ts'
import { Latencies } from '../util/latencies.ts'
import type { BeatReport } from './beat-thread.ts'
import { BeatWatch, SHORT_TICKS } from './beats.ts'

export interface ReopenTask {
  readonly dataDir: string
  readonly top: string
  readonly nodes: number
  readonly snapshots: boolean
  /** 0 for no load. */
  readonly pacedPerSecond: number
  readonly pacedSeconds: number
  /** Of the same load before it is watched: a process that has just started runs code that is not compiled yet. */
  readonly warmUpSeconds: number
}

export interface Reopened {
  /** Until the first read is answered. */
  readonly servingMs: number
  /** Until the last peer has recovered. */
  readonly allUpMs: number
  /** With a replica of the tree in this thread, where it has come to that. */
  readonly residentBytes: number
  /** From the first read until this thread answers reads by itself. */
  readonly localMs?: number | undefined
  /** Of a load. */
  readonly beats?: BeatReport
  readonly figures?: Figures
}

const PAYLOAD_BYTES = 100
/** Small enough for several snapshots in the time of a run. */
const SNAPSHOT_LOG_BYTES = 16 * 1024 * 1024
const NEVER_BYTES = 2 ** 40
const OPEN_TIMEOUT_MS = 300_000

type Paced = Required<Pick<Reopened, 'beats' | 'figures'>>

async function pace(ensemble: Ensemble, tree: Tree, task: ReopenTask): Promise<Paced> {
  const paths = shuffled(pathsOf(task.top, task.nodes))
  const target = setTarget(tree, paths, Buffer.alloc(PAYLOAD_BYTES, 'x'))
  const load = { opsPerSecond: task.pacedPerSecond, seconds: task.pacedSeconds }
  if (task.warmUpSeconds > 0) {
    await openLoop(target, { ...load, seconds: task.warmUpSeconds }, new Latencies())
  }
  const watch = await BeatWatch.start(ensemble)
  const latencies = new Latencies()
  const counts = await openLoop(target, load, latencies)
  return { beats: await watch.end(), figures: figuresOf({ ...counts, latencies }) }
}

const task = JSON.parse(process.argv[2]!) as ReopenTask
const paced = task.pacedPerSecond > 0
const startedAt = performance.now()
await using ensemble = await openEnsemble({
  peers: 3,
  dataDir: task.dataDir,
  openTimeoutMs: OPEN_TIMEOUT_MS,
  ...(paced ? SHORT_TICKS : {}),
  snapshotLogBytes: task.snapshots ? SNAPSHOT_LOG_BYTES : NEVER_BYTES,
})
const [first] = pathsOf(task.top, 1)
await using tree = await ensemble.connect({ reads: paced ? 'peer' : 'local' })
await tree.promises.get(first!)
const servingMs = performance.now() - startedAt
// Waits for one that still recovers.
for (const { sid } of (await ensemble.status()).peers) await ensemble.start(sid)
const allUpMs = performance.now() - startedAt
const localMs = paced ? undefined : await untilLocal(tree, first!)
const residentBytes = process.memoryUsage.rss()
const found = paced ? await pace(ensemble, tree, task) : {}
const result: Reopened = { servingMs, allUpMs, residentBytes, localMs, ...found }
console.log(JSON.stringify(result))
