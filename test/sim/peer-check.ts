/** What must hold of every peer after each of its turns, and between a peer, its disk and all the others. */

import { ByteReader } from '../../lib/base/bytes.ts'
import type { Group, LogPoint } from '../../lib/base/group.ts'
import { counterOf, epochOf, type Sid, type Zxid } from '../../lib/base/zxid.ts'
import type { PeerInput, TurnOutput } from '../../lib/peer/core.ts'
import { decodePeerMessage } from '../../lib/zab/codec.ts'
import type { PeerMessage } from '../../lib/zab/types.ts'
import { Chronicle } from './chronicle.ts'
import { shortZxid } from './describe.ts'
import type { Execution } from './execution.ts'
import type { SimPeer } from './peer.ts'
import { holds } from './violation.ts'

interface Seen {
  life: number
  /** Delivered up to here. */
  committed: Zxid
  applied: Zxid
}

export class PeerCheck {
  readonly chronicle: Chronicle
  readonly #peers: readonly SimPeer[]
  readonly #voters: number
  readonly #seen = new Map<Sid, Seen>()
  /** Where each committed group ends, in order. */
  readonly #points: LogPoint[] = []

  constructor(peers: readonly SimPeer[], voters: number, execution: Execution) {
    this.#peers = peers
    this.#voters = voters
    this.chronicle = new Chronicle(group => {
      this.#committed(group)
      execution.apply(group)
    })
  }

  started(peer: SimPeer): void {
    const { base } = peer.zab!.history
    this.chronicle.jumped(peer.sid, base)
    this.#seen.set(peer.sid, { life: peer.life, committed: base.zxid, applied: base.zxid })
  }

  turned(peer: SimPeer, _inputs: readonly PeerInput[], output: TurnOutput): void {
    const zab = peer.zab!
    const tree = peer.tree!
    const seen = this.#seen.get(peer.sid)!
    const { history } = zab
    this.chronicle.observe(peer.sid, peer.life, zab.view, history)
    if (history.committed !== seen.committed) this.#follow(peer, seen)
    holds(tree.zxid <= history.committed, 'AppliedIsCommitted', () => {
      return `P${peer.sid} applied ${shortZxid(tree.zxid)}, committed ${shortZxid(history.committed)}`
    })
    if (tree.zxid !== seen.applied) {
      seen.applied = tree.zxid
      this.chronicle.digested(peer.sid, tree.zxid, tree.digest)
    }
    if (!peer.leading) for (const { frame } of output.peerFrames) this.#checkSaid(peer, frame)
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

  #follow(peer: SimPeer, seen: Seen): void {
    const { history } = peer.zab!
    const { base, committed } = history
    if (base.zxid > seen.committed || committed < seen.committed) {
      this.chronicle.jumped(peer.sid, base)
      seen.committed = base.zxid
    }
    const groups = history.groupsAfter(seen.committed) ?? []
    const delivered = groups.filter(group => group.last <= committed)
    this.chronicle.delivered(peer.sid, seen.committed, delivered)
    seen.committed = committed
  }

  #committed(group: Group): void {
    const point = { zxid: group.last, chain: group.chain }
    this.#points.push(point)
    this.#checkSafe(point)
  }

  #checkSafe(point: LogPoint): void {
    // A disk that was lost had it: that such a loss is survived is what the other checks are about.
    const have = this.#peers.filter(
      peer => peer.voter && (peer.disk.safe.contains(point) || !peer.trusted),
    )
    holds(have.length * 2 > this.#voters, 'QuorumDurability', () => {
      const where = have.map(({ sid }) => `P${sid}`).join()
      return `${shortZxid(point.zxid)} is committed, but safe only on ${where}`
    })
  }

  /** Votes and acknowledgements claim nothing that a crash could take back. */
  #checkSaid(peer: SimPeer, frame: Uint8Array): void {
    const from = new ByteReader(frame)
    while (!from.done) this.#checkMessage(peer, decodePeerMessage(from))
  }

  #checkMessage({ sid, disk }: SimPeer, message: PeerMessage): void {
    const { safe } = disk
    if (message.kind === 'ack') {
      const { zxid } = message
      const isSafe =
        counterOf(zxid) === 0 ? safe.epochs.currentEpoch >= epochOf(zxid) : safe.last.zxid >= zxid
      holds(isSafe, 'AckIsDurable', () => {
        return `P${sid} acknowledges ${shortZxid(zxid)}, on disk is ${shortZxid(safe.last.zxid)}`
      })
    } else if (message.kind === 'notification' && message.role === 'looking') {
      const { vote, round } = message
      if (vote.leader !== sid || round === 0) return
      holds(vote.zxid <= safe.last.zxid, 'VoteIsDurable', () => {
        return `P${sid} votes with ${shortZxid(vote.zxid)}, on disk is ${shortZxid(safe.last.zxid)}`
      })
    }
  }
}
