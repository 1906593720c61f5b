/**
 * What peers say to each other: nothing out of place, and nothing claimed that a crash could take back. Every frame is
 * looked at when it is sent; what its receiver makes of it is remembered with the frame.
 */

import { ByteReader } from '../../lib/base/bytes.ts'
import {
  counterOf,
  type Epoch,
  epochOf,
  type SessionId,
  type Sid,
  type Zxid,
} from '../../lib/base/zxid.ts'
import type { PeerInput, TurnOutput } from '../../lib/peer/core-turn.ts'
import { decodePeerMessage } from '../../lib/zab/codec.ts'
import type { Notification, PeerMessage } from '../../lib/zab/types.ts'
import { Conversation, isOfLeader } from './conversation.ts'
import { shortZxid } from './describe.ts'
import type { SimPeer } from './peer.ts'
import { holds } from './violation.ts'

/** Marks kept of each sender: those of frames that were lost are never taken. */
const MARKS_MAX = 32

/** What of a peer its claims are compared with. */
export interface Claimant extends Pick<SimPeer, 'sid' | 'life' | 'trusted'> {
  readonly disk: Pick<SimPeer['disk'], 'safe'>
  /** While it lives. */
  readonly zab: { readonly history: { readonly committed: Zxid } } | undefined
}

/** What a frame does when its receiver takes it in. */
interface Mark {
  readonly frame: Uint8Array
  readonly conversation: Conversation
  begins: boolean
  /** Sessions reported as alive. */
  readonly touched: SessionId[]
}

interface Said {
  readonly leader: Sid
  readonly life: number
}

export class WireCheck {
  /** Of each learner the latest. */
  readonly #conversations = new Map<Sid, Conversation>()
  /** The number of the latest conversation that was begun in the turn that is looked at. */
  #begunThisTurn = 0
  /** By the sender; of frames under way, and of some that were lost. */
  readonly #marks = new Map<Sid, Mark[]>()
  /** Who said NEWLEADER for an epoch. */
  readonly #newLeaders = new Map<Epoch, Said>()
  /** The leader that each voter has promised an epoch. */
  readonly #promises = new Map<Sid, Map<Epoch, Sid>>()
  #begun = 0
  #toldLate = 0

  /** Attempts of learners to follow that their leaders have heard of. */
  get conversations(): number {
    return this.#begun
  }

  /** Proposals that a voter which is up to date heard of only when a quorum had them: it was standing by. */
  get toldLate(): number {
    return this.#toldLate
  }

  /** Whoever lost its data has lost its promises with them: nobody counts on them. */
  started({ sid, trusted }: Claimant): void {
    if (!trusted) this.#promises.delete(sid)
  }

  /** Returns the sessions of which its learners have told a leader by this turn that they are alive. */
  turned(peer: Claimant, inputs: readonly PeerInput[], output: TurnOutput): readonly SessionId[] {
    let reports: Mark[] | undefined
    for (const input of inputs) {
      if (input.kind === 'linkDown') this.#parted(peer.sid, input.sid)
      if (input.kind !== 'peerFrame') continue
      const mark = this.#takeMark(input.from, input.frame)
      if (mark === undefined) continue
      const { conversation, begins, touched } = mark
      if (begins && this.#conversations.get(input.from) === conversation) {
        conversation.heard = true
        this.#begun++
      }
      if (touched.length > 0) {
        reports ??= []
        reports.push(mark)
      }
    }
    this.#begunThisTurn = 0
    for (const { to, frame } of output.peerFrames) this.#sent(peer, to, frame)
    if (reports === undefined) return []
    return reports.flatMap(({ conversation, touched }) => (conversation.held ? touched : []))
  }

