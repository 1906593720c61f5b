/** Our rows of writes: pipelined, one at a time through both faces, at a fixed rate, and creates. */

import type { Ensemble, Tree } from '../../lib/index.ts'
import type { FloorProbe } from '../floors/probe.ts'
import { blockingLoop } from '../load/closed-loop.ts'
import { openLoop } from '../load/open-loop.ts'
import { pathsOf } from '../load/paths.ts'
import type { Row, Subject } from '../load/row.ts'
import { type Case, measureCases, type Plan } from '../load/series.ts'
import { deleteNodes, makeNodes, makeParents, measureLoop } from '../systems/quorumtree.ts'
import { blockingSetTarget, createTarget, setTarget } from '../systems/tree-targets.ts'
import { Latencies } from '../util/latencies.ts'
import {
  BLOCKING_SET,
  OURS,
  PACED_SETS,
  PIPELINED_CREATES,
  PIPELINED_SETS,
  PROMISED_SET,
} from './names.ts'

const NODES = 1000
/** Of the floors, before each run. */
const FLOOR_MS = 600
const PEAK_SHARE = 0.5
const CREATES_MAX = 400_000

export interface WriteOptions {
  readonly peers: number
  readonly durability: string
  readonly payloadBytes: number
  readonly inFlight: number
}

function subjectOf(name: string, options: WriteOptions, inFlight: number): Subject {
  const { peers, durability, payloadBytes } = options
  return { name, system: OURS, peers, durability, payloadBytes, clients: 1, inFlight }
}

function pipelinedCase(tree: Tree, paths: readonly string[], options: WriteOptions): Case {
  const { inFlight, payloadBytes } = options
  const target = setTarget(tree, paths, Buffer.alloc(payloadBytes, 'x'))
  return {
    subject: subjectOf(PIPELINED_SETS, options, inFlight),
    run: seconds => measureLoop(target, { inFlight, seconds }),
  }
}

/** Both faces. */
function oneAtATimeCases(tree: Tree, paths: readonly string[], options: WriteOptions): Case[] {
  const data = Buffer.alloc(options.payloadBytes, 'x')
  const blocking = blockingSetTarget(tree, paths, data)
  const promised = setTarget(tree, paths, data)
  return [
    {
      subject: subjectOf(BLOCKING_SET, options, 1),
      run: seconds => {
        const latencies = new Latencies()
        return { ...blockingLoop(blocking, { seconds }, latencies), latencies }
      },
    },
    {
      subject: subjectOf(PROMISED_SET, options, 1),
      run: seconds => measureLoop(promised, { inFlight: 1, seconds }),
    },
  ]
}

/** Pipelined and one at a time, in a session of their own, with the floors in between. */
export async function measureSets(
  ensemble: Ensemble,
  probe: FloorProbe,
  options: WriteOptions,
  plan: Plan,
): Promise<Row[]> {
  await using tree = await ensemble.connect()
  const paths = await makeNodes(tree, '/sets', NODES, options.payloadBytes)
  const cases = [pipelinedCase(tree, paths, options), ...oneAtATimeCases(tree, paths, options)]
  return await measureCases(cases, plan, () => probe.measure(FLOOR_MS))
}

export async function measureOneAtATime(
  ensemble: Ensemble,
  options: WriteOptions,
  plan: Plan,
): Promise<Row[]> {
  await using tree = await ensemble.connect()
  const paths = await makeNodes(tree, '/single', NODES, options.payloadBytes)
  return await measureCases(oneAtATimeCases(tree, paths, options), plan)
}

/** An open loop at half of what the closed one reached. */
export async function measurePaced(
  ensemble: Ensemble,
  peakPerSecond: number,
  options: WriteOptions,
  plan: Plan,
): Promise<Row[]> {
  await using tree = await ensemble.connect()
  const paths = await makeNodes(tree, '/paced', NODES, options.payloadBytes)
  const target = setTarget(tree, paths, Buffer.alloc(options.payloadBytes, 'x'))
  const opsPerSecond = peakPerSecond * PEAK_SHARE
  const paced: Case = {
    // As many as there happen to be.
    subject: subjectOf(PACED_SETS, options, 0),
    run: async seconds => {
      const latencies = new Latencies()
      const counts = await openLoop(target, { opsPerSecond, seconds }, latencies)
      return { ...counts, latencies }
    },
  }
  return await measureCases([paced], plan)
}

/**
 * Each run creates nodes of its own, and they are deleted before the next: the tree must not grow from run to run. A
 * run that has used up its paths ends early.
 */
export async function measureCreates(
  ensemble: Ensemble,
  options: WriteOptions,
  plan: Plan,
): Promise<Row[]> {
  await using tree = await ensemble.connect()
  const data = Buffer.alloc(options.payloadBytes, 'x')
  const { inFlight } = options
  let runs = 0
  const creates: Case = {
    subject: subjectOf(PIPELINED_CREATES, options, inFlight),
    run: async seconds => {
      const top = `/creates-${runs++}`
      await makeParents(tree, top, CREATES_MAX)
      const paths = pathsOf(top, CREATES_MAX)
      const limits = { inFlight, seconds, callsMax: CREATES_MAX }
      const measurement = await measureLoop(createTarget(tree, paths, data), limits)
      await deleteNodes(tree, paths.slice(0, measurement.operations + measurement.errors))
      return measurement
    },
  }
  return await measureCases([creates], plan)
}
