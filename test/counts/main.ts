/**
 * `npm run counts`: what a thousand operations cost, in things that can be counted, beside what was recorded; with
 * `--record`, it is recorded.
 */

import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { COUNTS } from './model.ts'
import { RECORD, readRecord } from './record.ts'
import { countAll } from './scenarios.ts'

const { values } = parseArgs({ options: { record: { type: 'boolean', default: false } } })

const counted = countAll()
const recorded = readRecord()
for (const [name, counts] of Object.entries(counted)) {
  console.log(name)
  for (const what of COUNTS) {
    const before = recorded[name]?.[what]
    const note = before === undefined || before === counts[what] ? '' : `  recorded: ${before}`
    console.log(`  ${what.padEnd(20)} ${String(counts[what]).padStart(10)}${note}`)
  }
}
if (values.record) writeFileSync(RECORD, `${JSON.stringify(counted, undefined, 2)}\n`)