  #parted(leader: Sid, learner: Sid): void {
    const conversation = this.#conversations.get(learner)
    if (conversation?.leader === leader) conversation.heard = false
  }

  #sent(peer: Claimant, to: Sid, frame: Uint8Array): void {
    const from = new ByteReader(frame)
    while (!from.done) this.#said(peer, to, frame, decodePeerMessage(from))
  }

  #said(peer: Claimant, to: Sid, frame: Uint8Array, message: PeerMessage): void {
    if (message.kind === 'notification') this.#checkVote(peer, message)
    else if (isOfLeader(message)) this.#saidByLeader(peer, to, message)
    else this.#saidByLearner(peer, to, frame, message)
  }

  #saidByLeader(
    peer: Claimant,
    to: Sid,
    message: Extract<PeerMessage, { connection: number }>,
  ): void {
    if (!isOfLeader(message)) return
    if (message.kind === 'newLeader') this.#checkNewLeader(peer, epochOf(message.zxid))
    const conversation = this.#conversations.get(to)
    // An earlier conversation goes on for its leader until it hears that it is over.
    if (conversation?.leader !== peer.sid || !conversation.heard) return
    if (conversation.connection !== message.connection) return
    holds(conversation.takesOfLeader(message), 'ShouldNotBeTriggered', () => {
      return `P${peer.sid} says ${message.kind} to P${to}, which has no place there`
    })
    if (message.kind !== 'proposal' || !conversation.upToDate) return
    if (message.group.last <= peer.zab!.history.committed) this.#toldLate++
  }

  #saidByLearner(
    peer: Claimant,
    to: Sid,
    frame: Uint8Array,
    message: Extract<PeerMessage, { connection: number }>,
  ): void {
    if (isOfLeader(message)) return
    const { sid } = peer
    const { connection } = message
    // Each leader gets one frame, so of several attempts in one turn the last may be told first.
    if (connection < this.#begunThisTurn) return
    if (message.kind === 'followerInfo') {
      const conversation = new Conversation(sid, to, connection, message.votes)
      this.#conversations.set(sid, conversation)
      this.#begunThisTurn = connection
      this.#mark(frame, conversation).begins = true
      return
    }
    const conversation = this.#conversations.get(sid)
    const isKnown = conversation?.leader === to && conversation.connection === connection
    // FOLLOWERINFO is not sent where no link leads to the leader; then it is taken leave of without having begun.
    if (!isKnown && message.kind === 'leave') return
    holds(isKnown && conversation.takesOfLearner(message), 'ShouldNotBeTriggered', () => {
      return `P${sid} says ${message.kind} to P${to}, which has no place there`
    })
    if (message.kind === 'pong') this.#noteReport(frame, conversation, message.touched)
    else if (message.kind === 'ack') this.#checkAck(peer, message)
    else if (message.kind === 'ackEpoch') this.#checkAckEpoch(peer, conversation, message)
  }

  /** The latest mark of a sender is of the frame it is at, or of an earlier one. */
  #mark(frame: Uint8Array, conversation: Conversation): Mark {
    const { learner } = conversation
    let marks = this.#marks.get(learner)
    if (marks === undefined) {
      marks = []
      this.#marks.set(learner, marks)
    }
    const latest = marks.at(-1)
    if (latest?.frame === frame && latest.conversation === conversation) return latest
    const mark: Mark = { frame, conversation, begins: false, touched: [] }
    if (marks.length === MARKS_MAX) marks.shift()
    marks.push(mark)
    return mark
  }

  #takeMark(from: Sid, frame: Uint8Array): Mark | undefined {
    const marks = this.#marks.get(from)
    if (marks === undefined || marks.length === 0) return undefined
    const index = marks.findLastIndex(mark => mark.frame === frame)
    return index < 0 ? undefined : marks.splice(index, 1)[0]
  }

  #noteReport(frame: Uint8Array, conversation: Conversation, touched: Uint8Array): void {
    if (touched.length === 0) return
    const from = new ByteReader(touched)
    const mark = this.#mark(frame, conversation)
    while (!from.done) mark.touched.push(from.u53() as SessionId)
  }

  /** As for an established leader: whoever says NEWLEADER has the promises of a quorum. */
  #checkNewLeader({ sid, life }: Claimant, epoch: Epoch): void {
    const known = this.#newLeaders.get(epoch)
    if (known === undefined) this.#newLeaders.set(epoch, { leader: sid, life })
    else {
      holds(known.leader === sid && known.life === life, 'Leadership', () => {
        return `P${sid} says NEWLEADER for epoch ${epoch}, which P${known.leader} did before`
      })
    }
  }

  #checkVote({ sid, disk }: Claimant, { role, vote, round }: Notification): void {
    if (role !== 'looking' || vote.leader !== sid || round === 0) return
    const { safe } = disk
    holds(vote.zxid <= safe.last.zxid, 'VoteIsDurable', () => {
      return `P${sid} votes with ${shortZxid(vote.zxid)}, on disk is ${shortZxid(safe.last.zxid)}`
    })
    holds(vote.epoch <= safe.epochs.currentEpoch, 'VoteIsDurable', () => {
      return `P${sid} votes with epoch ${vote.epoch}, on disk is ${safe.epochs.currentEpoch}`
    })
  }

  #checkAck({ sid, disk }: Claimant, { zxid }: Extract<PeerMessage, { kind: 'ack' }>): void {
    const { safe } = disk
    const isSafe =
      counterOf(zxid) === 0 ? safe.epochs.currentEpoch >= epochOf(zxid) : safe.last.zxid >= zxid
    holds(isSafe, 'AckIsDurable', () => {
      return `P${sid} acknowledges ${shortZxid(zxid)}, on disk is ${shortZxid(safe.last.zxid)}`
    })
  }

  #checkAckEpoch(
    { sid, disk }: Claimant,
    { leader, epoch, votes }: Conversation,
    message: Extract<PeerMessage, { kind: 'ackEpoch' }>,
  ): void {
    const { epochs, last } = disk.safe
    const isSafe =
      epochs.acceptedEpoch >= epoch! &&
      epochs.currentEpoch >= message.currentEpoch &&
      last.zxid >= message.last.zxid
    holds(isSafe, 'AckIsDurable', () => {
      return `P${sid} promises P${leader} epoch ${epoch}, on disk is ${epochs.acceptedEpoch}`
    })
    if (message.promised && votes) this.#checkPromise(sid, leader, epoch!)
  }

  #checkPromise(sid: Sid, leader: Sid, epoch: Epoch): void {
    let promises = this.#promises.get(sid)
    if (promises === undefined) {
      promises = new Map()
      this.#promises.set(sid, promises)
    }
    const known = promises.get(epoch)
    holds(known === undefined, 'AckIsDurable', () => {
      return `P${sid} promises epoch ${epoch} to P${leader}, as before to P${known}`
    })
    promises.set(epoch, leader)
  }
}
