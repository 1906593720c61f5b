/** Operations per second of the parts: `npm run bench -- --seconds 1 --json DIR`. */

import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { openEnsemble } from '../lib/index.ts'
import { CODEC_CASES } from './micro/codec.ts'
import { ensembleCases, localViewCases } from './micro/ensemble.ts'
import { TREE_CASES } from './micro/tree.ts'
import { untilLocal } from './systems/quorumtree.ts'
import { numberArgument } from './util/arguments.ts'
import { runSuite, type SuiteOptions } from './util/cases.ts'

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '1' }, json: { type: 'string' } },
})
const options: SuiteOptions = {
  seconds: numberArgument('seconds', values.seconds, 0.1),
  jsonDir:
    values.json === undefined ? undefined : resolve(process.env.INIT_CWD ?? '.', values.json),
}

await runSuite('codec', CODEC_CASES, options)
await runSuite('tree', TREE_CASES, options)

await using ensemble = await openEnsemble({ peers: 3, durability: 'memory' })
await using distant = await ensemble.connect({ reads: 'peer' })
await runSuite('ensemble', ensembleCases(distant), options)

await using local = await ensemble.connect()
await untilLocal(local, '/')
await runSuite('local view', localViewCases(local), options)
