/**
 * What the roles of one peer share: its identity, its log, its writes, and the trays in which a turn's output collects.
 * A role reads and changes the desk; the desk knows no role.
 */

import type { Group } from '../base/group.ts'
import type { Sid, Zxid } from '../base/zxid.ts'
import type { History } from './history.ts'
import type { Quorum } from './quorum.ts'
import type { Deliveries, Envelope, Load, PeerMessage, Staging, Work } from './types.ts'
import type { Writes } from './writes.ts'

export interface ZabConfig {
  readonly sid: Sid
  /** Voters and observers, this peer included. */
  readonly peers: readonly Sid[]
  readonly quorum: Quorum
  readonly initLimitTicks: number
  readonly syncLimitTicks: number
  /** Checksum of a group's payload (CRC-32); an argument so that a driver may pass a native one. */
  readonly crc32: (bytes: Uint8Array) => number
  /** False when nobody is to stand by: every proposal goes to all voters at once. */
  readonly standbys?: boolean
  /** Groups kept in memory, when it is not to be the usual number. */
  readonly historyGroupsMax?: number
  /** Transactions that one reign has room for, when it is not to be the usual number. */
  readonly counterMax?: number
}

/** Most turns bring nothing: that costs nothing then. */
const NOTHING_DELIVERED: Deliveries = Object.freeze({
  committed: [],
  staging: [],
  requests: [],
  touched: [],
})
const NO_WORK: Work = Object.freeze({ messages: [], loads: [] })

export class Desk {
  readonly config: ZabConfig
  readonly history: History
  readonly writes: Writes
  /** Peers with a link that is up. */
  readonly reachable = new Set<Sid>()
  #messages: Envelope[] = []
  #loads: Load[] = []
  #committed: Group[] = []
  #staging: Staging[] = []
  #requests: Uint8Array[] = []
  #touched: Uint8Array[] = []
  #lastLoadId = 0

  constructor(config: ZabConfig, history: History, writes: Writes) {
    this.config = config
    this.history = history
    this.writes = writes
  }

  send(to: Sid, message: PeerMessage): void {
    if (this.reachable.has(to)) this.#messages.push({ to, message })
  }

  linkUp(sid: Sid): void {
    this.reachable.add(sid)
  }

  /**
   * What was to be sent in this turn is lost with the link: the next one leads to another life of that peer, which may
   * number its connections as the last one did.
   */
  linkDown(sid: Sid): void {
    this.reachable.delete(sid)
    this.#messages = this.#messages.filter(({ to }) => to !== sid)
  }

  /** Number under which the answer to a load comes back. */
  nextLoadId(): number {
    return ++this.#lastLoadId
  }

  load(load: Load): void {
    this.#loads.push(load)
  }

  /** Logs a group: in memory now, on disk with the next write. */
  append(group: Group): void {
    this.history.append(group)
    this.writes.append(group)
  }

  commit(zxid: Zxid): readonly Group[] {
    const groups = this.history.commit(zxid)
    this.history.trim(this.writes.durableZxid)
    for (const group of groups) this.#committed.push(group)
    return groups
  }

  stage(staging: Staging): void {
    this.#staging.push(staging)
  }

  request(payload: Uint8Array): void {
    this.#requests.push(payload)
  }

  touch(sessions: Uint8Array): void {
    this.#touched.push(sessions)
  }

  takeDeliveries(): Deliveries {
    const nothing =
      this.#committed.length === 0 &&
      this.#staging.length === 0 &&
      this.#requests.length === 0 &&
      this.#touched.length === 0
    if (nothing) return NOTHING_DELIVERED
    const deliveries = {
      committed: this.#committed,
      staging: this.#staging,
      requests: this.#requests,
      touched: this.#touched,
    }
    this.#committed = []
    this.#staging = []
    this.#requests = []
    this.#touched = []
    return deliveries
  }

  takeWork(): Work {
    if (this.#messages.length === 0 && this.#loads.length === 0) return NO_WORK
    const work = { messages: this.#messages, loads: this.#loads }
    this.#messages = []
    this.#loads = []
    return work
  }
}
