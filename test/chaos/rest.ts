/** Liveness: once nothing is wrong any more, all peers must serve, with one tree, within a budget of their ticks. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Ensemble, EnsembleStatus } from '../../lib/index.ts'
import type { Watchtower } from './watchtower.ts'

/** Ticks of each peer's own clock: of a slow machine there are fewer in a second. */
const BUDGET_TICKS = 1_200
/** For peers that do not come up, and so have no ticks. */
const BUDGET_MS = 180_000
const LOOK_MS = 20

function isLevel({ leader, peers }: EnsembleStatus): boolean {
  const zxid = peers[0]?.zxid
  return leader !== undefined && peers.every(peer => peer.serving && peer.zxid === zxid)
}

function treesDiffer({ peers }: EnsembleStatus): string | undefined {
  const digests = new Set(peers.map(({ digest }) => digest))
  return digests.size === 1 ? undefined : `trees differ: ${[...digests].join(', ')}`
}

function describe({ leader, peers }: EnsembleStatus): string {
  const each = peers.map(
    ({ sid, state, serving, epoch, zxid, lastFailure }) =>
      `peer ${sid} ${state}${serving ? ' serving' : ''} epoch ${epoch} zxid ${zxid} ${lastFailure ?? ''}`,
  )
  return `leader ${leader}; ${each.join('; ')}`
}

export interface Rest {
  readonly ms: number
  readonly problem: string | undefined
}

/** Waits until every peer serves; what they apply may go on changing. */
export function serveAgain(ensemble: Ensemble, tower: Watchtower): Promise<Rest> {
  return until(ensemble, tower, ({ leader, peers }) => {
    return leader !== undefined && peers.every(({ serving }) => serving)
  })
}

/** Waits until every peer serves and has applied the same. Their trees must then be equal. */
export function comeToRest(
  ensemble: Ensemble,
  tower: Watchtower,
  budgetTicks = BUDGET_TICKS,
): Promise<Rest> {
  return until(ensemble, tower, isLevel, budgetTicks)
}

async function until(
  ensemble: Ensemble,
  tower: Watchtower,
  condition: (status: EnsembleStatus) => boolean,
  budgetTicks = BUDGET_TICKS,
): Promise<Rest> {
  const since = performance.now()
  const first = tower.sids.map(sid => tower.ticks(sid))
  for (;;) {
    const status = await ensemble.status()
    const ms = performance.now() - since
    if (condition(status)) return { ms, problem: isLevel(status) ? treesDiffer(status) : undefined }
    const outOfTicks = tower.sids.every((sid, at) => tower.ticks(sid) - first[at]! > budgetTicks)
    if (outOfTicks || ms > BUDGET_MS) {
      const waited = `not at rest after ${Math.round(ms)} ms and ${budgetTicks} ticks`
      return { ms, problem: `${waited}: ${describe(status)}` }
    }
    await sleep(LOOK_MS)
  }
}
