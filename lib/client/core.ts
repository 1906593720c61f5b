/**
 * The client's side of a session, pure: one ordered line of calls, the watches, and what to say to which peer when.
 *
 * The driver (line.ts, or the simulator) feeds it calls, frames and the fate of connections, and takes out frames to
 * send and deliveries to make. Calls are answered in the order they were made, across any number of peers: after a
 * fail-over everything unanswered is sent again with its numbers, and the ensemble does each write once.
 */

import { assert } from '../base/assert.ts'
import type { ErrorCode } from '../base/errors.ts'
import { Fifo } from '../base/fifo.ts'
import type { ZPath } from '../base/path.ts'
import type { PeerMessage, Reply, WatchEvent } from '../base/reply.ts'
import { isRead, type ReadRequest } from '../base/request.ts'
import { NO_SESSION, type SessionId, ZXID_MAX, ZXID_ZERO, type Zxid } from '../base/zxid.ts'
import type { Observer } from '../replica/observer.ts'
import type { Znode } from '../tree/znode.ts'
import type { AnyCall } from './core-call.ts'
import { Inbox } from './core-inbox.ts'
import { Outbox } from './core-outbox.ts'
import { Seat, type Sitter } from './core-seat.ts'
import { type Watcher, WatchRegistry, watchLeft } from './core-watches.ts'
import { Window } from './core-window.ts'

/**
 * `connecting` until the first peer has opened the session; `suspended` while no peer serves it (calls wait); `expired`
 * and `closed` are final.
 */
export type SessionState = 'connecting' | 'connected' | 'suspended' | 'expired' | 'closed'

/**
 * One function is told of one event. Not all that wait for the event together: the first may block, and hand on what
 * stands behind its own delivery.
 */
export interface Firing {
  readonly kind: 'firing'
  readonly event: WatchEvent
  readonly watcher: Watcher
}

/** What the driver hands on, in this order: a watch is told before the answer that shows its change. */
export type Delivery = AnyCall | Firing | { readonly kind: 'state'; readonly state: SessionState }

export interface SessionTerms {
  /** Session timeout to ask for. */
  readonly timeoutMs: number
  /** Secret that lets this client, and nobody else, carry the session to another peer. */
  readonly password: Uint8Array
}

export class ClientCore implements Sitter {
  readonly #terms: SessionTerms
  readonly #watches = new WatchRegistry()
  readonly #deliveries = new Fifo<Delivery>()
  readonly #inbox = new Inbox()
  readonly #outbox = new Outbox()
  readonly #window = new Window(this.#outbox, call => this.#ended(call))
  /** Where reads are answered and watches are held while there is nothing to wait for; else the home does. */
  #seat: Seat | undefined
  #hasRead = false
  #farewell: Uint8Array | undefined
  #ensembleClosed = false
  #state: SessionState = 'connecting'
  #linked = false
  #closing: AnyCall | undefined
  #sessionId = NO_SESSION
  #timeoutMs: number
  #unended = 0
  /**
   * Last transaction an answer has shown. A welcome does not count: the watches it finds fired are told after it, and
   * would be lost if the connection broke in between.
   */
  #seenZxid: Zxid = ZXID_ZERO
  /** Last transaction a watch was told of by a home. What is read from then on must show it. */
  #toldZxid: Zxid = ZXID_ZERO

  constructor(terms: SessionTerms) {
    this.#terms = terms
    this.#timeoutMs = terms.timeoutMs
  }

  get state(): SessionState {
    return this.#state
  }

  get finished(): boolean {
    return this.#state === 'expired' || this.#state === 'closed'
  }

  /** Whether the driver's connection is in use. When it turns false, the driver drops it and finds another. */
  get linked(): boolean {
    return this.#linked
  }

