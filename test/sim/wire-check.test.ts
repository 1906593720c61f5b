/** What peers say, wrong on purpose. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { type Group, LOG_START, pointOf } from '../../lib/base/group.ts'
import {
  type Epoch,
  makeEpoch,
  makeSid,
  makeZxid,
  type Sid,
  ZXID_ZERO,
} from '../../lib/base/zxid.ts'
import type { PeerInput } from '../../lib/peer/core-turn.ts'
import { FramePacker } from '../../lib/zab/codec.ts'
import type { PeerMessage } from '../../lib/zab/types.ts'
import { broken } from './broken.ts'
import { DiskImage } from './disk-image.ts'
import { groupAfter } from './groups.ts'
import { checkReason, NEVER_A_REASON } from './peer-check.ts'
import { type Claimant, WireCheck } from './wire-check.ts'

const [P1, P2, P3] = [makeSid(1), makeSid(2), makeSid(3)]
const [E1, E2] = [makeEpoch(1), makeEpoch(2)]
const connection = 1
const A1 = groupAfter(LOG_START, E1)
const A2 = groupAfter(pointOf(A1), E1)
const A3 = groupAfter(pointOf(A2), E1)
const A4 = groupAfter(pointOf(A3), E1)

/** A peer whose disk holds this. */
function peer(sid: Sid, epoch: Epoch, ...groups: Group[]): Claimant {
  const committed = groups.at(-1)?.last ?? ZXID_ZERO
  const safe = new DiskImage()
  safe.epochs = { acceptedEpoch: epoch, currentEpoch: epoch }
  safe.groups = groups
  return { sid, life: 1, disk: { safe }, trusted: true, zab: { history: { committed } } }
}

/** Says things in order; `hears` lets the receiver take in what was said last. */
class Talk {
  readonly check = new WireCheck()
  #lastFrame: Uint8Array | undefined

