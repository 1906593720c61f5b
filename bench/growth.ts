/**
 * How cost grows: with the number of nodes, sessions, watchers, peers and client threads, and with the size of values.
 * Each part runs in a process of its own, so that memory is that part's alone. `npm run bench:growth -- --help`
 */

import { parseArgs } from 'node:util'
import type { Chapter } from './growth/chapter.ts'
import { type GrowthOptions, ROOMS } from './growth/options.ts'
import { countArgument } from './util/arguments.ts'
import { runProcess } from './util/child.ts'
import { describeBusy, describeMachine } from './util/machine.ts'
import { writeJson } from './util/places.ts'
import {
  chooseParts,
  planOf,
  RUN_OPTIONS,
  RUN_OPTIONS_USAGE,
  runOptions,
} from './util/run-options.ts'
import { formatMarkdown, formatTable } from './util/table.ts'

const USAGE = `npm run bench:growth -- [options]

${RUN_OPTIONS_USAGE}
  --only A,B       these parts only: ${ROOMS.join(', ')}
  --nodes N        of the large tree (1000000)
  --sessions N     that are open at once (10000)
  --alone          without ZooKeeper beside
  --markdown       tables as markdown, for the documentation`

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      ...RUN_OPTIONS,
      only: { type: 'string' },
      nodes: { type: 'string', default: '1000000' },
      sessions: { type: 'string', default: '10000' },
      alone: { type: 'boolean', default: false },
      markdown: { type: 'boolean', default: false },
    },
  })
  if (values.help) return console.log(USAGE)
  const options: GrowthOptions = {
    ...runOptions(values),
    nodes: countArgument('nodes', values.nodes, 2000),
    sessions: countArgument('sessions', values.sessions, 1),
    beside: !values.alone,
  }
  const machine = await describeMachine(options.directory)
  const busy = describeBusy(machine)
  if (busy !== undefined) console.log(busy)
  const format = values.markdown ? formatMarkdown : formatTable
  const figures: Record<string, object> = {}
  for (const room of chooseParts('only', values.only, ROOMS)) {
    console.error(`${room}:`)
    const args = [room, JSON.stringify(options)]
    const chapter = await runProcess<Chapter>('growth/room-process', import.meta.url, args)
    console.log([`\n${chapter.title}\n`, format(chapter.lines), '', ...chapter.notes].join('\n'))
    figures[room] = chapter.figures
  }
  if (options.jsonFile === undefined) return
  writeJson(options.jsonFile, { machine, plan: planOf(options), ...figures })
}

await main()
