/**
 * The home of the clients connected to this peer: who is here, for which session, and what each still waits for. All
 * of it can be lost: a client comes back to another peer with everything it has no answer for, and a write is done once
 * however often it is submitted.
 */

import { assert } from '../base/assert.ts'
import { ByteReader, MalformedError } from '../base/bytes.ts'
import type { ErrorCode } from '../base/errors.ts'
import { type ClientMessage, decodeClientMessage, type Submission } from '../base/request.ts'
import type { Txn, TxnBody } from '../base/txn.ts'
import type { SessionId, Sid, Zxid } from '../base/zxid.ts'
import type { Applied, Tree } from '../tree/tree.ts'
import { Answers } from './answers.ts'
import { Line, type Waiting } from './order.ts'
import type { Frame } from './outbox.ts'
import { Submissions } from './submissions.ts'

type Of<Type extends TxnBody['type']> = Extract<TxnBody, { readonly type: Type }>

export class Home {
  readonly #sid: Sid
  #tree: Tree
  /** By connection. */
  readonly #lines = new Map<number, Line>()
  /** The joined lines. Invariant: one per session, and the session's owner and connection name this line. */
  readonly #served = new Map<SessionId, Line>()
  readonly #answers: Answers
  readonly #submissions: Submissions
  #closings: number[] = []

  constructor(sid: Sid, tree: Tree, fullFrameBytes: number) {
    this.#sid = sid
    this.#tree = tree
    this.#answers = new Answers(tree, fullFrameBytes)
    this.#submissions = new Submissions(sid)
  }

