/** What an ensemble tells about itself and its peers, put together from what supervision knows and the peers report. */

import type { PeerStatus } from '../base/ports.ts'
import type { Sid, Zxid } from '../base/zxid.ts'
import type { PeerRole } from './options.ts'
import type { SupervisedPeer } from './supervised-peer.ts'

/**
 * `starting`: opens and verifies its store, or waits for its turn to. `busy`: up, but it did not find the time to
 * answer.
 */
export type PeerState = PeerStatus['role'] | 'down' | 'starting' | 'busy'

/** One peer of `ensemble.status()`. What only a live peer knows is undefined while it is down, starting or busy. */
export interface PeerSummary {
  readonly sid: Sid
  /** As given to `openEnsemble`. */
  readonly role: PeerRole
  readonly state: PeerState
  /** Its store is open and it takes part. */
  readonly up: boolean
  /** Clients can be served: it leads with a quorum, or follows such a leader and is up to date. */
  readonly serving: boolean
  readonly leader: Sid | undefined
  readonly epoch: number | undefined
  /** Last transaction applied to its tree. */
  readonly zxid: Zxid | undefined
  /** Digest of its whole tree at that transaction: equal on all peers that have applied it. */
  readonly digest: number | undefined
  /** Number of znodes, the root included. */
  readonly nodes: number | undefined
  readonly sessions: number | undefined
  /** How often it was started again. */
  readonly restarts: number
  /** Its directory; undefined with durability `memory`. */
  readonly dataDir: string | undefined
  /** What went wrong when it last died without being told to. */
  readonly lastFailure: string | undefined
  /** What its last recovery found damaged and has a leader replace. */
  readonly damage: string | undefined
}

export interface EnsembleStatus {
  /** The peer that leads with a quorum; undefined during an election. */
  readonly leader: Sid | undefined
  /** In order of their server ids. */
  readonly peers: readonly PeerSummary[]
}

function stateOf(peer: SupervisedPeer, status: PeerStatus | undefined): PeerState {
  if (status !== undefined) return status.role
  if (peer.isUp) return 'busy'
  return peer.isStarted ? 'starting' : 'down'
}

async function summarize(peer: SupervisedPeer): Promise<PeerSummary> {
  const status = await peer.status()
  return {
    sid: peer.sid,
    role: peer.config.votes ? 'participant' : 'observer',
    state: stateOf(peer, status),
    up: peer.isUp,
    serving: status?.serving === true,
    leader: status?.leader,
    epoch: status?.epoch,
    zxid: status?.zxid,
    digest: status?.digest,
    nodes: status?.nodes,
    sessions: status?.sessions,
    restarts: Math.max(0, peer.starts - 1),
    dataDir: peer.config.dataDir,
    lastFailure: peer.lastFailure?.message,
    damage: peer.damage,
  }
}

/** Asks all peers at once. */
export async function statusOf(peers: readonly SupervisedPeer[]): Promise<EnsembleStatus> {
  const summaries = await Promise.all(peers.map(summarize))
  // Of two, the one with the smaller epoch does not know yet that it was deposed.
  const leaders = summaries.filter(({ state, serving }) => state === 'leading' && serving)
  leaders.sort((a, b) => (b.epoch ?? 0) - (a.epoch ?? 0))
  return { leader: leaders[0]?.sid, peers: summaries }
}
