/**
 * Damages peers' directories, one harm at a time, and opens them, alone and as whole ensembles; then makes the system
 * calls below a store fail, one at a time: `npm run test:damage -- --flips 2000 --seed 1`. Any outcome but harmless or
 * detected is a failure.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { countArgument } from '../../bench/util/arguments.ts'
import { Campaign } from './campaign.ts'
import { failCalls, reportHarms } from './sections.ts'
import { makeSpecimen, SPECIMEN_KINDS } from './specimens.ts'

const { values } = parseArgs({
  options: {
    /** Harms to single stores; as many again as there are files come on top, each file deleted. */
    flips: { type: 'string', default: '2000' },
    ensembles: { type: 'string', default: '100' },
    calls: { type: 'boolean', default: true },
    seed: { type: 'string', default: String(Date.now() % 1e9) },
  },
  allowNegative: true,
})
const flips = countArgument('flips', values.flips, 0)
const ensembles = countArgument('ensembles', values.ensembles, 0)
const seed = countArgument('seed', values.seed, 0)

async function harm(place: string): Promise<boolean> {
  const campaign = new Campaign(place, seed)
  try {
    const startedAt = performance.now()
    for (const kind of SPECIMEN_KINDS) await campaign.add(await makeSpecimen(place, kind, seed))
    await campaign.run(flips)
    await campaign.runDeletions()
    await campaign.runEnsembles(ensembles)
    return reportHarms(campaign, (performance.now() - startedAt) / 1000)
  } finally {
    campaign.close()
  }
}

const place = mkdtempSync(join(tmpdir(), 'quorumtree-damage-'))
try {
  console.log(`seed      ${seed}\n`)
  const unharmed = flips + ensembles === 0 || (await harm(place))
  const told = !values.calls || (await failCalls(place))
  process.exitCode = unharmed && told ? 0 : 1
} finally {
  rmSync(place, { recursive: true, force: true })
}
