/**
 * The client's side of a session, pure: one ordered line of calls, the watches, and what to say to which peer when.
 *
 * The driver (line.ts, or the simulator) feeds it calls, frames and the fate of connections, and takes out frames to
 * send and deliveries to make. Calls are answered in the order they were made, across any number of peers: after a
 * fail-over everything unanswered is sent again with its numbers, and the ensemble does each write once.
 */

import { assert } from '../base/assert.ts'
import { ByteReader, ByteWriter } from '../base/bytes.ts'
import type { ErrorCode } from '../base/errors.ts'
import { SESSION_WINDOW } from '../base/limits.ts'
import { decodePeerMessage, type PeerMessage, type Reply, type WatchEvent } from '../base/reply.ts'
import { encodeClientMessage, type ReadRequest, type WriteRequest } from '../base/request.ts'
import { NO_SESSION, type SessionId, ZXID_ZERO, type Zxid } from '../base/zxid.ts'
import type { AnyCall } from './core-call.ts'
import { Queue } from './core-queue.ts'
import { type Watcher, WatchRegistry } from './core-watches.ts'

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

/** A frame is sent when it passes this size, however much more there is to say. */
const FRAME_BYTES = 1024 * 1024
/** Bytes of data a session may have under way; one oversized call still goes. */
const WINDOW_BYTES = 16 * 1024 * 1024

function isRead(request: ReadRequest | WriteRequest): request is ReadRequest {
  return request.kind === 'get' || request.kind === 'exists' || request.kind === 'children'
}

