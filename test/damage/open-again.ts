/** Tries to open an ensemble that another process has open, and tells the code of the refusal. */

import { openEnsemble, TreeError } from '../../lib/index.ts'

try {
  await using _ensemble = await openEnsemble({ peers: 3, dataDir: process.argv[2]! })
  process.send!('opened')
} catch (error) {
  process.send!(error instanceof TreeError ? error.code : String(error))
}
process.disconnect()
