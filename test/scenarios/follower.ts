/** One follower, told by hand what its leader says, turn by turn and word by word. */

import assert from 'node:assert/strict'
import { crc32 } from '../../lib/base/crc32.ts'
import { type Group, LOG_START, type LogPoint, makeGroup, pointOf } from '../../lib/base/group.ts'
import { PayloadWriter } from '../../lib/base/txn.ts'
import { makeEpoch, makeSid, makeZxid, NO_SESSION, type Zxid } from '../../lib/base/zxid.ts'
import { Tree } from '../../lib/tree/tree.ts'
import type { LeaderMessage, PeerMessage } from '../../lib/zab/types.ts'
import { TestPeer } from '../zab/cluster.ts'
import { apply, type Disk, emptyDisk } from '../zab/disks.ts'

const LEADER = makeSid(2)
export const EPOCH = makeEpoch(5)
export const NEW_LEADER: LeaderMessage = { kind: 'newLeader', zxid: makeZxid(EPOCH, 0) }
export const UP_TO_DATE: LeaderMessage = { kind: 'upToDate' }

type MakePayload = (epoch: number, counter: number) => Uint8Array

function makeChain(count: number, epoch: number, after: LogPoint, payloadOf: MakePayload): Group[] {
  const groups: Group[] = []
  let point = after
  for (let counter = 1; counter <= count; counter++) {
    const zxid = makeZxid(makeEpoch(epoch), counter)
    const payload = payloadOf(epoch, counter)
    const group = makeGroup(point, zxid, zxid, payload, crc32(payload))
    groups.push(group)
    point = pointOf(group)
  }
  return groups
}

/** Groups that follow one another, as a leader of `epoch` makes them; their payload is their name. */
export function makeGroups(count: number, epoch: number, after: LogPoint = LOG_START): Group[] {
  return makeChain(count, epoch, after, (_, counter) => Buffer.from(`e${epoch}c${counter}`))
}

/** The same with a transaction in each that a tree can apply. */
export function makeTxnGroups(count: number, epoch: number, after: LogPoint = LOG_START): Group[] {
  const { digest } = new Tree()
  return makeChain(count, epoch, after, () => {
    const out = new PayloadWriter()
    out.begin(1)
    out.add({ sessionId: NO_SESSION, cxid: 0, unanswered: 0, digest, body: { type: 'sync' } })
    return out.take()
  })
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
