/** Rows and floors as tables. */

import type { Floors } from '../floors/probe.ts'
import { formatBytes, formatCount, formatMs } from '../util/format.ts'
import type { Lines } from '../util/table.ts'
import type { Row } from './row.ts'

export function formatUs(us: number): string {
  return formatMs(us / 1000)
}

const HEADING = [
  ...['what', 'system', 'payload', 'durability', 'in flight', 'per second'],
  ...['p50', 'p99', 'p99.9', 'max', 'errors'],
]

export function rowLines(rows: readonly Row[]): Lines {
  return [
    HEADING,
    ...rows.map(row => [
      row.name,
      row.system,
      formatBytes(row.payloadBytes),
      row.durability,
      row.inFlight === 0 ? 'open loop' : formatCount(row.inFlight),
      formatCount(row.opsPerSecond),
      ...[row.p50us, row.p99us, row.p999us, row.maxus].map(formatUs),
      formatCount(row.errors),
    ]),
  ]
}

export function floorLines(floors: Floors): Lines {
  const { peers, durability } = floors
  const put = durability === 'power' ? 'synced LevelDB put' : 'LevelDB put'
  return [
    ['floor', 'value'],
    ['fdatasync of 4 KiB', formatUs(floors.dataSyncP50us)],
    [`${put}, ${peers} at once, slowest of a quorum`, formatUs(floors.quorumPutP50us)],
    [`the same, slowest of all`, formatUs(floors.slowestPutP50us)],
    ['hop between threads, as a promise', formatUs(floors.promisedHopP50us)],
    ['hop between threads, blocking', formatUs(floors.blockingHopP50us)],
    ['one write: quorum put and four hops', formatUs(floors.writeP50us)],
    ['log alone, transactions per second', formatCount(floors.logOnlyPerSecond)],
    ['the same, creates of 1 KiB', formatCount(floors.logOnlyCreatesPerSecond)],
    ['Map.get with 100,000 paths, per second', formatCount(floors.lookUpsPerSecond)],
  ]
}
