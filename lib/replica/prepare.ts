/**
 * The leader's part of a replica: submissions of all peers become transactions, in the order in which they arrive, and
 * sessions that nobody reports any more are closed. Lives from the moment the peer leads until it stops.
 *
 * A write is prepared only if it is the session's next one; everything else is dropped without an answer. What was
 * prepared before will answer it, and what comes after a gap is submitted again by the session's home peer, in order.
 */

import { assert, unreachable } from '../base/assert.ts'
import { ByteReader } from '../base/bytes.ts'
import { SESSION_TIMEOUT_MS_MAX, SESSION_TIMEOUT_TICKS_MIN } from '../base/limits.ts'
import { decodeSubmission, type Submission } from '../base/request.ts'
import type { TxnBody } from '../base/txn.ts'
import { COUNTER_MAX, epochOf, makeZxid, type SessionId, type Zxid } from '../base/zxid.ts'
import type { Tree } from '../tree/tree.ts'
import { GroupCollector, type PreparedGroup } from './groups.ts'
import { PendingView } from './pending.ts'
import { PendingSession } from './pending-facts.ts'
import { resolveWrite, type Scene } from './resolve.ts'
import { SessionTracker } from './tracker.ts'

export interface PreparerOptions {
  readonly tree: Tree
  /** The place before that of the first transaction. */
  readonly last: Zxid
  readonly dataBytesMax: number
  readonly tickMs: number
  /** Transactions that the reign has room for, when it is not to be the usual number. */
  readonly counterMax?: number | undefined
}

type Of<Kind extends Submission['kind']> = Extract<Submission, { readonly kind: Kind }>

export class Preparer {
  readonly #view: PendingView
  readonly #groups = new GroupCollector()
  readonly #clocks: SessionTracker
  readonly #scene: Scene
  readonly #timeoutMsMin: number
  readonly #lastOfEpoch: Zxid
  /** Moment of the transaction that is made next. */
  readonly #at: { zxid: Zxid; timeMs: number }
  /** The last prepared transaction. */
  #last: Zxid
  /** Sessions whose time ran out, to be closed before anything else is prepared. */
  #expired: SessionId[] = []
  #nowMs = 0

  constructor(options: PreparerOptions) {
    const { tree, last, dataBytesMax, tickMs, counterMax = COUNTER_MAX } = options
    assert(last >= tree.zxid, 'a leader goes on after all that it has applied')
    this.#view = new PendingView(tree)
    this.#clocks = new SessionTracker(tickMs)
    this.#timeoutMsMin = SESSION_TIMEOUT_TICKS_MIN * tickMs
    this.#lastOfEpoch = makeZxid(epochOf(last), counterMax)
    this.#last = last
    this.#at = { zxid: last, timeMs: 0 }
    this.#scene = { view: this.#view, at: this.#at, dataBytesMax }
    for (const session of tree.sessions()) this.#clocks.add(session.id, session.timeoutMs)
  }

  /** Znodes and sessions that prepared transactions will change. */
  get pending(): number {
    return this.#view.size
  }

  /** Turns a frame of submissions into transactions of the open group. */
  prepare(payload: Uint8Array, nowMs: number): void {
    this.#nowMs = nowMs
    this.#closeExpired()
    const from = new ByteReader(payload)
    while (!from.done) this.#prepareOne(decodeSubmission(from))
  }

  /** As `prepare`, of what was never packed. */
  prepareAll(submissions: readonly Submission[], nowMs: number): void {
    this.#nowMs = nowMs
    this.#closeExpired()
    for (const submission of submissions) this.#prepareOne(submission)
  }

  takeGroups(): PreparedGroup[] {
    this.#closeExpired()
    return this.#groups.take()
  }

  /** Payload bytes of what `takeGroups` would return. */
  get preparedBytes(): number {
    return this.#groups.bytes
  }

  applied(zxid: Zxid): void {
    this.#view.settle(zxid)
  }

