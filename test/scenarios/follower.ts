/** One follower, told by hand what its leader says, turn by turn and word by word. */

import assert from 'node:assert/strict'
import { type Group, LOG_START, type LogPoint, makeGroup, pointOf } from '../../lib/base/group.ts'
import { makeEpoch, makeSid, makeZxid, type Zxid } from '../../lib/base/zxid.ts'
import type { LeaderMessage, PeerMessage } from '../../lib/zab/types.ts'
import { apply, type Disk, emptyDisk, TestPeer } from '../zab/cluster.ts'

const LEADER = makeSid(2)
export const EPOCH = makeEpoch(5)
export const NEW_LEADER: LeaderMessage = { kind: 'newLeader', zxid: makeZxid(EPOCH, 0) }
export const UP_TO_DATE: LeaderMessage = { kind: 'upToDate' }

/** Groups of one transaction that follow one another, as a leader of `epoch` makes them. */
export function makeGroups(count: number, epoch: number, after: LogPoint = LOG_START): Group[] {
  const groups: Group[] = []
  let point = after
  for (let counter = 1; counter <= count; counter++) {
    const zxid = makeZxid(makeEpoch(epoch), counter)
    const group = makeGroup(point, zxid, zxid, Buffer.from(`e${epoch}c${counter}`), counter)
    groups.push(group)
    point = pointOf(group)
  }
  return groups
}

export function proposal(group: Group): LeaderMessage {
  return { kind: 'proposal', group }
}

export function commit(group: Group): LeaderMessage {
  return { kind: 'commit', zxid: group.last }
}

export class Follower {
  readonly peer: TestPeer
  readonly sent: PeerMessage[] = []

  constructor(disk: Disk = emptyDisk()) {
    this.peer = new TestPeer(1, [1, LEADER], [], disk, {})
    this.peer.zab.step({ kind: 'linkUp', sid: LEADER })
    this.#hear({
      kind: 'notification',
      vote: { leader: LEADER, zxid: makeZxid(EPOCH, 0), epoch: makeEpoch(EPOCH - 1) },
      round: 1,
      role: 'looking',
    })
    this.endTurn()
    assert.equal(this.peer.zab.view.leader, LEADER)
    this.says({ kind: 'leaderInfo', epoch: EPOCH })
    this.endTurn()
    this.finishWrite()
    assert.ok(this.hasSent('ackEpoch'), 'the epoch is accepted')
  }

  get isFollowing(): boolean {
    return this.peer.zab.view.role === 'following'
  }

  /** The leader says something; the turn goes on. */
  says(message: LeaderMessage): void {
    this.#hear({ connection: this.peer.zab.view.reign, ...message })
  }

  /** What the follower does about what it heard. */
  endTurn(): void {
    const { peer } = this
    peer.delivered.push(...peer.zab.takeDeliveries().committed)
    for (const { message } of peer.zab.takeWork().messages) this.sent.push(message)
    peer.persist ??= peer.zab.takePersist()
  }

  finishWrite(): void {
    const { peer } = this
    const { persist } = peer
    assert.ok(persist, 'a write is under way')
    peer.persist = undefined
    apply(peer.disk, persist)
    peer.zab.step({ kind: 'persisted', writeId: persist.writeId })
    this.endTurn()
  }

  hasSent(kind: PeerMessage['kind']): boolean {
    return this.sent.some(message => message.kind === kind)
  }

  /** Up to where it has acknowledged. */
  get acked(): Zxid | undefined {
    const acks = this.sent.filter(message => message.kind === 'ack')
    return acks.at(-1)?.zxid
  }

  #hear(message: PeerMessage): void {
    this.peer.zab.step({ kind: 'message', from: LEADER, message })
  }
}
