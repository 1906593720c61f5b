/**
 * How fast durable writes are, next to what disk and threads alone would take in the same run: the rows of
 * `bench:compare` that a change of the write path moves, in a minute. `npm run bench:write -- --seconds 5 --json FILE`
 */

import { parseArgs } from 'node:util'
import type { Durability } from '../lib/index.ts'
import { PIPELINED_SETS } from './compare/names.ts'
import { measureSets } from './compare/writes.ts'
import { FloorProbe } from './floors/probe.ts'
import { measureOwnCost } from './load/own-cost.ts'
import { floorLines, rowLines } from './load/report.ts'
import { openInNewDirectory } from './systems/quorumtree.ts'
import { countArgument } from './util/arguments.ts'
import { describeMachine } from './util/machine.ts'
import { dataDirectory, writeJson } from './util/places.ts'
import { planOf, RUN_OPTIONS, runOptions } from './util/run-options.ts'
import { formatTable } from './util/table.ts'

const LIMIT_SECONDS = 1

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
const options = runOptions(values)
const { directory } = options
const durability = values.durability as Durability
const sets = {
  peers: countArgument('peers', values.peers, 1),
  durability,
  payloadBytes: countArgument('payload', values.payload, 0),
  inFlight: countArgument('in-flight', values['in-flight'], 1),
}

const ownCost = await measureOwnCost()
const probe = await FloorProbe.open(dataDirectory('floors', directory), sets.peers)
await using opened = await openInNewDirectory(directory, { peers: sets.peers, durability })
const rows = await measureSets(opened.ensemble, probe, sets, options)
await probe.measureLimits(LIMIT_SECONDS)
const floors = probe.floors()
await probe.close()

console.log(`\n${formatTable(rowLines(rows))}\n\n${formatTable(floorLines(floors))}\n`)
for (const { name, p50us, opsPerSecond } of rows) {
  if (name === PIPELINED_SETS) {
    const share = opsPerSecond / floors.logOnlyPerSecond
    console.log(`${name}: ${share.toFixed(2)} of what the log alone takes`)
  } else console.log(`${name}: p50 is ${(p50us / floors.writeP50us).toFixed(2)} × the floor`)
}
console.log(
  `The generator itself: ${ownCost.closedLoopNs.toFixed(0)} ns per operation ` +
    `(blocking ${ownCost.blockingLoopNs.toFixed(0)} ns)`,
)
if (options.jsonFile !== undefined) {
  const machine = describeMachine(directory)
  writeJson(options.jsonFile, { machine, plan: planOf(options), ownCost, floors, rows })
}
