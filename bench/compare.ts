/**
 * What we claim about speed, measured and judged: our rows, the floors and the systems beside us, in one run on one
 * disk. `npm run bench:compare -- --help` tells the options.
 */

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { writeCharts } from './compare/charts.ts'
import { Comparison, PARTS, type PartName, SYSTEMS } from './compare/comparison.ts'
import { tellResult } from './compare/tables.ts'
import { countArgument } from './util/arguments.ts'
import { fromCaller, ROOT, writeJson } from './util/places.ts'
import { chooseParts, RUN_OPTIONS, RUN_OPTIONS_USAGE, runOptions } from './util/run-options.ts'
import { formatMarkdown, formatTable } from './util/table.ts'

const USAGE = `npm run bench:compare -- [options]

${RUN_OPTIONS_USAGE}
  --only A,B       these parts only: ${PARTS.join(', ')}
  --systems A,B    only these beside us: ${SYSTEMS.join(', ')}
  --kills N        how often the leader is killed (100)
  --charts DIR     where charts go (bench/results)
  --markdown       tables as markdown, for the documentation`

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      ...RUN_OPTIONS,
      only: { type: 'string' },
      systems: { type: 'string' },
      kills: { type: 'string', default: '100' },
      charts: { type: 'string', default: join(ROOT, 'bench', 'results') },
      markdown: { type: 'boolean', default: false },
    },
  })
  if (values.help) return console.log(USAGE)
  const options = runOptions(values)
  const parts: ReadonlySet<PartName> = chooseParts('only', values.only, PARTS)
  const systems = chooseParts('systems', values.systems, SYSTEMS)
  const kills = countArgument('kills', values.kills, 1)
  const result = await new Comparison({ ...options, parts, systems, kills }).run()
  const noCharts = writeCharts(result, fromCaller(values.charts))
  const skipped = noCharts === undefined ? result.skipped : [...result.skipped, noCharts]
  const told = { ...result, skipped }
  if (options.jsonFile !== undefined) writeJson(options.jsonFile, told)
  console.log(`\n${tellResult(told, values.markdown ? formatMarkdown : formatTable)}`)
}

await main()
