/** Kills the leader under load, measures the gap, and brings the killed peer back. */

import { setTimeout as pause } from 'node:timers/promises'
import type { Ensemble, EnsembleStatus, Tree } from '../../lib/index.ts'

export interface FailOver {
  readonly killed: number
  readonly successor: number
  /** From the kill until a write that was sent right after it is acknowledged. */
  readonly gapMs: number
  /** From the start of the killed peer until it serves again. */
  readonly returnMs: number
}

const POLL_MS = 5
const PATIENCE_MS = 30_000

/**
 * The line answers in order, so when the write sent after the kill is acknowledged, all that were under way are too.
 */
export async function failOver(ensemble: Ensemble, tree: Tree, path: string): Promise<FailOver> {
  const { leader } = await ensemble.status()
  if (leader === undefined) throw new Error('there is no leader to kill')
  const killedAt = performance.now()
  await ensemble.kill(leader)
  await tree.promises.set(path, '')
  const gapMs = performance.now() - killedAt
  const startedAt = performance.now()
  await ensemble.start(leader)
  const after = await untilStatus(ensemble, status => serves(status, leader), 'serve again')
  return {
    killed: leader,
    successor: after.leader!,
    gapMs,
    returnMs: performance.now() - startedAt,
  }
}

/** Waits until all peers have applied the same transactions. */
export function untilLevel(ensemble: Ensemble): Promise<EnsembleStatus> {
  return untilStatus(ensemble, isLevel, 'catch up')
}

function serves(status: EnsembleStatus, sid: number): boolean {
  return status.peers.some(peer => peer.sid === sid && peer.serving)
}

function isLevel({ peers }: EnsembleStatus): boolean {
  return peers.every(peer => peer.serving && peer.zxid === peers[0]!.zxid)
}

async function untilStatus(
  ensemble: Ensemble,
  condition: (status: EnsembleStatus) => boolean,
  what: string,
): Promise<EnsembleStatus> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    const status = await ensemble.status()
    if (condition(status)) return status
    if (performance.now() > deadline) {
      const roles = status.peers.map(({ sid, state }) => `peer ${sid} is ${state}`).join(', ')
      throw new Error(`not all peers ${what} within ${PATIENCE_MS / 1000} s: ${roles}`)
    }
    await pause(POLL_MS)
  }
}
