/** Ensembles of which some peers are up and others do not come up: only then does it show who has a vote. */

import type { Ensemble } from '../../lib/ensemble/ensemble.ts'
import { openConfigured } from '../../lib/ensemble/open.ts'
import { checkEnsemble, type EnsembleOptions } from '../../lib/ensemble/options.ts'

/** A list of server ids, in JSON. */
export const HELD_VARIABLE = 'QUORUMTREE_TEST_HELD'

export async function openWithout(
  held: readonly number[],
  options: EnsembleOptions,
): Promise<Ensemble> {
  process.env[HELD_VARIABLE] = JSON.stringify(held)
  try {
    const worker = new URL('./held-worker.ts', import.meta.url)
    return await openConfigured(checkEnsemble(options), worker)
  } finally {
    delete process.env[HELD_VARIABLE]
  }
}
