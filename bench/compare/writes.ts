/** Our rows of durable writes: pipelined, and one at a time through both faces, with the floors measured in between. */

import type { Ensemble, Tree } from '../../lib/index.ts'
import type { FloorProbe } from '../floors/probe.ts'
import { blockingLoop } from '../load/closed-loop.ts'
import type { Row, Subject } from '../load/row.ts'
import { type Case, measureCases, type Plan } from '../load/series.ts'
import { makeNodes, measureLoop } from '../systems/quorumtree.ts'
import { blockingSetTarget, setTarget } from '../systems/tree-targets.ts'
import { Latencies } from '../util/latencies.ts'

export const PIPELINED_SETS = 'sets, pipelined'
export const BLOCKING_SET = 'set, one at a time, blocking'
export const PROMISED_SET = 'set, one at a time, promises'

const NODES = 1000
/** Of the floors, before each run. */
const FLOOR_MS = 600

export interface SetsOptions {
  readonly peers: number
  readonly durability: string
  readonly payloadBytes: number
  readonly inFlight: number
}

export function setCases(tree: Tree, paths: readonly string[], options: SetsOptions): Case[] {
  const { peers, durability, payloadBytes, inFlight } = options
  const data = Buffer.alloc(payloadBytes, 'x')
  const subject = (name: string, many: number): Subject => ({
    name,
    system: 'quorumtree',
    ...{ peers, durability, payloadBytes, clients: 1, inFlight: many },
  })
  const promised = setTarget(tree, paths, data)
  const blocking = blockingSetTarget(tree, paths, data)
  return [
    {
      subject: subject(PIPELINED_SETS, inFlight),
      run: seconds => measureLoop(promised, { inFlight, seconds }),
    },
    {
      subject: subject(BLOCKING_SET, 1),
      run: seconds => {
        const latencies = new Latencies()
        return { ...blockingLoop(blocking, { seconds }, latencies), latencies }
      },
    },
    {
      subject: subject(PROMISED_SET, 1),
      run: seconds => measureLoop(promised, { inFlight: 1, seconds }),
    },
  ]
}

/** Measures all three in turn, in a session of their own. */
export async function measureSets(
  ensemble: Ensemble,
  probe: FloorProbe,
  options: SetsOptions,
  plan: Plan,
): Promise<Row[]> {
  await using tree = await ensemble.connect()
  const paths = await makeNodes(tree, '/sets', NODES, options.payloadBytes)
  return await measureCases(setCases(tree, paths, options), plan, () => probe.measure(FLOOR_MS))
}
