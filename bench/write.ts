/**
 * How fast durable writes are, next to what disk and threads alone would take in the same run: the rows of
 * `bench:compare` that a change of the write path moves, in a minute. `npm run bench:write -- --seconds 5 --json FILE`
 */

import { parseArgs } from 'node:util'
import type { Durability } from '../lib/index.ts'
import { PIPELINED_SETS } from './compare/names.ts'
import { measureSets } from './compare/writes.ts'
import { FloorProbe, type Floors } from './floors/probe.ts'
import { measureOwnCost, type OwnCost } from './load/own-cost.ts'
import { floorLines, rowLines } from './load/report.ts'
import type { Row } from './load/row.ts'
import { openInNewDirectory } from './systems/quorumtree.ts'
import { countArgument } from './util/arguments.ts'
import { describeBusy, describeMachine } from './util/machine.ts'
import { dataDirectory, writeJson } from './util/places.ts'
import { planOf, RUN_OPTIONS, RUN_OPTIONS_USAGE, runOptions } from './util/run-options.ts'
import { formatTable } from './util/table.ts'

const LIMIT_SECONDS = 1

const USAGE = `npm run bench:write -- [options]

${RUN_OPTIONS_USAGE}
  --peers N        (3)
  --durability D   power, process or memory (power)
  --payload BYTES  (100)
  --in-flight N    of the pipelined row (1024)`

function tell(rows: readonly Row[], floors: Floors, ownCost: OwnCost): void {
  console.log(`\n${formatTable(rowLines(rows))}\n\n${formatTable(floorLines(floors))}\n`)
  for (const { name, p50us, opsPerSecond } of rows) {
    if (name === PIPELINED_SETS) {
      const share = opsPerSecond / floors.logOnlyPerSecond
      console.log(`${name}: ${share.toFixed(2)} of what the log alone takes`)
    } else console.log(`${name}: p50 is ${(p50us / floors.writeP50us).toFixed(2)} × the floor`)
  }
  const { closedLoopNs, blockingLoopNs } = ownCost
  const own = `${closedLoopNs.toFixed(0)} ns per operation (blocking ${blockingLoopNs.toFixed(0)})`
  console.log(`The load generator itself takes ${own}.`)
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      ...RUN_OPTIONS,
      'warm-up': { type: 'string', default: '3' },
      peers: { type: 'string', default: '3' },
      durability: { type: 'string', default: 'power' },
      payload: { type: 'string', default: '100' },
      'in-flight': { type: 'string', default: '1024' },
    },
  })
  if (values.help) return console.log(USAGE)
  const options = runOptions(values)
  const { directory, jsonFile } = options
  const durability = values.durability as Durability
  const peers = countArgument('peers', values.peers, 1)
  const payloadBytes = countArgument('payload', values.payload, 0)
  const inFlight = countArgument('in-flight', values['in-flight'], 1)
  const machine = await describeMachine(directory)
  const ownCost = await measureOwnCost()
  await using opened = await openInNewDirectory(directory, { peers, durability })
  const probe = await FloorProbe.open(dataDirectory('floors', directory), peers, durability)
  const writes = { peers, durability, payloadBytes, inFlight }
  const rows = await measureSets(opened.ensemble, probe, writes, options)
  await probe.measureLimits(LIMIT_SECONDS)
  const floors = probe.floors()
  await probe.close()
  tell(rows, floors, ownCost)
  console.log(describeBusy(machine) ?? '')
  if (jsonFile === undefined) return
  writeJson(jsonFile, { machine, plan: planOf(options), ownCost, floors, rows })
}

await main()
