/**
 * One peer's local view: the corridor between the replicated tree, the clients connected here (home) and, while this
 * peer leads, the preparation of everybody's requests. Nothing happens by itself: the driver hands in frames, ticks and
 * committed groups, and takes what came of them once per turn.
 */

import { assert } from '../base/assert.ts'
import { ByteReader, ByteWriter } from '../base/bytes.ts'
import type { Group } from '../base/group.ts'
import type { Txn } from '../base/txn.ts'
import type { SessionId, Sid, Zxid } from '../base/zxid.ts'
import type { Applied, Tree } from '../tree/tree.ts'
import { applyGroup } from './apply.ts'
import type { PreparedGroup } from './groups.ts'
import { Home } from './home.ts'
import { type Frame, FULL_FRAME_BYTES } from './outbox.ts'
import { Preparer } from './prepare.ts'

export interface ReplicaOptions {
  readonly sid: Sid
  readonly tree: Tree
  /** Largest data of one znode. */
  readonly dataBytesMax: number
  /** Time between two calls of `tick`. */
  readonly tickMs: number
  /** Told while a group is applied, when there are frames to be had of `takeFullFrames`. */
  readonly onFullFrames?: () => void
  /** Size of a full frame, when it is not to be the usual one. */
  readonly fullFrameBytes?: number | undefined
}

export class Replica {
  readonly #dataBytesMax: number
  readonly #tickMs: number
  readonly #home: Home
  readonly #report = new ByteWriter(64)
  #tree: Tree
  /** Present while this peer leads. */
  #preparer: Preparer | undefined

  readonly #onFullFrames: () => void
  readonly #onApplied = (txn: Txn, applied: Applied, zxid: Zxid): void => {
    this.#home.applied(txn, applied, zxid)
    if (this.#home.hasFullFrames) this.#onFullFrames()
  }

  constructor(options: ReplicaOptions) {
    const { sid, tree, dataBytesMax, tickMs, onFullFrames = () => {} } = options
    this.#onFullFrames = onFullFrames
    this.#dataBytesMax = dataBytesMax
    this.#tickMs = tickMs
    this.#tree = tree
    this.#home = new Home(sid, tree, options.fullFrameBytes ?? FULL_FRAME_BYTES)
  }

  get tree(): Tree {
    return this.#tree
  }

  /** Goes on with a tree received as a snapshot. A `resubmit` must follow, as after every change of leader. */
  replaceTree(tree: Tree): void {
    assert(this.#preparer === undefined, 'a leader needs no snapshot')
    this.#tree = tree
    this.#home.replaceTree(tree)
  }

  /** A client connects. The number was never used before, not even before a restart. */
  connect(connection: number): void {
    this.#home.connect(connection)
  }

  /** Takes a frame of any number of client messages; it must not be written to afterwards. */
  receive(connection: number, frame: Uint8Array): void {
    this.#home.receive(connection, frame)
  }

  /** This peer has no leader for too long: its clients are sent to look for another peer. */
  sendAway(): void {
    this.#home.sendAway()
  }

  /** The client's port closed. */
  disconnect(connection: number): void {
    this.#home.disconnect(connection)
  }

  /**
   * This peer leads from now on, and everything in its log is applied. Its first transaction has the zxid after `last`;
   * every session gets its full time-out. The reign has room for `counterMax` transactions, or for the usual number.
   */
  lead(last: Zxid, counterMax?: number): void {
    assert(this.#preparer === undefined, 'leads already')
    this.#preparer = new Preparer({
      tree: this.#tree,
      last,
      dataBytesMax: this.#dataBytesMax,
      tickMs: this.#tickMs,
      counterMax,
    })
  }

  /** Stops leading. What was prepared and is not committed may or may not be applied one day. */
  unlead(): void {
    this.#preparer = undefined
  }

  /** Leader: makes transactions of a frame of submissions, from this peer or another. */
  prepare(payload: Uint8Array, nowMs: number): void {
    assert(this.#preparer !== undefined, 'only a leader prepares')
    this.#preparer.prepare(payload, nowMs)
  }

  /** Leader: makes transactions of what clients here have submitted. */
  prepareOwn(nowMs: number): void {
    assert(this.#preparer !== undefined, 'only a leader prepares')
    const submissions = this.#home.takeSubmissions()
    if (submissions.length > 0) this.#preparer.prepareAll(submissions, nowMs)
  }

  /** Leader: what was prepared since the last call, to be proposed in this order. */
  takeGroups(): PreparedGroup[] {
    return this.#preparer?.takeGroups() ?? []
  }

  /** Leader: payload bytes prepared since the last `takeGroups`. */
  get preparedBytes(): number {
    return this.#preparer?.preparedBytes ?? 0
  }

  /** Leader: znodes and sessions that proposed transactions will change; 0 when all of them are applied. */
  get pending(): number {
    return this.#preparer?.pending ?? 0
  }

  /** Leader: a learner reports the sessions connected to it. */
  touch(sessionIds: Uint8Array): void {
    const from = new ByteReader(sessionIds)
    while (!from.done) this.#preparer?.touch(from.u53() as SessionId)
  }

  /** Leader: a tick passed. Call it at most once per turn, so that a pause of this thread expires nobody. */
  tick(): void {
    const preparer = this.#preparer
    if (preparer === undefined) return
    for (const id of this.#home.sessions()) preparer.touch(id)
    preparer.tick()
  }

  /** Leader: closes every session that was opened by then. */
  closeSessions(upTo: Zxid): void {
    this.#preparer?.closeSessions(upTo)
  }

  /** Applies a committed group. */
  apply(group: Group): void {
    applyGroup(this.#tree, group, this.#onApplied)
    this.#preparer?.applied(group.last)
  }

  /** The sessions connected here, for a report to the leader. */
  connectedSessions(): Uint8Array {
    const out = this.#report
    for (const id of this.#home.sessions()) out.u53(id)
    return out.take()
  }

  /** A leader is known (again): submits everything that has no outcome yet. */
  resubmit(): void {
    this.#home.resubmit()
  }

  /** For the leader to prepare. Untaken submissions wait. */
  takeSubmissions(): Uint8Array | undefined {
    return this.#home.takePackedSubmissions()
  }

  /** For each connection that is told something in this turn, what it is told; all but full frames are one. */
  takeFrames(): Frame[] {
    return this.#home.takeFrames()
  }

  /** Those of them that nothing more is added to. */
  takeFullFrames(): Frame[] {
    return this.#home.takeFullFrames()
  }

  /** Connections to close once their frames are sent. */
  takeClosings(): number[] {
    return this.#home.takeClosings()
  }
}
