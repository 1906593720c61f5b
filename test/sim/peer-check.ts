/** What must hold of every peer after each of its turns, and between a peer, its disk and all the others. */

import { type Group, type LogPoint, pointOf } from '../../lib/base/group.ts'
import { epochOf, type Sid, type Zxid } from '../../lib/base/zxid.ts'
import type { PeerInput, TurnOutput } from '../../lib/peer/core-turn.ts'
import type { Zab } from '../../lib/zab/zab.ts'
import { Chronicle } from './chronicle.ts'
import type { Counters } from './counters.ts'
import { shortZxid } from './describe.ts'
import { checkDisk, checkLog, checkTree } from './end-check.ts'
import type { Execution } from './execution.ts'
import { ExpiryCheck } from './expiry-check.ts'
import type { SimPeer } from './peer.ts'
import { holds } from './violation.ts'
import { WireCheck } from './wire-check.ts'

/** Turns of all peers until the first round of the costly checks, and how much longer each pause is than the last. */
const ROUND_TURNS = 1_000
const ROUND_GROWTH = 1.5
/** Fewer groups than a peer keeps in memory at least: so many it may commit and forget in one turn. */
const TAIL_GROUPS_MIN = 16

/**
 * Why a learner ends a connection though nothing is lost but the end of what was sent: it was told what has no place in
 * its phase, or holds a log that its leader could not have.
 */
export const NEVER_A_REASON: ReadonlySet<string> = new Set([
  'LEADERINFO out of place',
  'DIFF or TRUNC out of place',
  'the logs do not meet where they should',
  'SNAP out of place',
  'a snapshot chunk out of place',
  'a proposal before DIFF, TRUNC or SNAP',
  'a gap in the proposals',
  'a proposal out of place',
  'a commit without its proposal',
  'NEWLEADER out of place',
  'NEWLEADER before the log',
  'NEWLEADER of another epoch',
  'UPTODATE out of place',
])

interface Seen {
  /** Delivered up to here. */
  committed: Zxid
  applied: Zxid
  reason: string
  /** The groups after `committed`, when there were many at the last look. */
  tail: readonly Group[]
}

export class PeerCheck {
  readonly chronicle: Chronicle
  readonly #peers: readonly SimPeer[]
  readonly #voters: readonly SimPeer[]
  readonly #execution: Execution
  readonly #wire = new WireCheck()
  readonly #expiry = new ExpiryCheck()
  readonly #seen = new Map<Sid, Seen>()
  /** Where each committed group ends, in order. */
  readonly #points: LogPoint[] = []
  #turns = 0
  #rounds = 0
  #nextRound = ROUND_TURNS

