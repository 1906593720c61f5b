/**
 * The local observer of one client's thread in the model world: the core that the thread's driver runs, fed by the
 * client's home over a connection of its own, which may be slower or faster than the client's.
 */

import { ByteReader } from '../../lib/base/bytes.ts'
import { decodePeerMessage } from '../../lib/base/reply.ts'
import type { ClientCore } from '../../lib/client/core.ts'
import type { AnyCall } from '../../lib/client/core-call.ts'
import { Observer } from '../../lib/replica/observer.ts'
import type { Prng } from '../support/prng.ts'
import { Connection, type ConnectionListener } from './connection.ts'
import { shortZxid } from './describe.ts'
import type { SimPeer } from './peer.ts'
import { holds } from './violation.ts'
import type { World } from './world.ts'

/** The client, as its observer sees it. */
export interface Observing {
  /** Runs `work` when the thread is not standing still. */
  whenAwake(work: () => void): void
  /** Runs `work`, whose failure is a finding. */
  guard(work: () => void): void
  /** The observer has taken something in, or lost its feed. */
  observed(): void
}

export class SimObserver implements ConnectionListener {
  readonly core: Observer
  readonly #world: World
  readonly #prng: Prng
  readonly #thread: Observing
  #connection: Connection | undefined
  /** The client takes in what its home sent, and sat when that came. */
  #hears = false

  constructor(world: World, prng: Prng, thread: Observing) {
    this.core = new Observer(world.knobs.feedWindowBytes)
    this.#world = world
    this.#prng = prng
    this.#thread = thread
  }

  get peer(): SimPeer | undefined {
    return this.#connection?.peer
  }

  /** Reads are answered by the observer once that is level with the home. `watches`: how many the client holds. */
  seat(client: ClientCore, home: SimPeer, watches: number): void {
    if (!client.wantsObserver) return
    this.#follow(home)
    this.#thread.guard(() => client.sit(this.core))
    if (!client.seated) return
    this.#world.counters.add('seats taken')
    if (watches > 0) this.#world.counters.add('seats taken with watches')
  }

  /** The client is about to ask something. */
  asks(client: ClientCore, { watcher }: AnyCall): void {
    if (watcher === undefined || !client.seated || client.pending === 0) return
    this.#world.counters.add('watched reads that waited')
  }

  /** The client is about to take in what its home has sent. */
  hears(client: ClientCore, frame: Uint8Array): void {
    this.#hears = client.seated
    if (!client.seated) return
    const from = new ByteReader(frame)
    while (!from.done) {
      const message = decodePeerMessage(from)
      if (message.kind !== 'reply' || message.reply.zxid <= this.core.zxid) continue
      this.#world.counters.add('answers that waited for the observer')
    }
  }

  /** It has, and told its functions of what was due. */
  heard(): void {
    this.#hears = false
  }

  /** A function of the client is told of a change: the observer knew before, if it is due by an answer. */
  fires(): void {
    if (this.#hears) this.#world.counters.add('events that waited for answers')
  }

  #follow(home: SimPeer): void {
    if (this.peer === home) return
    this.close()
    this.#world.counters.add('feeds opened')
    this.#connection = new Connection('observe', this.#world, this.#prng, home, this)
    this.core.connected()
    this.#flush()
  }

  close(): void {
    if (this.#connection === undefined) return
    this.#connection.close()
    this.#connection = undefined
    this.core.disconnected()
  }

  onFrame(connection: Connection, frame: Uint8Array): void {
    this.#thread.whenAwake(() => {
      if (connection !== this.#connection) return
      const { tree, live } = this.core
      this.#thread.guard(() => this.core.receive(frame))
      if (this.core.tree !== tree) this.#world.counters.add('snapshots fed')
      if (live && !this.core.live) this.#world.counters.add('observers left behind')
      this.#check(connection.peer)
      this.#flush()
      this.#thread.observed()
    })
  }

  onClosed(connection: Connection): void {
    this.#thread.whenAwake(() => {
      if (connection !== this.#connection) return
      this.close()
      this.#thread.observed()
    })
  }

  /** The same transactions make the same tree. */
  #check({ alive, tree }: SimPeer): void {
    const own = this.core.tree
    if (!alive || tree === undefined || tree.zxid !== own.zxid) return
    holds(tree.digest === own.digest, 'DigestEquality', () => {
      return `an observer differs from its peer at ${shortZxid(own.zxid)}`
    })
  }

  #flush(): void {
    const frame = this.core.takeFrame()
    if (frame !== undefined) this.#connection?.send(frame)
  }
}
