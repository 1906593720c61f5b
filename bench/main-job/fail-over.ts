/** Kills the leader under load, measures the gap, and brings the killed peer back. */

import { setTimeout as pause } from 'node:timers/promises'
import type { Ensemble, EnsembleStatus } from '../../lib/index.ts'

export interface FailOver {
  readonly killed: number
  readonly successor: number
  /** From the kill until another session's write, sent right after it, is acknowledged. */
  readonly gapMs: number
  /** From the start of the killed peer until it serves again. */
  readonly returnMs: number
}

const POLL_MS = 5
const PATIENCE_MS = 30_000

/**
 * The gap is taken in a session of its own, connected to the leader as the loading one is: there the write would wait
 * behind megabytes that are sent again, here it waits for the ensemble.
 */
export async function failOver(ensemble: Ensemble, path: string): Promise<FailOver> {
  await using tree = await ensemble.connect()
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

export interface PeerDigest {
  readonly sid: number
  /** Of the peer's whole tree. */
  readonly digest: number
  readonly nodes: number
}

/** Waits until all peers have applied the same transactions; only then do their digests have to be equal. */
export async function untilLevel(ensemble: Ensemble): Promise<PeerDigest[]> {
  const { peers } = await untilStatus(ensemble, isLevel, 'catch up')
  return peers.map(({ sid, digest, nodes }) => ({ sid, digest: digest!, nodes: nodes! }))
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
