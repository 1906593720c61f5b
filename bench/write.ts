/**
 * How fast durable writes are, next to what disk and threads alone would take in the same run.
 * `npm run bench:write -- --seconds 5 --json FILE`
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Durability, type Ensemble, openEnsemble, type Tree } from '../lib/index.ts'
import { countArgument, numberArgument } from './util/arguments.ts'
import { formatCount, formatMs } from './util/format.ts'
import { ONE_AT_A_TIME, pipelined, type WriteCase, WriteLoad } from './write/cases.ts'
import { FloorProbe, type Floors } from './write/floors.ts'

const PEERS = 3
const PATHS = 1024
/** What we hold ourselves to on the machine this was designed on. */
const RATIO_MAX = 2.5
const PIPELINED_PER_SECOND_MIN = 30_000

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    durability: { type: 'string', default: 'power' },
    payload: { type: 'string', default: '100' },
    'in-flight': { type: 'string', default: '1024' },
    json: { type: 'string' },
  },
})
const seconds = numberArgument('seconds', values.seconds, 0.1)
const payloadBytes = countArgument('payload', values.payload, 0)
const inFlight = countArgument('in-flight', values['in-flight'], 1)
const durability = values.durability as Durability

interface Row {
  readonly name: string
  readonly system: 'quorumtree'
  readonly peers: number
  readonly durability: Durability
  readonly payloadBytes: number
  readonly clients: number
  readonly inFlight: number
  readonly opsPerSecond: number
  readonly p50us: number
  readonly p99us: number
  readonly p999us: number
  readonly maxus: number
  readonly errors: number
}

async function makePaths(tree: Tree): Promise<string[]> {
  const paths = Array.from({ length: PATHS }, (_, at) => `/bench/key-${at}`)
  await Promise.all(paths.map(path => tree.promises.create(path, '', { parents: true })))
  return paths
}

/** Runs a case in a session of its own, after a warm-up of a third of its time. */
async function measure(ensemble: Ensemble, paths: string[], writeCase: WriteCase): Promise<Row> {
  await using tree = await ensemble.connect()
  const { name, inFlight, run } = writeCase
  await run(tree, new WriteLoad(paths, payloadBytes, seconds / 3))
  const load = new WriteLoad(paths, payloadBytes, seconds)
  await run(tree, load)
  const { opsPerSecond, latencies, errors } = load
  const us = (percentile: number) => latencies.percentileMs(percentile) * 1000
  return {
    name,
    system: 'quorumtree',
    peers: PEERS,
    durability,
    payloadBytes,
    clients: 1,
    inFlight,
    opsPerSecond,
    p50us: us(50),
    p99us: us(99),
    p999us: us(99.9),
    maxus: latencies.maxMs * 1000,
    errors,
  }
}

/** The floors are measured before and after the cases, so that a disk that changes its mind shows in both. */
async function measureAll(directory: string): Promise<{ rows: Row[]; floors: Floors }> {
  const probe = await FloorProbe.open(join(directory, 'floor'), durability)
  await probe.measure(seconds * 250)
  await using ensemble = await openEnsemble({
    peers: PEERS,
    durability,
    dataDir: join(directory, 'ensemble'),
  })
  const setup = await ensemble.connect()
  const paths = await makePaths(setup)
  await setup.promises.close()
  const rows: Row[] = []
  for (const writeCase of [...ONE_AT_A_TIME, pipelined(inFlight)]) {
    rows.push(await measure(ensemble, paths, writeCase))
  }
  await probe.measure(seconds * 250)
  const floors = probe.floors()
  await probe.close()
  return { rows, floors }
}

function printTable(lines: readonly (readonly string[])[]): void {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map(line => line[column]!.length)))
  for (const [first, ...others] of lines) {
    const cells = others.map((cell, at) => cell.padStart(widths[at + 1]!))
    console.log([first!.padEnd(widths[0]!), ...cells].join('  '))
  }
}

function print(rows: readonly Row[], floors: Floors): void {
  const time = (us: number) => formatMs(us / 1000)
  console.log(
    `${PEERS} peers, ${payloadBytes} B, durability ${durability}, Node ${process.version}\n`,
  )
  printTable([
    ['sets', 'in flight', 'per second', 'p50', 'p99', 'p99.9', 'max', 'errors', 'p50 / floor'],
    ...rows.map(row => [
      row.name,
      formatCount(row.inFlight),
      formatCount(row.opsPerSecond),
      ...[row.p50us, row.p99us, row.p999us, row.maxus].map(time),
      formatCount(row.errors),
      row.inFlight === 1 ? (row.p50us / floors.writeP50us).toFixed(2) : '',
    ]),
  ])
  console.log(`
floor of one write  ${time(floors.writeP50us)}
  LevelDB put, three at once, slowest of a quorum  ${time(floors.quorumPutP50us)}
  slowest of the three  ${time(floors.slowestPutP50us)}
  round trip between two threads, needed twice  ${time(floors.roundTripP50us)}
`)
}

function printGoals(rows: readonly Row[], floors: Floors): void {
  for (const { name, inFlight, p50us, opsPerSecond } of rows) {
    const ratio = p50us / floors.writeP50us
    const met = inFlight === 1 ? ratio <= RATIO_MAX : opsPerSecond >= PIPELINED_PER_SECOND_MIN
    const goal =
      inFlight === 1
        ? `p50 at most ${RATIO_MAX} × floor`
        : `at least ${formatCount(PIPELINED_PER_SECOND_MIN)} per second`
    console.log(`${met ? 'met   ' : 'MISSED'}  ${name}: ${goal}`)
  }
}

const directory = mkdtempSync(join(tmpdir(), 'quorumtree-bench-'))
try {
  const { rows, floors } = await measureAll(directory)
  print(rows, floors)
  printGoals(rows, floors)
  if (values.json !== undefined) {
    const machine = { node: process.version, cpu: cpus()[0]?.model, cores: availableParallelism() }
    const file = resolve(process.env.INIT_CWD ?? '.', values.json)
    writeFileSync(file, `${JSON.stringify({ machine, seconds, floors, rows }, undefined, 2)}\n`)
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}
