/** Our own ensembles, each in a new directory that goes with it, and the nodes that loads work on. */

import { rm } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { type Ensemble, type EnsembleOptions, openEnsemble, type Tree } from '../../lib/index.ts'
import { type ClosedLoopOptions, closedLoop, type Target } from '../load/closed-loop.ts'
import { parentsOf, pathsOf } from '../load/paths.ts'
import type { Measurement } from '../load/row.ts'
import { Latencies } from '../util/latencies.ts'
import { dataDirectory } from '../util/places.ts'
import { createTarget, deleteTarget } from './tree-targets.ts'

const MANY_IN_FLIGHT = 1024
/** A read takes a microsecond or so in this thread, and some twenty through another. */
const LOCAL_MS_MAX = 0.006
const LOCAL_READS = 200
const LOCAL_PAUSE_MS = 20
const LOCAL_PATIENCE_MS = 60_000

export interface OpenedEnsemble extends AsyncDisposable {
  readonly ensemble: Ensemble
  readonly directory: string
}

export async function openInNewDirectory(
  parent: string,
  options: EnsembleOptions,
): Promise<OpenedEnsemble> {
  const directory = dataDirectory('quorumtree', parent)
  const ensemble = await openEnsemble({ ...options, dataDir: directory })
  return {
    ensemble,
    directory,
    [Symbol.asyncDispose]: async () => {
      await ensemble.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** Does a call once for each of `count`, many at a time. @throws Error when one fails. */
async function doAll<Result>(target: Target<Result>, count: number): Promise<void> {
  const options = { inFlight: MANY_IN_FLIGHT, seconds: Number.POSITIVE_INFINITY, callsMax: count }
  const { errors, firstError } = await closedLoop(target, options, new Latencies())
  if (errors > 0) throw new Error(`${errors} of ${count} calls failed: ${firstError}`)
}

/** Makes the parents of paths below `top`. */
export async function makeParents(tree: Tree, top: string, count: number): Promise<void> {
  const parents = parentsOf(top, count)
  await doAll(createTarget(tree, parents, Buffer.alloc(0)), parents.length)
}

/** Makes `count` nodes with their parents, and returns their paths. */
export async function makeNodes(
  tree: Tree,
  top: string,
  count: number,
  payloadBytes: number,
): Promise<string[]> {
  await makeParents(tree, top, count)
  const paths = pathsOf(top, count)
  await doAll(createTarget(tree, paths, Buffer.alloc(payloadBytes, 'x')), count)
  return paths
}

export async function deleteNodes(tree: Tree, paths: readonly string[]): Promise<void> {
  await doAll(deleteTarget(tree, paths), paths.length)
}

/**
 * Waits until reads of `tree` are answered in this thread: the first read only asks for the replica that does that.
 * @returns After how long, or undefined when they still take as long as a message each way.
 */
export async function untilLocal(tree: Tree, path: string): Promise<number | undefined> {
  const startedAt = performance.now()
  while (performance.now() - startedAt < LOCAL_PATIENCE_MS) {
    // A closed ensemble or a missing node must not pass for a fast answer.
    await tree.promises.get(path)
    const readAt = performance.now()
    for (let at = 0; at < LOCAL_READS; at++) tree.get(path)
    const eachMs = (performance.now() - readAt) / LOCAL_READS
    if (eachMs < LOCAL_MS_MAX) return performance.now() - startedAt
    await pause(LOCAL_PAUSE_MS)
  }
  return undefined
}

/** A closed loop with latencies of its own. */
export async function measureLoop<Result>(
  target: Target<Result>,
  options: ClosedLoopOptions,
): Promise<Measurement> {
  const latencies = new Latencies()
  return { ...(await closedLoop(target, options, latencies)), latencies }
}
