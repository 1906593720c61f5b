/**
 * The sessions that are left when no client can come back to them: those of an earlier life of the ensemble, and at its
 * end those of clients that did not hang up. Closed by the leader, or their ephemeral nodes would stand (and locks be
 * held) until each has expired by itself.
 */

import { setTimeout as pause } from 'node:timers/promises'
import type { Zxid } from '../base/zxid.ts'
import type { SupervisedPeer } from './supervised-peer.ts'

const LOOK_PAUSE_MS = 5
/** For clients to hang up by themselves; one that hears of its session's end first would take it for expired. */
const HANG_UP_MS = 100
/** The next opening makes up for what is not done by then. */
const CLOSE_PATIENCE_MS = 1_000

interface Found {
  readonly leader: SupervisedPeer
  readonly sessions: number
  /** They were opened by then. */
  readonly zxid: Zxid
}

/** What the leader says; undefined without one, or when it does not find the time. */
async function askLeader(peers: readonly SupervisedPeer[]): Promise<Found | undefined> {
  for (const leader of peers.filter(peer => peer.leads)) {
    const status = await leader.status()
    // One that was deposed says so.
    if (status?.role !== 'leading' || !status.serving) continue
    return { leader, sessions: status.sessions, zxid: status.zxid }
  }
  return undefined
}

/** Has every session closed. Resolves when the leader has none any more, or nobody wants it any longer. */
export async function closeSessions(
  peers: readonly SupervisedPeer[],
  isWanted: () => boolean,
): Promise<void> {
  while (isWanted()) {
    const found = await askLeader(peers)
    if (found?.sessions === 0) return
    // Again each time: the leader may be another one by now, and a client's last request may have crossed ours. One
    // that stands still may hear of it only when the ensemble is open, and has sessions that are not meant.
    found?.leader.send({ kind: 'closeSessions', upTo: found.zxid })
    await pause(LOOK_PAUSE_MS)
  }
}

async function seeOff(peers: readonly SupervisedPeer[], isWanted: () => boolean): Promise<void> {
  const since = performance.now()
  while (isWanted()) {
    const found = await askLeader(peers)
    // Nobody leads: waiting for an election would be longer than the next opening takes for it.
    if (found === undefined || found.sessions === 0) return
    if (performance.now() - since >= HANG_UP_MS) return await closeSessions(peers, isWanted)
    await pause(LOOK_PAUSE_MS)
  }
}

/** Sees off the clients, who have been told: waits a little for them to hang up, then has the rest closed. */
export async function seeOffClients(peers: readonly SupervisedPeer[]): Promise<void> {
  let over = false
  await Promise.race([
    seeOff(peers, () => !over),
    pause(CLOSE_PATIENCE_MS, undefined, { ref: false }),
  ])
  over = true
}