  connect(connection: number): void {
    assert(!this.#lines.has(connection), 'a connection number is used once')
    this.#lines.set(connection, new Line(connection))
  }

  receive(connection: number, frame: Uint8Array): void {
    const line = this.#lines.get(connection)
    // What crosses our goodbye, or follows the client's own, is for nobody.
    if (line === undefined) return
    try {
      const from = new ByteReader(frame)
      while (line.listens && !from.done) this.#receiveOne(line, decodeClientMessage(from))
    } catch (error) {
      // One client's nonsense is the end of that client, not of the peer.
      if (!(error instanceof MalformedError)) throw error
      this.#closings.push(connection)
      this.#part(line, true)
    }
  }

  /** The connection's port closed. A client that did not say that it goes on elsewhere is dead. */
  disconnect(connection: number): void {
    const line = this.#lines.get(connection)
    if (line?.listens) this.#part(line, true)
  }

  /** A transaction was applied to the tree: events first, then what its session waits for. */
  applied(txn: Txn, { outcome, changes }: Applied, zxid: Zxid): void {
    this.#answers.fire(changes, zxid)
    const { body, sessionId, cxid } = txn
    if (body.type === 'open') this.#arrived(sessionId, body.owner, body.connection)
    else if (body.type === 'attach') this.#attached(sessionId, body)
    else {
      const line = this.#served.get(sessionId)
      if (body.type === 'close') this.#submissions.forgetAbandoned(sessionId)
      if (line === undefined) return
      if (body.type !== 'close') this.#answers.outcome(line, cxid, outcome)
      else if (this.#answers.outcomeOfFirst(line, cxid, outcome)) this.#end(line, undefined)
      else this.#end(line, 'SESSION_EXPIRED')
    }
  }

  /** This peer cannot serve for now: whoever is served here is to look for another peer. */
  sendAway(): void {
    for (const line of [...this.#served.values()]) this.#end(line, 'SESSION_MOVED')
  }

  /**
   * The tree jumped without the transactions between: tells everyone here what that means to them. It jumps back only
   * where a log was found wrong; nobody may be shown the past, so everybody goes elsewhere.
   */
  replaceTree(tree: Tree): void {
    const before = this.#tree
    if (tree.zxid < before.zxid) this.sendAway()
    this.#tree = tree
    this.#answers.replaceTree(tree)
    for (const line of this.#served.values()) this.#resume(line, before)
    for (const session of tree.sessions()) {
      this.#arrived(session.id, session.owner, session.connection)
    }
    for (const [sessionId, connection] of this.#submissions.abandoned()) {
      if (!this.#isServedOn(sessionId, connection)) this.#submissions.forgetAbandoned(sessionId)
    }
  }

  resubmit(): void {
    this.#submissions.again(this.#lines.values())
  }

  /** Sessions served here: their clients are alive. */
  sessions(): Iterable<SessionId> {
    return this.#served.keys()
  }

  takeSubmissions(): readonly Submission[] {
    return this.#submissions.take()
  }

  takePackedSubmissions(): Uint8Array | undefined {
    return this.#submissions.takePacked()
  }

  takeFrames(): Frame[] {
    return this.#answers.takeFrames()
  }

  get hasFullFrames(): boolean {
    return this.#answers.hasFullFrames
  }

  takeFullFrames(): Frame[] {
    return this.#answers.takeFullFrames()
  }

  takeClosings(): number[] {
    const closings = this.#closings
    if (closings.length > 0) this.#closings = []
    return closings
  }

  #receiveOne(line: Line, message: ClientMessage): void {
    switch (message.kind) {
      case 'open':
      case 'attach':
        if (line.phase !== 'new') throw new MalformedError('a client says hello once')
        line.phase = 'joining'
        line.hello = message
        this.#submissions.hello(line.connection, message)
        return
      case 'leave':
        this.#part(line, false)
        return
      default:
        if (line.phase === 'new') throw new MalformedError('a client says hello first')
        this.#takeTurn(line, message)
    }
  }

  #takeTurn(line: Line, message: Waiting): void {
    const alone = line.waiting.length === 0
    if (line.phase !== 'joined') line.waiting.push(message)
    else if (message.kind === 'write') {
      line.waiting.push(message)
      if (message.cxid > line.appliedCxid) this.#submissions.write(line.sessionId, message)
      else if (alone) this.#answers.drain(line)
    } else if (alone) this.#answers.look(line, message)
    else line.waiting.push(message)
  }

  /** The session is on this connection now, by an open or (if the tree jumped) perhaps an attach. */
  #arrived(sessionId: SessionId, owner: Sid, connection: number): void {
    // Connections that are not known are of an earlier life of this peer: their clients are on their way elsewhere.
    const line = owner === this.#sid ? this.#lines.get(connection) : undefined
    if (line === undefined || line.sessionId === sessionId) return
    if (line.phase === 'joining') {
      this.#join(line, sessionId)
      return
    }
    // Nobody will ever know this session: its client is gone, or was welcomed to another one because its open was
    // submitted twice.
    this.#submissions.abandon(sessionId, connection)
    if (line.phase === 'orphaned') this.#forget(line)
  }

  #attached(sessionId: SessionId, body: Of<'attach'>): void {
    const line = body.owner === this.#sid ? this.#lines.get(body.connection) : undefined
    if (!body.granted) {
      if (line?.phase === 'joining') this.#end(line, 'SESSION_EXPIRED')
      return
    }
    const served = this.#served.get(sessionId)
    if (served !== undefined && served !== line) this.#end(served, 'SESSION_MOVED')
    if (line?.phase === 'joining') this.#join(line, sessionId)
    const abandoned = this.#submissions.abandoned().get(sessionId)
    if (abandoned !== undefined && !this.#isServedOn(sessionId, abandoned)) {
      this.#submissions.forgetAbandoned(sessionId)
    }
  }

  #join(line: Line, sessionId: SessionId): void {
    const session = this.#tree.session(sessionId)
    assert(session !== undefined, 'a session is joined while it lives')
    assert(!this.#served.has(sessionId), 'a session is served on one line')
    line.phase = 'joined'
    line.sessionId = sessionId
    line.appliedCxid = session.lastCxid
    this.#served.set(sessionId, line)
    this.#answers.welcome(line, session)
    for (const message of line.waiting) {
      const isNew = message.kind === 'write' && message.cxid > line.appliedCxid
      if (isNew) this.#submissions.write(sessionId, message)
    }
    this.#answers.drain(line)
  }

  /** A joined line after the tree jumped. */
  #resume(line: Line, before: Tree): void {
    const session = this.#tree.session(line.sessionId)
    if (session === undefined) this.#end(line, 'SESSION_EXPIRED')
    else if (!this.#isServedOn(session.id, line.connection)) this.#end(line, 'SESSION_MOVED')
    else {
      line.appliedCxid = session.lastCxid
      this.#answers.resumeAfter(line, before)
      this.#answers.drain(line)
    }
  }

  /** The client goes: it is dead, or goes on with its session elsewhere. */
  #part(line: Line, dead: boolean): void {
    const { phase, hello, connection } = line
    this.#answers.dropAll(line)
    if (phase === 'joining' && hello?.kind === 'open') {
      line.phase = 'orphaned'
      line.waiting.clear()
      return
    }
    this.#forget(line)
    if (!dead) return
    if (phase === 'joined') this.#submissions.abandon(line.sessionId, connection)
    else if (hello?.kind === 'attach' && !this.#isOver(hello.sessionId)) {
      this.#submissions.abandon(hello.sessionId, connection)
    }
  }

  /** Closes the connection from this side, after all that was said on it. */
  #end(line: Line, code: ErrorCode | undefined): void {
    if (code !== undefined) this.#answers.goodbye(line, code)
    this.#answers.dropWatches(line)
    this.#closings.push(line.connection)
    this.#forget(line)
  }

  #forget(line: Line): void {
    this.#lines.delete(line.connection)
    if (line.phase === 'joined') this.#served.delete(line.sessionId)
    line.phase = 'ended'
    line.waiting.clear()
  }

  #isServedOn(sessionId: SessionId, connection: number): boolean {
    const session = this.#tree.session(sessionId)
    return session?.owner === this.#sid && session.connection === connection
  }

  /** Whether a session was closed. One whose id lies ahead is not known here yet. */
  #isOver(sessionId: SessionId): boolean {
    return (sessionId as number) <= this.#tree.zxid && this.#tree.session(sessionId) === undefined
  }
}
