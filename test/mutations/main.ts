/**
 * `npm run test:mutations`: every mutation of the catalogue must be killed; ends with code 1 when one is not.
 * `--only WORD` takes those whose name has the word in it, `--jobs N` works on N at a time.
 */

import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { CATALOGUE } from './catalogue.ts'
import { type Result, runGate } from './gate.ts'
import { describeKiller } from './mutation.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    jobs: { type: 'string', default: String(Math.max(1, availableParallelism())) },
  },
})

const BY_COLUMNS_MAX = 160

function show({ mutation, fate, ms }: Result): void {
  const seconds = (ms / 1000).toFixed(1).padStart(5)
  const { name, says } = mutation
  console.log(`${fate.kind.toUpperCase().padEnd(8)} ${seconds} s  ${name}: ${says}`)
  if (fate.kind === 'killed') {
    console.log(`                  ${describeKiller(fate.killer)}`)
    console.log(`                  ${fate.by.slice(0, BY_COLUMNS_MAX)}`)
  } else if (fate.kind === 'void') console.log(`                  ${fate.why}`)
  else for (const killer of mutation.killers) console.log(`          ${describeKiller(killer)}`)
}

const jobs = Number(values.jobs)
if (!Number.isInteger(jobs) || jobs < 1) throw new Error(`--jobs must be 1 or more: ${values.jobs}`)
const mutations = CATALOGUE.filter(({ name }) => name.includes(values.only))
if (mutations.length === 0) throw new Error(`no mutation has '${values.only}' in its name`)

const begun = performance.now()
const results = await runGate({ mutations, jobs, onResult: show })
const failed = results.filter(({ fate }) => fate.kind !== 'killed')
const seconds = ((performance.now() - begun) / 1000).toFixed(0)
console.log(`\n${results.length} mutations, ${results.length - failed.length} killed, ${seconds} s`)
for (const { mutation, fate } of failed) console.log(`${fate.kind}: ${mutation.name}`)
process.exitCode = failed.length === 0 ? 0 : 1
