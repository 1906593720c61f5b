/**
 * The calls of a session that are under way, in the order they were made: those that were sent, and those that wait for
 * room or for somebody to send to. Numbers are given here, when a call is first sent, and kept when it is sent again.
 */

import { assert } from '../base/assert.ts'
import { Fifo } from '../base/fifo.ts'
import { SESSION_WINDOW } from '../base/limits.ts'
import type { Reply } from '../base/reply.ts'
import { isRead } from '../base/request.ts'
import type { AnyCall } from './core-call.ts'
import type { Outbox } from './core-outbox.ts'

/** Bytes of data a session may have under way; one oversized call still goes. */
const WINDOW_BYTES = 16 * 1024 * 1024

export class Window {
  readonly #outbox: Outbox
  /** Told of a call that cannot be sent, ever; it has been refused. */
  readonly #onRefused: (call: AnyCall) => void
  /** Sent and unanswered; its head is whom the next reply is for. */
  readonly #sent = new Fifo<AnyCall>()
  /** Not sent yet. Empty of calls that may go. */
  readonly #waiting = new Fifo<AnyCall>()
  #lastXid = 0
  /** Invariant: answeredCxid <= sentCxid <= answeredCxid + SESSION_WINDOW. */
  #sentCxid = 0
  #answeredCxid = 0
  #sentWeight = 0

  constructor(outbox: Outbox, onRefused: (call: AnyCall) => void) {
    this.#outbox = outbox
    this.#onRefused = onRefused
  }

  /** Whether no answer is to come. */
  get allAnswered(): boolean {
    return this.#sent.length === 0
  }

  get isEmpty(): boolean {
    return this.#sent.length === 0 && this.#waiting.length === 0
  }

  /** The call next to be answered. */
  get oldest(): AnyCall | undefined {
    return this.#sent.first ?? this.#waiting.first
  }

  /** Whether a read that leaves a watch is under way. */
  get watches(): boolean {
    for (const call of this) {
      if (call.watcher !== undefined && !call.ended) return true
    }
    return false
  }

  push(call: AnyCall): void {
    this.#waiting.push(call)
  }

  /** Takes out the call that a reply is for. */
  answered(reply: Reply): AnyCall {
    const call = this.#sent.shift()
    assert(call !== undefined, 'a reply answers a call')
    assert(call.xid === reply.xid, 'replies come in the order of the calls')
    this.#sentWeight -= call.weight
    if (call.cxid !== 0) this.#answeredCxid = call.cxid
    return call
  }

  /** Sends what waits, as far as there is room; up to a read that leaves a watch, if those are not to be sent. */
  send(watchesStay: boolean): void {
    for (;;) {
      const call = this.#waiting.first
      if (call === undefined) return
      // Nobody waits for it any more and no peer has heard of it: it can still be taken back.
      const dropped = call.ended
      if (!dropped && ((watchesStay && call.watcher !== undefined) || !this.#hasRoom(call))) return
      this.#waiting.shift()
      if (!dropped) this.#send(call)
    }
  }

  /** Takes out the call that waits first, if it leaves a watch, and nothing before it is unanswered. */
  takeWatching(): AnyCall | undefined {
    if (this.#sent.length > 0 || this.#waiting.first?.watcher === undefined) return undefined
    return this.#waiting.shift()
  }

  /** Writes keep their place even when nobody waits for them any more, since cxids have no gaps; such reads go. */
  resend(): void {
    this.#sentWeight = 0
    for (const call of this.#sent.drain()) {
      if (call.ended && isRead(call.request)) continue
      this.#sent.push(call)
      this.#sentWeight += call.weight
      this.#encode(call)
    }
  }

  /** Takes all calls out. */
  drain(): AnyCall[] {
    return [...this.#sent.drain(), ...this.#waiting.drain()]
  }

  *[Symbol.iterator](): IterableIterator<AnyCall> {
    yield* this.#sent
    yield* this.#waiting
  }

  #hasRoom(call: AnyCall): boolean {
    const { length } = this.#sent
    if (length >= SESSION_WINDOW) return false
    return length === 0 || this.#sentWeight + call.weight <= WINDOW_BYTES
  }

  /** Its numbers are used up only when it is in the frame: one that cannot be put there must leave no gap. */
  #send(call: AnyCall): void {
    call.xid = (this.#lastXid + 1) >>> 0
    if (!isRead(call.request)) call.cxid = this.#sentCxid + 1
    try {
      this.#encode(call)
    } catch (error) {
      call.refuse(error)
      this.#onRefused(call)
      return
    }
    this.#lastXid = call.xid
    if (call.cxid !== 0) this.#sentCxid = call.cxid
    this.#sent.push(call)
    this.#sentWeight += call.weight
  }

  #encode(call: AnyCall): void {
    const { request, xid, cxid } = call
    if (isRead(request)) {
      this.#outbox.say({ kind: 'read', xid, request })
      return
    }
    const unanswered = cxid - this.#answeredCxid
    assert(unanswered >= 1 && unanswered <= SESSION_WINDOW, 'writes under way fit the window')
    this.#outbox.say({ kind: 'write', xid, cxid, unanswered, request })
  }
}
