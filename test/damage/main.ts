/**
 * Damages peers' directories, one harm at a time, and opens them: `npm run test:damage -- --flips 2000 --seed 1`.
 * Prints what became of it by kind of file. Any outcome but harmless or detected is a failure.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { countArgument } from '../../bench/util/arguments.ts'
import { Campaign } from './campaign.ts'
import { makeSpecimen, SPECIMEN_KINDS } from './specimens.ts'
import { tableOf } from './table.ts'

const SHOWN_MAX = 25

const { values } = parseArgs({
  options: {
    flips: { type: 'string', default: '2000' },
    ensembles: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Date.now() % 1e9) },
  },
})
const flips = countArgument('flips', values.flips, 1)
const ensembles = countArgument('ensembles', values.ensembles, 0)
const seed = countArgument('seed', values.seed, 0)

const place = mkdtempSync(join(tmpdir(), 'quorumtree-damage-'))
const campaign = new Campaign(place, seed)
try {
  const startedAt = performance.now()
  for (const kind of SPECIMEN_KINDS) await campaign.add(await makeSpecimen(place, kind, seed))
  await campaign.run(flips)
  await campaign.runDeletions()
  await campaign.runEnsembles(ensembles)
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0)
  const { cases, failures } = campaign
  const stores = cases.filter(({ whole }) => !whole)
  console.log(tableOf('file', stores, ({ fileKind }) => fileKind))
  console.log(tableOf('harm', stores, ({ harmKind }) => harmKind))
  console.log(tableOf('directory', stores, ({ specimen }) => specimen))
  console.log('Whole ensembles with one peer harmed:')
  console.log(
    tableOf(
      'file',
      cases.filter(({ whole }) => whole),
      ({ fileKind }) => fileKind,
    ),
  )
  console.log(`seed      ${seed}\nharms     ${cases.length} in ${seconds} s`)
  console.log(`failures  ${failures.length}`)
  for (const { specimen, sid, harm, outcome, why } of failures.slice(0, SHOWN_MAX)) {
    console.log(`  ${outcome}: ${specimen}, peer ${sid}: ${harm}\n    ${why}`)
  }
  process.exitCode = failures.length > 0 ? 1 : 0
} finally {
  campaign.close()
  rmSync(place, { recursive: true, force: true })
}
