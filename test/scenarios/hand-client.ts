/** A client of a hand-driven ensemble: its core, its connection, and the story of what it was told, in order. */

import type { ErrorCode } from '../../lib/base/errors.ts'
import type { Reply, WatchEvent } from '../../lib/base/reply.ts'
import type { ReadRequest, WriteRequest } from '../../lib/base/request.ts'
import { ClientCore } from '../../lib/client/core.ts'
import { Call } from '../../lib/client/core-call.ts'
import type { Watcher } from '../../lib/client/core-watches.ts'

export class HandCall extends Call<Reply> {
  reply: Reply | undefined
  failure: ErrorCode | undefined

  constructor(request: ReadRequest | WriteRequest, watcher: Watcher | undefined) {
    super(request, reply => reply, watcher)
  }

  override end(reply: Reply): void {
    super.end(reply)
    this.reply = reply
  }

  override fail(code: ErrorCode): void {
    super.fail(code)
    this.failure = code
  }
}

/** What a client is told, in the order in which it hears it. */
export type Told =
  | { readonly kind: 'answer'; readonly call: HandCall }
  | { readonly kind: 'event'; readonly call: HandCall; readonly event: WatchEvent }

/** Two ports; undefined is the news that the other end closed. */
export interface Connection {
  readonly client: HandClient
  readonly sid: number
  readonly number: number
  toPeer: (Uint8Array | undefined)[]
  toClient: (Uint8Array | undefined)[]
}

export class HandClient {
  readonly name: string
  readonly core: ClientCore
  readonly told: Told[] = []
  readonly calls: HandCall[] = []
  /** Where it would like to be at home. */
  readonly home: number
  connection: Connection | undefined
  dead = false

  constructor(name: string, home: number, timeoutMs: number) {
    this.name = name
    this.home = home
    this.core = new ClientCore({ timeoutMs, password: Buffer.from(name) })
  }

  ask(request: ReadRequest | WriteRequest): HandCall {
    const isWatching = 'watch' in request && request.watch
    const call: HandCall = new HandCall(
      request,
      isWatching ? event => this.told.push({ kind: 'event', call, event }) : undefined,
    )
    this.calls.push(call)
    this.core.submit(call)
    return call
  }

  /** Sends what there is to send, and hears what there is to hear. */
  pump(): void {
    for (;;) {
      const frame = this.connection === undefined ? undefined : this.core.takeFrame()
      if (frame === undefined) break
      this.connection?.toPeer.push(frame)
    }
    for (;;) {
      const delivery = this.core.takeDelivery()
      if (delivery === undefined) return
      if (delivery.kind === 'call') this.told.push({ kind: 'answer', call: delivery as HandCall })
      else if (delivery.kind === 'firing') delivery.watcher(delivery.event)
    }
  }

  /** The connection is gone, by whoever's doing. */
  hangUp(): void {
    this.connection = undefined
    if (this.core.linked) this.core.disconnected()
  }

  get unanswered(): readonly HandCall[] {
    return this.calls.filter(({ ended }) => !ended)
  }
}
