/** Waits until all peers of an ensemble serve and have applied the same; only then do they have to be equal. */

import { setTimeout as pause } from 'node:timers/promises'
import type { Ensemble, EnsembleStatus } from '../../lib/index.ts'

const POLL_MS = 5
const PATIENCE_MS = 120_000

export async function awaitLevel(ensemble: Ensemble): Promise<EnsembleStatus> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    const status = await ensemble.status()
    const { peers } = status
    if (peers.every(({ serving, zxid }) => serving && zxid === peers[0]!.zxid)) return status
    if (performance.now() > deadline) {
      const states = peers.map(
        ({ sid, state, zxid, lastFailure }) => `${sid}: ${state} at ${zxid} (${lastFailure})`,
      )
      throw new Error(`the peers did not catch up with each other: ${states.join(', ')}`)
    }
    await pause(POLL_MS)
  }
}