  says(from: Claimant, to: Sid, ...messages: PeerMessage[]): this {
    this.#lastFrame = new FramePacker().pack(messages)
    const peerFrames = [{ to, frame: this.#lastFrame }]
    this.check.turned(from, [], {
      peerFrames,
      feedFrames: [],
      clientFrames: [],
      closings: [],
      tasks: [],
    })
    return this
  }

  hears(peer: Claimant, from: Sid): readonly number[] {
    const input: PeerInput = { kind: 'peerFrame', from, frame: this.#lastFrame! }
    const nothing = { peerFrames: [], feedFrames: [], clientFrames: [], closings: [], tasks: [] }
    return this.check.turned(peer, [input], nothing)
  }
}

const FOLLOWER = peer(P2, E1, A1)
const LEADER = peer(P1, E1, A1)
const ACK_EPOCH = {
  kind: 'ackEpoch',
  connection,
  promised: true,
  currentEpoch: E1,
  last: pointOf(A1),
  epochEnds: [pointOf(A1)],
  needsSnapshot: false,
} as const

function greeted(follower: Claimant = FOLLOWER): Talk {
  const talk = new Talk()
  talk.says(follower, P1, { kind: 'followerInfo', connection, acceptedEpoch: E1, votes: true })
  talk.hears(LEADER, follower.sid)
  return talk.says(LEADER, follower.sid, { kind: 'leaderInfo', connection, epoch: E1 })
}

/** With all of a synchronisation said but its acknowledgement. */
function synchronised(): Talk {
  return greeted()
    .says(FOLLOWER, P1, ACK_EPOCH)
    .says(
      LEADER,
      P2,
      { kind: 'diff', connection, join: pointOf(A1) },
      { kind: 'commit', connection, zxid: A1.last },
      { kind: 'newLeader', connection, zxid: makeZxid(E1, 0) },
    )
}

describe('the check of what peers say', () => {
  test('takes what has its place', () => {
    const talk = synchronised()
      .says(LEADER, P2, { kind: 'ping', connection })
      .says(FOLLOWER, P1, { kind: 'ack', connection, zxid: A1.last })
      .says(LEADER, P2, { kind: 'upToDate', connection })
      .says(LEADER, P2, { kind: 'proposal', connection, group: A2 })
      .says(FOLLOWER, P1, { kind: 'request', connection, payload: new Uint8Array(1) })
    const touched = new Uint8Array([0, 0, 0, 0, 0, 0, 7].concat(0))
    talk.says(FOLLOWER, P1, { kind: 'pong', connection, touched, serves: true })
    assert.equal(talk.hears(LEADER, P2).length, 1)
    assert.equal(talk.check.conversations, 1)
    assert.equal(talk.check.toldLate, 0)
    talk.says(peer(P1, E1, A1, A2), P2, { kind: 'proposal', connection, group: A3 })
    assert.equal(talk.check.toldLate, 0)
    talk.says(peer(P1, E1, A1, A2, A3, A4), P2, { kind: 'proposal', connection, group: A4 })
    assert.equal(talk.check.toldLate, 1)
  })

  const outOfPlace: [string, (talk: Talk) => unknown, () => Talk][] = [
    ['a second LEADERINFO', t => t.says(LEADER, P2, leaderInfo()), greeted],
    ['DIFF before ACKEPOCH', t => t.says(LEADER, P2, diff()), greeted],
    ['a second DIFF', t => t.says(LEADER, P2, diff()), synchronised],
    ['a chunk of no snapshot', t => t.says(LEADER, P2, chunk()), synchronised],
    ['a gap in the proposals', t => t.says(LEADER, P2, proposal(A1)), synchronised],
    ['a commit of what was not sent', t => t.says(LEADER, P2, commit()), synchronised],
    ['a second NEWLEADER', t => t.says(LEADER, P2, newLeader()), synchronised],
    ['UPTODATE before the ACK', t => t.says(LEADER, P2, upToDate()), synchronised],
    ['ACKEPOCH twice', t => t.says(FOLLOWER, P1, ACK_EPOCH), synchronised],
    ['an ACK before NEWLEADER', t => t.says(FOLLOWER, P1, ack()), greeted],
    ['a pong without a ping', t => t.says(FOLLOWER, P1, pong()), synchronised],
    ['a request before UPTODATE', t => t.says(FOLLOWER, P1, request()), synchronised],
    ['words to another leader', t => t.says(FOLLOWER, P3, pong()), synchronised],
  ]
  for (const [what, say, begin] of outOfPlace) {
    test(`finds ${what}`, () => {
      const talk = begin()
      assert.throws(() => say(talk), broken('ShouldNotBeTriggered'))
    })
  }

  test('leaves an earlier conversation of the leader alone', () => {
    const talk = synchronised()
    talk.says(FOLLOWER, P1, { kind: 'leave', connection })
    const next = { kind: 'followerInfo', connection: 2, acceptedEpoch: E1, votes: true } as const
    talk.says(FOLLOWER, P1, next)
    talk.says(LEADER, P2, diff())
  })

  test('finds a second peer that says NEWLEADER for an epoch', () => {
    const talk = synchronised()
    const other = (): unknown => talk.says(peer(P3, E1), P2, newLeader())
    assert.throws(other, broken('Leadership'))
    const anotherLife = (): unknown => talk.says({ ...LEADER, life: 2 }, P3, newLeader())
    assert.throws(anotherLife, broken('Leadership'))
  })

  test('finds acknowledgements and promises of what is not safe', () => {
    const ahead = peer(P2, E1)
    const unsafe = (): unknown => greeted(ahead).says(ahead, P1, ACK_EPOCH)
    assert.throws(unsafe, broken('AckIsDurable'))
    const talk = synchronised()
    const lost = peer(P2, E1)
    const acknowledging = (): unknown =>
      talk.says(lost, P1, { kind: 'ack', connection, zxid: A1.last })
    assert.throws(acknowledging, broken('AckIsDurable'))
  })

  test('finds an epoch that is promised twice', () => {
    const talk = synchronised()
    const again = { kind: 'followerInfo', connection: 2, acceptedEpoch: E1, votes: true } as const
    talk.says(FOLLOWER, P3, again)
    const other = peer(P3, E1)
    talk.hears(other, P2)
    talk.says(other, P2, { kind: 'leaderInfo', connection: 2, epoch: E1 })
    const promising = (): unknown => talk.says(FOLLOWER, P3, { ...ACK_EPOCH, connection: 2 })
    assert.throws(promising, broken('AckIsDurable'))
  })

  test('finds votes with what is not safe', () => {
    const vote = { leader: P2, zxid: A2.last, epoch: E1 }
    const ahead = { kind: 'notification', vote, round: 1, role: 'looking' } as const
    assert.throws(() => new Talk().says(FOLLOWER, P1, ahead), broken('VoteIsDurable'))
    const later = { ...ahead, vote: { leader: P2, zxid: A1.last, epoch: E2 } }
    assert.throws(() => new Talk().says(FOLLOWER, P1, later), broken('VoteIsDurable'))
  })
})

test('reasons to end a connection that no correct leader gives', () => {
  const source = readFileSync(new URL('../../lib/zab/learner.ts', import.meta.url), 'utf8')
  for (const reason of NEVER_A_REASON) {
    assert.ok(source.includes(`'${reason}'`), `no learner ends for: ${reason}`)
    assert.throws(() => checkReason(P1, reason), broken('ShouldNotBeTriggered'))
  }
  checkReason(P1, 'the leader is gone')
})

function leaderInfo(): PeerMessage {
  return { kind: 'leaderInfo', connection, epoch: E1 }
}

function diff(): PeerMessage {
  return { kind: 'diff', connection, join: pointOf(A1) }
}

function chunk(): PeerMessage {
  return { kind: 'snapshotChunk', connection, bytes: new Uint8Array(1), last: true }
}

function proposal(group: Group): PeerMessage {
  return { kind: 'proposal', connection, group }
}

function commit(): PeerMessage {
  return { kind: 'commit', connection, zxid: A2.last }
}

function newLeader(): PeerMessage {
  return { kind: 'newLeader', connection, zxid: makeZxid(E1, 0) }
}

function upToDate(): PeerMessage {
  return { kind: 'upToDate', connection }
}

function ack(): PeerMessage {
  return { kind: 'ack', connection, zxid: A1.last }
}

function pong(): PeerMessage {
  return { kind: 'pong', connection, touched: new Uint8Array(0), serves: false }
}

function request(): PeerMessage {
  return { kind: 'request', connection, payload: new Uint8Array(1) }
}