  constructor(peers: readonly SimPeer[], voters: number, execution: Execution) {
    this.#peers = peers
    this.#voters = peers.slice(0, voters)
    this.#execution = execution
    this.chronicle = new Chronicle(group => this.#committed(group))
  }

  /** How much was checked, for those who ask what a clean run is worth. */
  count(counters: Counters): void {
    counters.add('reigns', this.chronicle.reigns)
    counters.add('groups committed', this.chronicle.length)
    counters.add('conversations', this.#wire.conversations)
    counters.add('proposals told late', this.#wire.toldLate)
    counters.add('sessions expired for silence', this.#expiry.expiries)
    counters.add('rounds of costly checks', this.#rounds)
  }

  started(peer: SimPeer): void {
    const { sid, zab } = peer
    const { base } = zab!.history
    this.chronicle.jumped(sid, base)
    const { zxid } = base
    this.#seen.set(sid, { committed: zxid, applied: zxid, reason: zab!.lastReason, tail: [] })
    this.#wire.started(peer)
  }

  turned(peer: SimPeer, inputs: readonly PeerInput[], output: TurnOutput): void {
    const { sid } = peer
    const zab = peer.zab!
    const tree = peer.tree!
    const seen = this.#seen.get(sid)!
    const { history, epochs, leads } = zab
    const epoch = epochs.currentEpoch
    this.chronicle.observe(sid, peer.life, { epoch, leads }, history)
    const heard = this.#wire.turned(peer, inputs, output)
    this.#expiry.turned(sid, inputs, output)
    const busy = zab.durableZxid < history.lastZxid && history.committed < history.lastZxid
    if (leads) this.#expiry.led(epoch, heard, history.lastZxid, busy)
    if (history.committed !== seen.committed) this.#follow(peer, seen)
    const isLong = history.lastZxid - seen.committed >= TAIL_GROUPS_MIN
    seen.tail = isLong ? (history.groupsAfter(seen.committed) ?? []) : []
    checkPositions(sid, zab, tree.zxid)
    if (tree.zxid !== seen.applied) {
      seen.applied = tree.zxid
      this.chronicle.digested(sid, tree.zxid, tree.digest)
    }
    if (zab.lastReason !== seen.reason) {
      seen.reason = zab.lastReason
      checkReason(sid, seen.reason)
    }
    if (++this.#turns >= this.#nextRound) this.#round()
  }

  /** A client was told of a transaction: it is safe on a quorum. */
  acknowledged(zxid: Zxid): void {
    let low = 0
    let high = this.#points.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#points[middle]!.zxid < zxid) low = middle + 1
      else high = middle
    }
    this.#checkSafe(this.#points[low]!)
  }

  /** The costly checks: of every peer, but of one disk only, and of another next time. */
  #round(): void {
    this.#rounds++
    this.#nextRound = Math.round(this.#turns * ROUND_GROWTH)
    const { chronicle } = this
    for (const peer of this.#peers) {
      const { sid, zab, tree, disk } = peer
      if (zab !== undefined && tree !== undefined) {
        checkLog(sid, zab.history, chronicle)
        checkTree(sid, tree, this.#execution)
      }
      const isNext = sid === 1 + (this.#rounds % this.#peers.length)
      if (isNext && peer.trusted) checkDisk(sid, disk.safe, chronicle)
    }
    const last = this.#points.at(-1)
    if (last !== undefined) this.#checkSafe(last)
  }

  #follow(peer: SimPeer, seen: Seen): void {
    const { history } = peer.zab!
    const { base, committed } = history
    if (base.zxid > seen.committed || committed < seen.committed) {
      // What was committed may be forgotten in the same turn, up to the base.
      const end = seen.tail.findIndex(
        ({ last, chain }) => last === base.zxid && chain === base.chain,
      )
      if (end < 0) this.chronicle.jumped(peer.sid, base)
      else this.chronicle.delivered(peer.sid, seen.committed, seen.tail.slice(0, end + 1))
      seen.committed = base.zxid
    }
    const groups = history.groupsAfter(seen.committed) ?? []
    const delivered = groups.filter(group => group.last <= committed)
    this.chronicle.delivered(peer.sid, seen.committed, delivered)
    seen.committed = committed
  }

  #committed(group: Group): void {
    const point = pointOf(group)
    this.#points.push(point)
    this.#checkSafe(point)
    this.#expiry.committed(group.first, this.#execution.apply(group))
  }

  #checkSafe(point: LogPoint): void {
    let have = 0
    for (const peer of this.#voters) {
      // A disk that was lost had it: that such a loss is survived is what the other checks are about.
      if (peer.disk.safe.contains(point) || !peer.trusted) have++
    }
    holds(have * 2 > this.#voters.length, 'QuorumDurability', () => {
      const where = `${have} of ${this.#voters.length} voters`
      return `${shortZxid(point.zxid)} is committed, but safe only on ${where}`
    })
  }
}

export function checkReason(sid: Sid, reason: string): void {
  holds(!NEVER_A_REASON.has(reason), 'ShouldNotBeTriggered', () => {
    return `P${sid} ends a connection: ${reason}`
  })
}

/** How far one peer is in each respect. */
export function checkPositions(
  sid: Sid,
  { history, epochs }: Pick<Zab, 'history' | 'epochs'>,
  applied: Zxid,
): void {
  const { acceptedEpoch, currentEpoch } = epochs
  holds(applied <= history.committed, 'AppliedIsCommitted', () => {
    return `P${sid} applied ${shortZxid(applied)}, committed ${shortZxid(history.committed)}`
  })
  holds(
    acceptedEpoch >= currentEpoch && currentEpoch >= epochOf(history.lastZxid),
    'EpochOrder',
    () => {
      const log = shortZxid(history.lastZxid)
      return `P${sid} accepted ${acceptedEpoch}, entered ${currentEpoch}, its log ends with ${log}`
    },
  )
}