  touch(id: SessionId): void {
    this.#clocks.touch(id)
  }

  tick(): void {
    for (const id of this.#clocks.tick()) this.#expired.push(id)
  }

  /** Every session opened by then is closed, before anything else is prepared. */
  closeSessions(upTo: Zxid): void {
    for (const id of this.#clocks.removeUpTo(upTo)) this.#expired.push(id)
  }

  #prepareOne(submission: Submission): void {
    // A counter that is used up ends the epoch; homes submit again to the next leader.
    if (this.#last === this.#lastOfEpoch) return
    this.#nextMoment()
    switch (submission.kind) {
      case 'write':
        this.#write(submission)
        return
      case 'open':
        this.#openSession(submission)
        return
      case 'attach':
        this.#attachSession(submission)
        return
      case 'abandon':
        this.#abandonSession(submission)
        return
      default:
        unreachable(submission)
    }
  }

  #write(submission: Of<'write'>): void {
    const { sessionId, cxid, unanswered, request } = submission
    const session = this.#view.session(sessionId)
    if (session === undefined || cxid !== session.lastCxid + 1) return
    if (request.kind === 'closeSession') {
      this.#closeSession(session, cxid, unanswered)
      return
    }
    this.#view.countWrite(session, cxid, this.#at.zxid)
    this.#add(sessionId, cxid, unanswered, resolveWrite(this.#scene, session, request))
  }

  #openSession(submission: Of<'open'>): void {
    const { owner, connection, password } = submission
    const atLeast = Math.max(submission.timeoutMs, this.#timeoutMsMin)
    const timeoutMs = Math.min(atLeast, SESSION_TIMEOUT_MS_MAX)
    // A session's id is the place of its opening, hence unique for ever.
    const id = this.#at.zxid as number as SessionId
    const session = new PendingSession(id, timeoutMs, password, owner, connection)
    this.#view.openSession(session, this.#at.zxid)
    this.#clocks.add(id, timeoutMs)
    this.#add(id, 0, 0, { type: 'open', owner, connection, timeoutMs, password })
  }

  #attachSession(submission: Of<'attach'>): void {
    const { owner, connection, sessionId, password } = submission
    const session = this.#view.session(sessionId)
    const granted = session !== undefined && Buffer.compare(session.password, password) === 0
    if (granted) {
      this.#view.attachSession(session, owner, connection, this.#at.zxid)
      this.#clocks.touch(sessionId)
    }
    this.#add(sessionId, 0, 0, { type: 'attach', owner, connection, granted })
  }

  #abandonSession(submission: Of<'abandon'>): void {
    const session = this.#view.session(submission.sessionId)
    const stillThere =
      session?.owner === submission.owner && session.connection === submission.connection
    if (stillThere) this.#closeSession(session, 0, 0)
  }

  #closeExpired(): void {
    if (this.#expired.length === 0) return
    for (const id of this.#expired) {
      if (this.#last === this.#lastOfEpoch) break
      this.#nextMoment()
      const session = this.#view.session(id)
      assert(session !== undefined, 'a session with a clock is there')
      this.#closeSession(session, 0, 0)
    }
    this.#expired = []
  }

  #closeSession(session: PendingSession, cxid: number, unanswered: number): void {
    this.#clocks.remove(session.id)
    const ephemerals = this.#view.closeSession(session, this.#at.zxid)
    this.#add(session.id, cxid, unanswered, { type: 'close', ephemerals })
  }

  #nextMoment(): void {
    this.#at.zxid = (this.#last + 1) as Zxid
    this.#at.timeMs = this.#groups.clock(this.#nowMs)
  }

  #add(sessionId: SessionId, cxid: number, unanswered: number, body: TxnBody): void {
    this.#last = this.#at.zxid
    this.#groups.add({ sessionId, cxid, unanswered, digest: this.#view.digest, body })
  }
}