  /** Calls may go: until the session has a number, nothing but its opening does. */
  get #isOpen(): boolean {
    return this.#linked && this.#sessionId !== NO_SESSION
  }

  /** 0 until the session is open. */
  get sessionId(): SessionId {
    return this.#sessionId
  }

  /** The session timeout: the ensemble's once it has agreed to one. */
  get timeoutMs(): number {
    return this.#timeoutMs
  }

  get seenZxid(): Zxid {
    return this.#seenZxid
  }

  /** Calls that somebody still waits for. */
  get pending(): number {
    return this.#unended
  }

  /** When the call next to be answered was made; undefined when none is under way. */
  get oldestStartedAt(): number | undefined {
    return this.#window.oldest?.startedAt
  }

  /** When the session was asked to end. */
  get closingSince(): number | undefined {
    return this.#closing?.startedAt
  }

  submit(call: AnyCall): void {
    if (this.finished || this.#closing !== undefined) {
      call.fail(this.#state === 'expired' ? 'SESSION_EXPIRED' : 'CLOSED')
      this.#deliveries.push(call)
      return
    }
    if (call.request.kind === 'closeSession') this.#closing = call
    this.#unended++
    if (isRead(call.request)) {
      this.#hasRead = true
      if (this.#seatIsLevel && this.#window.isEmpty) return this.#readHere(call, call.request)
    }
    this.#window.push(call)
    if (this.#isOpen) this.#sendWaiting()
  }

  /** A connection to a peer was made: introduces the session there and repeats what is unanswered. */
  connected(): void {
    assert(!this.#linked, 'one connection at a time')
    assert(!this.finished, 'a finished session connects no more')
    this.#linked = true
    const { timeoutMs, password } = this.#terms
    const sessionId = this.#sessionId
    // Until the session has a number, nothing else is sent: a second `open` elsewhere makes a second session, in which
    // repeated writes would be done again.
    if (sessionId === NO_SESSION) {
      this.#outbox.say({ kind: 'open', timeoutMs, password })
      return
    }
    this.#outbox.say({ kind: 'attach', sessionId, password })
    if (!this.#watches.isEmpty) {
      this.#outbox.say(this.#watches.toMessage(this.#seenZxid))
    }
    this.#window.resend()
    this.#sendWaiting()
  }

  /** The connection is gone. What was sent waits for the next one. */
  disconnected(): void {
    this.#unlink()
    if (this.#state === 'connected') this.#become('suspended')
  }

  /** Gives up the connection for another peer's sake. Returns the last frame to send on it. */
  depart(): Uint8Array {
    this.disconnected()
    this.#outbox.say({ kind: 'leave' })
    return this.#outbox.take()!
  }

  /** `ensembleClosed`: a session that is ended now ends with its ensemble, and is not one that expired. */
  receive(frame: Uint8Array, ensembleClosed = false): void {
    // What crosses our own leave is for nobody: the next home says it again.
    if (!this.#linked) return
    this.#ensembleClosed = ensembleClosed
    this.#inbox.push(frame)
    this.settle()
  }

  /** Whether a local observer that is fed by the home would be of use. */
  get wantsObserver(): boolean {
    return this.#hasRead && this.#seat === undefined && this.#state === 'connected' && this.#linked
  }

  /**
   * From now on reads are answered by the observer, which must be fed by the home, if it shows all that was seen. With
   * watches, it must show no more either: of what changed since, the home may have told already, on its way to us.
   */
  sit(observer: Observer): void {
    if (!this.wantsObserver || !observer.live || observer.zxid < this.#seenZxid) return
    if (observer.zxid < this.#toldZxid) return
    if (this.#window.watches) return
    if (!this.#watches.isEmpty && observer.zxid !== this.#seenZxid) return
    this.#seat = new Seat(observer, this, this.#watches.toMessage(this.#seenZxid))
    this.settle()
  }

  /** Whether reads are answered here. */
  get seated(): boolean {
    return this.#seat !== undefined
  }

  /** The znode, if a read of it needs nobody else, and nothing is to be handed on before its answer. */
  look(path: ZPath): Znode | undefined {
    if (!this.#seatIsLevel || !this.#window.isEmpty || this.#deliveries.length > 0) return undefined
    const seat = this.#seat!
    const node = seat.node(path)
    if (node !== undefined) this.#seenZxid = seat.zxid
    return node
  }

  /** Takes in what has arrived, as far as it shows no more than the observer does, and the events that are due. */
  settle(): void {
    while (this.#linked) {
      const message = this.#inbox.next(this.#seat?.zxid ?? ZXID_MAX)
      if (message === undefined) break
      this.#hear(message)
    }
    if (this.#window.allAnswered) this.#tellEvents(ZXID_MAX)
    if (this.#isOpen) this.#sendWaiting()
  }

  /** The observer begins anew: until a home is told of the watches, as by one that comes, nobody knows what changes. */
  unseated(): void {
    this.#farewell = this.depart()
  }

  /** The last frame for the connection that was given up, if there is one to send. */
  takeFarewell(): Uint8Array | undefined {
    const farewell = this.#farewell
    this.#farewell = undefined
    return farewell
  }

  /** Fails the calls made at or before `startedAt`. Sent ones keep their place: a reply to them is still to come. */
  expire(startedAt: number, code: ErrorCode): void {
    for (const call of this.#window) {
      if (call.ended) continue
      if (call.startedAt > startedAt) return
      if (call.request.kind === 'closeSession') {
        this.finish('closed', code)
        return
      }
      this.#settle(call, code)
    }
  }

  /** Ends the session here and now; every call still waited for fails with `code`, except the one that closes it. */
  finish(state: 'expired' | 'closed', code: ErrorCode): void {
    if (this.finished) return
    this.#unlink()
    this.#become(state)
    this.#watches.clear()
    for (const call of this.#window.drain()) {
      if (call.ended) continue
      const closes = call.request.kind === 'closeSession'
      this.#settle(call, closes ? { xid: call.xid, zxid: this.#seenZxid } : code)
    }
    assert(this.#unended === 0, 'a finished session owes nothing')
  }

  takeFrame(): Uint8Array | undefined {
    return this.#outbox.take()
  }

  /** What `takeDelivery` would return. */
  get nextDelivery(): Delivery | undefined {
    return this.#deliveries.first
  }

  takeDelivery(): Delivery | undefined {
    return this.#deliveries.shift()
  }

  /** Whether reads can be answered here without showing less than was seen. */
  get #seatIsLevel(): boolean {
    return this.#seat !== undefined && this.#seat.zxid >= this.#seenZxid
  }

  /** A read that leaves a watch waits for its turn to be answered here, and whatever comes after waits behind it. */
  #sendWaiting(): void {
    for (;;) {
      this.#window.send(this.#seat !== undefined)
      const call = this.#seatIsLevel ? this.#window.takeWatching() : undefined
      if (call === undefined) return
      this.#readHere(call, call.request as ReadRequest)
    }
  }

  #readHere(call: AnyCall, request: ReadRequest): void {
    const reply = { xid: 0, ...this.#seat!.read(request) }
    this.#seenZxid = reply.zxid
    if (call.watcher !== undefined) this.#register(call, call.watcher, reply)
    this.#settle(call, reply)
  }

  #tellEvents(zxid: Zxid): void {
    for (;;) {
      const event = this.#seat?.take(zxid)
      if (event === undefined) return
      this.#tell(event)
    }
  }

  #tell(event: WatchEvent): void {
    for (const watcher of this.#watches.take(event)) {
      this.#deliveries.push({ kind: 'firing', event, watcher })
    }
  }

  #hear(message: PeerMessage): void {
    switch (message.kind) {
      case 'reply':
        this.#answered(message.reply)
        return
      case 'event':
        // Of a watch that the home still holds, the observer tells.
        if (this.#seat !== undefined) return
        this.#tell(message.event)
        if (message.event.zxid > this.#toldZxid) this.#toldZxid = message.event.zxid
        return
      case 'welcome': {
        const { sessionId } = message
        const known = this.#sessionId
        assert(known === NO_SESSION || known === sessionId, 'a welcome is for this session')
        this.#sessionId = sessionId
        this.#timeoutMs = message.timeoutMs
        this.#become('connected')
        return
      }
      case 'goodbye':
        if (message.code !== 'SESSION_EXPIRED') this.disconnected()
        else if (this.#ensembleClosed) this.finish('closed', 'CLOSED')
        // It was to end: whether its close did that before the answer was lost, or time, is all the same to its user.
        else this.finish(this.#closing === undefined ? 'expired' : 'closed', 'SESSION_EXPIRED')
    }
  }

  #answered(reply: Reply): void {
    const call = this.#window.answered(reply)
    if (reply.zxid > this.#seenZxid) this.#seenZxid = reply.zxid
    this.#tellEvents(reply.zxid)
    if (!call.ended) {
      if (call.watcher !== undefined) this.#register(call, call.watcher, reply)
      this.#settle(call, reply)
    }
    if (call.request.kind === 'closeSession') this.finish('closed', 'CLOSED')
  }

  #register(call: AnyCall, watcher: Watcher, reply: Reply): void {
    const { request } = call
    assert('watch' in request, 'only reads watch')
    const kind = watchLeft(request.kind, reply.code)
    if (kind !== undefined) this.#watches.add(kind, request.path, watcher)
  }

  #settle(call: AnyCall, how: Reply | ErrorCode): void {
    if (typeof how === 'string') call.fail(how)
    else call.end(how)
    this.#ended(call)
  }

  #ended(call: AnyCall): void {
    this.#unended--
    this.#deliveries.push(call)
  }

  /** Reads and watches are the home's again, that of now or the next one. */
  #stand(): void {
    const seat = this.#seat
    if (seat === undefined) return
    this.#tellEvents(ZXID_MAX)
    if (seat.zxid > this.#seenZxid) this.#seenZxid = seat.zxid
    this.#seat = undefined
    seat.leave()
  }

  #unlink(): void {
    this.#stand()
    this.#linked = false
    this.#inbox.clear()
    this.#outbox.clear()
  }

  #become(state: SessionState): void {
    if (state === this.#state) return
    assert(!this.finished, 'expired and closed are final')
    this.#state = state
    this.#deliveries.push({ kind: 'state', state })
  }
}
