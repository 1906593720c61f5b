/** Durable sets with more peers, larger values, and more client threads. */

import { rowLines } from '../load/report.ts'
import type { Row } from '../load/row.ts'
import type { Case } from '../load/series.ts'
import { measureCases } from '../load/series.ts'
import { makeNodes, measureLoop, openInNewDirectory } from '../systems/quorumtree.ts'
import { SetThreads } from '../systems/set-threads.ts'
import { setTarget } from '../systems/tree-targets.ts'
import { formatBytes, formatNumberOf } from '../util/format.ts'
import type { Chapter } from './chapter.ts'
import type { GrowthOptions } from './options.ts'

const PEERS = [1, 3, 5, 7]
const PAYLOADS = [0, 100, 1024, 10 * 1024, 100 * 1024, 1024 * 1024 - 1]
const THREADS = [1, 2, 4, 8, 16]
const SET_BYTES = 100
const NODES = 1000
const IN_FLIGHT = 1024
const IN_FLIGHT_PER_THREAD = 256
/** Of values: under way at most, and held by all nodes together. */
const BYTES_UNDER_WAY = 16 * 1024 * 1024
const BYTES_HELD = 64 * 1024 * 1024

interface Sets {
  readonly name: string
  readonly peers: number
  readonly payloadBytes: number
}

/** Pipelined and one at a time, on an ensemble of their own. */
async function measureSets({ name, peers, payloadBytes }: Sets, options: GrowthOptions) {
  await using opened = await openInNewDirectory(options.directory, { peers })
  await using tree = await opened.ensemble.connect()
  const nodes = Math.max(8, Math.min(NODES, Math.floor(BYTES_HELD / Math.max(1, payloadBytes))))
  const paths = await makeNodes(tree, '/sets', nodes, payloadBytes)
  const many = Math.floor(BYTES_UNDER_WAY / Math.max(1, payloadBytes))
  const target = setTarget(tree, paths, Buffer.alloc(payloadBytes, 'x'))
  const cases = [Math.max(2, Math.min(IN_FLIGHT, many)), 1].map((inFlight): Case => {
    const common = { system: 'quorumtree', peers, durability: 'power', payloadBytes }
    return {
      subject: { name, ...common, clients: 1, inFlight },
      run: seconds => measureLoop(target, { inFlight, seconds }),
    }
  })
  return await measureCases(cases, options)
}

function chapterOf(title: string, rows: readonly Row[]): Chapter {
  return { title, lines: rowLines(rows), notes: [], figures: { rows } }
}

export async function measurePeers(options: GrowthOptions): Promise<Chapter> {
  const rows: Row[] = []
  for (const peers of PEERS) {
    const name = formatNumberOf(peers, 'peer', 'peers')
    rows.push(...(await measureSets({ name, peers, payloadBytes: SET_BYTES }, options)))
  }
  return chapterOf('Durable sets by number of peers', rows)
}

export async function measurePayload(options: GrowthOptions): Promise<Chapter> {
  const rows: Row[] = []
  for (const payloadBytes of PAYLOADS) {
    const name = formatBytes(payloadBytes)
    rows.push(...(await measureSets({ name, peers: 3, payloadBytes }, options)))
  }
  return chapterOf('Durable sets by size of the value', rows)
}

async function measureThreadCount(threads: number, options: GrowthOptions): Promise<Row[]> {
  await using opened = await openInNewDirectory(options.directory, { peers: 3 })
  const { ensemble } = opened
  await using tree = await ensemble.connect()
  const paths = await makeNodes(tree, '/sets', NODES, SET_BYTES)
  const load = { threads, inFlight: IN_FLIGHT_PER_THREAD, paths, payloadBytes: SET_BYTES }
  const clients = await SetThreads.start(ensemble, load)
  const subject = {
    name: formatNumberOf(threads, 'client thread', 'client threads'),
    ...{ system: 'quorumtree', peers: 3, durability: 'power', payloadBytes: SET_BYTES },
    ...{ clients: threads, inFlight: threads * IN_FLIGHT_PER_THREAD },
  }
  const rows = await measureCases([{ subject, run: seconds => clients.run(seconds) }], options)
  await clients.close()
  return rows
}

export async function measureThreads(options: GrowthOptions): Promise<Chapter> {
  const rows: Row[] = []
  for (const threads of THREADS) rows.push(...(await measureThreadCount(threads, options)))
  return chapterOf('Durable sets by number of client threads', rows)
}