export class ClientCore {
  readonly #terms: SessionTerms
  readonly #watches = new WatchRegistry()
  /** Sent and unanswered; its head is whom the next reply is for. */
  readonly #sent = new Queue<AnyCall>()
  /** Not sent yet: the window is full, or nobody is there to send to. Empty of calls that may go. */
  readonly #waiting = new Queue<AnyCall>()
  readonly #deliveries = new Queue<Delivery>()
  readonly #fullFrames = new Queue<Uint8Array>()
  readonly #out = new ByteWriter(1024)
  #state: SessionState = 'connecting'
  #linked = false
  #closing: AnyCall | undefined
  #sessionId = NO_SESSION
  #timeoutMs: number
  #lastXid = 0
  /** Invariant: answeredCxid <= sentCxid <= answeredCxid + SESSION_WINDOW. */
  #sentCxid = 0
  #answeredCxid = 0
  #sentWeight = 0
  #unended = 0
  /**
   * Last transaction an answer has shown. A welcome does not count: the watches it finds fired are told after it, and
   * would be lost if the connection broke in between.
   */
  #seenZxid: Zxid = ZXID_ZERO

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
    return (this.#sent.peek() ?? this.#waiting.peek())?.startedAt
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
    if (this.#waiting.length === 0 && this.#maySend(call)) this.#send(call)
    else this.#waiting.push(call)
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
      encodeClientMessage(this.#out, { kind: 'open', timeoutMs, password })
      return
    }
    encodeClientMessage(this.#out, { kind: 'attach', sessionId, password })
    if (!this.#watches.isEmpty) {
      encodeClientMessage(this.#out, this.#watches.toMessage(this.#seenZxid))
    }
    this.#resend()
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
    encodeClientMessage(this.#out, { kind: 'leave' })
    return this.#out.take()
  }

  /** `ensembleClosed`: a session that is ended now ends with its ensemble, and is not one that expired. */
  receive(frame: Uint8Array, ensembleClosed = false): void {
    const from = new ByteReader(frame)
    while (this.#linked && !from.done) this.#hear(decodePeerMessage(from), ensembleClosed)
    this.#sendWaiting()
  }

  /** Fails the calls made at or before `startedAt`. Sent ones keep their place: a reply to them is still to come. */
  expire(startedAt: number, code: ErrorCode): void {
    for (const queue of [this.#sent, this.#waiting]) {
      for (const call of queue) {
        if (call.ended) continue
        if (call.startedAt > startedAt) return
        if (call.request.kind === 'closeSession') {
          this.finish('closed', code)
          return
        }
        this.#settle(call, code)
      }
    }
  }

  /** Ends the session here and now; every call still waited for fails with `code`, except the one that closes it. */
  finish(state: 'expired' | 'closed', code: ErrorCode): void {
    if (this.finished) return
    this.#unlink()
    this.#become(state)
    this.#watches.clear()
    for (const call of [...this.#sent.drain(), ...this.#waiting.drain()]) {
      if (call.ended) continue
      const closes = call.request.kind === 'closeSession'
      this.#settle(call, closes ? { xid: call.xid, zxid: this.#seenZxid } : code)
    }
    assert(this.#unended === 0, 'a finished session owes nothing')
  }

  takeFrame(): Uint8Array | undefined {
    const full = this.#fullFrames.shift()
    if (full !== undefined) return full
    return this.#out.length > 0 ? this.#out.take() : undefined
  }

  /** What `takeDelivery` would return. */
  get nextDelivery(): Delivery | undefined {
    return this.#deliveries.peek()
  }

  takeDelivery(): Delivery | undefined {
    return this.#deliveries.shift()
  }

  #hear(message: PeerMessage, ensembleClosed: boolean): void {
    switch (message.kind) {
      case 'reply':
        this.#answered(message.reply)
        return
      case 'event': {
        const { event } = message
        for (const watcher of this.#watches.take(event)) {
          this.#deliveries.push({ kind: 'firing', event, watcher })
        }
        return
      }
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
        else if (ensembleClosed) this.finish('closed', 'CLOSED')
        // It was to end: whether its close did that before the answer was lost, or time, is all the same to its user.
        else this.finish(this.#closing === undefined ? 'expired' : 'closed', 'SESSION_EXPIRED')
    }
  }

  #answered(reply: Reply): void {
    const call = this.#sent.shift()
    assert(call !== undefined, 'a reply answers a call')
    assert(call.xid === reply.xid, 'replies come in the order of the calls')
    this.#sentWeight -= call.weight
    if (call.cxid !== 0) this.#answeredCxid = call.cxid
    if (reply.zxid > this.#seenZxid) this.#seenZxid = reply.zxid
    if (!call.ended) {
      if (call.watcher !== undefined) this.#register(call, call.watcher, reply)
      this.#settle(call, reply)
    }
    if (call.request.kind === 'closeSession') this.finish('closed', 'CLOSED')
  }

  #register(call: AnyCall, watcher: Watcher, reply: Reply): void {
    const { request } = call
    assert('watch' in request, 'only reads watch')
    const { kind, path } = request
    if (reply.code === undefined) {
      this.#watches.add(kind === 'children' ? 'child' : 'data', path, watcher)
    } else if (kind === 'exists' && reply.code === 'NO_NODE') {
      this.#watches.add('exist', path, watcher)
    }
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

  #unlink(): void {
    this.#linked = false
    this.#out.reset()
    this.#fullFrames.clear()
  }

  #become(state: SessionState): void {
    if (state === this.#state) return
    assert(!this.finished, 'expired and closed are final')
    this.#state = state
    this.#deliveries.push({ kind: 'state', state })
  }

  #maySend(call: AnyCall): boolean {
    if (!this.#linked || this.#sessionId === NO_SESSION) return false
    const { length } = this.#sent
    if (length >= SESSION_WINDOW) return false
    return length === 0 || this.#sentWeight + call.weight <= WINDOW_BYTES
  }

  #sendWaiting(): void {
    for (;;) {
      const call = this.#waiting.peek()
      if (call === undefined) return
      // Nobody waits for it any more and no peer has heard of it: it can still be taken back.
      const dropped = call.ended
      if (!dropped && !this.#maySend(call)) return
      this.#waiting.shift()
      if (!dropped) this.#send(call)
    }
  }

  /** Its numbers are used up only when it is in the frame: one that cannot be put there must leave no gap. */
  #send(call: AnyCall): void {
    const { length } = this.#out
    call.xid = (this.#lastXid + 1) >>> 0
    if (!isRead(call.request)) call.cxid = this.#sentCxid + 1
    try {
      this.#encode(call)
    } catch (error) {
      const whole = this.#out.take().subarray(0, length)
      this.#out.raw(whole)
      call.refuse(error)
      this.#ended(call)
      return
    }
    this.#lastXid = call.xid
    if (call.cxid !== 0) this.#sentCxid = call.cxid
    this.#sent.push(call)
    this.#sentWeight += call.weight
  }

  /** Writes keep their place even when nobody waits for them any more, since cxids have no gaps; such reads go. */
  #resend(): void {
    this.#sentWeight = 0
    for (const call of this.#sent.drain()) {
      if (call.ended && isRead(call.request)) continue
      this.#sent.push(call)
      this.#sentWeight += call.weight
      this.#encode(call)
    }
  }

  #encode(call: AnyCall): void {
    const { request, xid, cxid } = call
    if (isRead(request)) {
      encodeClientMessage(this.#out, { kind: 'read', xid, request })
    } else {
      const unanswered = cxid - this.#answeredCxid
      assert(unanswered >= 1 && unanswered <= SESSION_WINDOW, 'writes under way fit the window')
      encodeClientMessage(this.#out, { kind: 'write', xid, cxid, unanswered, request })
    }
    if (this.#out.length >= FRAME_BYTES) this.#fullFrames.push(this.#out.take())
  }
}
