/**
 * A thread by hand: one session and a local observer, their home, and a connection from there to each. A frame of
 * either connection arrives when the test says so, so all orders of them can be had.
 */

import assert from 'node:assert/strict'
import { ByteReader } from '../../lib/base/bytes.ts'
import type { Reply } from '../../lib/base/reply.ts'
import {
  type ClientMessage,
  decodeClientMessage,
  type ReadRequest,
  type WriteRequest,
} from '../../lib/base/request.ts'
import { counterOf } from '../../lib/base/zxid.ts'
import { getAnswer } from '../../lib/client/answers.ts'
import { ClientCore } from '../../lib/client/core.ts'
import { Call } from '../../lib/client/core-call.ts'
import { Observer } from '../../lib/replica/observer.ts'
import { CONTINUE, FeedingSolo, feedFrame, groupFrame, LIVE } from '../replica/feeding.ts'
import { Client, PASSWORD, path } from '../replica/support.ts'

/** The peer's end of the session's connection. What it says waits. */
class Wire extends Client {
  readonly frames: Uint8Array[] = []

  override receive(frame: Uint8Array): void {
    this.frames.push(frame)
  }
}

let lastConnection = 100

export class HandThread {
  readonly home: FeedingSolo
  readonly observer: Observer
  readonly core = new ClientCore({ timeoutMs: 10_000, password: PASSWORD })
  /** A session of another thread. */
  readonly other: Client
  /** What the session sent, in words. */
  readonly sent: string[] = []
  #wire: Wire | undefined
  readonly #feed: { fed: number }

  /** `beside`: another session of the same thread, with the same home. */
  constructor(beside?: HandThread) {
    this.home = beside?.home ?? new FeedingSolo()
    this.observer = beside?.observer ?? new Observer()
    this.other = beside?.other ?? this.home.join()
    this.#feed = beside === undefined ? { fed: 0 } : beside.#feed
    this.connect()
    this.run()
  }

  /** The session comes to its home by a new connection. */
  connect(): void {
    const wire = new Wire(this.home, ++lastConnection)
    this.#wire = wire
    this.home.clients.set(wire.connection, wire)
    this.home.replica.connect(wire.connection)
    this.core.connected()
  }

  /** A snapshot of the home begins to come: the observer can be read no more. The rest never comes. */
  leaveBehind(): void {
    const { point, replica } = this.home
    const { digest } = replica.tree
    this.observer.receive(feedFrame({ kind: 'snapshot', point, digest }))
  }

  /** The feed breaks off; the next one begins where the observer is. */
  feedEnds(): void {
    this.observer.disconnected()
  }

  /** Brings the session's frames home, where they are worked off; the answers stay on their way. */
  flush(): void {
    for (let frame = this.core.takeFrame(); frame !== undefined; frame = this.core.takeFrame()) {
      const from = new ByteReader(frame)
      while (!from.done) this.sent.push(wordOf(decodeClientMessage(from)))
      this.home.replica.receive(this.#wire!.connection, frame)
    }
    this.home.settle()
  }

  /** The next frames from the home arrive: all, or so many. */
  hear(frames = Number.POSITIVE_INFINITY): void {
    for (const frame of this.#wire!.frames.splice(0, frames)) this.core.receive(frame)
  }

  /** The next groups of the feed arrive, in one frame: all, or so many. */
  feed(groups = Number.POSITIVE_INFINITY): void {
    const { fed } = this.#feed
    const next = this.home.applied.slice(fed, fed + groups)
    this.#feed.fed += next.length
    if (next.length > 0) this.observer.receive(groupFrame(...next))
  }

  /** The observer is fed by the home, from where it is. */
  follow(): void {
    this.observer.connected()
    assert.ok(this.observer.takeFrame() !== undefined)
    const { zxid } = this.observer
    this.#feed.fed = this.home.applied.findIndex(({ first }) => first > zxid)
    if (this.#feed.fed === -1) this.#feed.fed = this.home.applied.length
    this.observer.receive(CONTINUE)
    this.feed()
    this.observer.receive(LIVE)
  }

  /** Everything arrives, the feed first, until nothing is on its way; the observer gets there too if it is fed. */
  run(): void {
    for (;;) {
      this.flush()
      if (this.observer.live) this.feed()
      if (this.#wire!.frames.length === 0) return
      this.hear()
    }
  }

  /** Makes the session read here. */
  seat(): void {
    if (!this.core.wantsObserver) this.read('exists', '/')
    this.run()
    if (!this.observer.live) this.follow()
    this.run()
    this.core.sit(this.observer)
    assert.ok(this.core.seated, 'seated')
    this.story()
    this.sent.length = 0
  }

  read(kind: ReadRequest['kind'], at: string, watches = false): void {
    const request: ReadRequest = { kind, path: path(at), watch: watches }
    const told = watches ? () => {} : undefined
    this.core.submit(new Call<unknown>(request, reply => showReply(kind, at, reply), told))
  }

  /** What a get is answered with, here and now. */
  readData(at: string): Buffer {
    const call = new Call({ kind: 'get', path: path(at), watch: false }, getAnswer)
    this.core.submit(call)
    return call.result().data
  }

  write(request: WriteRequest): void {
    const at = 'path' in request ? request.path : ''
    this.core.submit(new Call<unknown>(request, reply => showReply(request.kind, at, reply)))
  }

  /** Another session's write is done. */
  otherWrites(...requests: readonly WriteRequest[]): void {
    for (const request of requests) this.other.write(request)
    this.home.settle()
  }

  /** What the session was told since the last call, in order and in words. */
  story(): string[] {
    const words: string[] = []
    for (let next = this.core.takeDelivery(); next; next = this.core.takeDelivery()) {
      if (next.kind === 'state') words.push(next.state)
      else if (next.kind === 'firing') words.push(`${next.event.type} ${next.event.path}`)
      else words.push(endOf(next))
    }
    return words
  }
}

function endOf(call: Call<unknown>): string {
  try {
    return String(call.result())
  } catch (error) {
    const at = 'path' in call.request ? ` ${call.request.path}` : ''
    return `${call.request.kind}${at}: ${(error as { code: string }).code}`
  }
}

function showReply(kind: string, at: string, { code, data, names }: Reply): string {
  if (code !== undefined) return `${kind} ${at}: ${code}`
  if (data !== undefined) return `${kind} ${at} = ${Buffer.from(data).toString()}`
  return names === undefined ? `${kind} ${at}`.trim() : `${kind} ${at} = ${[...names].sort()}`
}

function wordOf(message: ClientMessage): string {
  if (message.kind === 'setWatches') {
    const { since, data, exist, child } = message
    return `setWatches ${counterOf(since)}: ${[data, exist, child].join(' | ')}`
  }
  if (message.kind !== 'read' && message.kind !== 'write') return message.kind
  const { request } = message
  return 'path' in request ? `${request.kind} ${request.path}` : request.kind
}
