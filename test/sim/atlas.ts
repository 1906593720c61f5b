/**
 * The fault atlas: what every voter's data are worth at this moment, judged from what is really on its disk and not
 * from what the peer thinks of itself. It allows harm to data only as long as a quorum of other voters has none: so
 * whatever happens to a run, it can be survived, and a run that does not survive has found a bug.
 */

import type { LogPoint } from '../../lib/base/group.ts'
import type { SimPeer } from './peer.ts'
import { examine, mayVote } from './recovery.ts'

/**
 * `sound`: it knows all it ever acknowledged and promised. `suspect`: its disk has a flaw that nobody has noticed, and
 * that may be harmless today and harmful tomorrow. `lost`: no vote before a leader has synchronised it.
 */
export type Worth = 'sound' | 'suspect' | 'lost'

export class Atlas {
  readonly #voters: readonly SimPeer[]
  readonly #isFounding: () => boolean

  constructor(peers: readonly SimPeer[], isFounding: () => boolean) {
    this.#voters = peers.filter(({ voter }) => voter)
    this.#isFounding = isFounding
  }

  get quorum(): number {
    return Math.floor(this.#voters.length / 2) + 1
  }

  /** In its present life and in its next: who is being synchronised is lost until that is done and on disk. */
  worthOf({ disk, zab }: SimPeer): Worth {
    const founding = this.#isFounding()
    if (zab?.trusted === false || !mayVote(examine(disk.safe, founding), founding)) return 'lost'
    return disk.safe.flawed ? 'suspect' : 'sound'
  }

  sound(): readonly SimPeer[] {
    return this.#voters.filter(peer => this.worthOf(peer) === 'sound')
  }

  /**
   * Whether the data of this peer may come to harm. Not while the ensemble is being founded: a voter without any data
   * may vote then, so what it has forgotten would not be missed.
   */
  mayHarm(peer: SimPeer): boolean {
    if (!peer.voter) return true
    if (this.#isFounding()) return false
    return this.sound().filter(other => other !== peer).length >= this.quorum
  }

  /** Whether every quorum of the sound voters has somebody who holds what is committed up to here. */
  holds(point: LogPoint): boolean {
    const sound = this.sound()
    const without = sound.filter(({ disk }) => !disk.safe.contains(point))
    return sound.length >= this.quorum && without.length < this.quorum
  }
}
