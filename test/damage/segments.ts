/** Ensembles whose peers have many parts: as after a long life, but soon and with few bytes. */

import type { Ensemble } from '../../lib/ensemble/ensemble.ts'
import { openConfigured } from '../../lib/ensemble/open.ts'
import { checkEnsemble, type EnsembleOptions } from '../../lib/ensemble/options.ts'

export async function openSegmented(options: EnsembleOptions): Promise<Ensemble> {
  const worker = new URL('./segments-worker.ts', import.meta.url)
  return await openConfigured(checkEnsemble(options), worker)
}
