/**
 * A client's connection to its home peer, or the feed of its observer: two ports, first in first out, with the news of
 * a closing port in line.
 */

import type { Prng } from '../support/prng.ts'
import type { ClientPort, SimPeer } from './peer.ts'
import type { World } from './world.ts'

export interface ConnectionListener {
  /** `jumps`: how often the peer's tree had jumped when it sent this. */
  onFrame(connection: Connection, frame: Uint8Array, jumps: number): void
  onClosed(connection: Connection): void
}

export class Connection implements ClientPort {
  readonly kind: ClientPort['kind']
  readonly peer: SimPeer
  readonly #world: World
  readonly #prng: Prng
  readonly #listener: ConnectionListener
  /** The life of the peer that this connection is with. */
  readonly #life: number
  /** The peer's number for it, once the peer has heard of it. */
  #number: number | undefined
  #toPeerAfter = 0
  #toClientAfter = 0

  constructor(
    kind: ClientPort['kind'],
    world: World,
    prng: Prng,
    peer: SimPeer,
    listener: ConnectionListener,
  ) {
    this.kind = kind
    this.#world = world
    this.#prng = prng
    this.peer = peer
    this.#listener = listener
    this.#life = peer.life
    this.#toPeer(() => {
      if (this.#isThere) this.#number = peer.connect(this)
      else this.closed()
    })
  }

  /** From the client. */
  send(frame: Uint8Array): void {
    this.#toPeer(() => {
      if (this.#isThere && this.#number !== undefined) this.peer.receive(this.#number, frame)
    })
  }

  /** From the client: nothing more is heard of it. */
  close(): void {
    this.#toPeer(() => {
      if (this.#isThere && this.#number !== undefined) this.peer.disconnect(this.#number)
    })
  }

  /** From the peer. */
  receive(frame: Uint8Array): void {
    const { jumps } = this.peer
    this.#toClient(() => this.#listener.onFrame(this, frame, jumps))
  }

  /** From the peer, or its death. */
  closed(): void {
    this.#toClient(() => this.#listener.onClosed(this))
  }

  get #isThere(): boolean {
    return this.peer.alive && this.peer.life === this.#life
  }

  #toPeer(arrive: () => void): void {
    this.#toPeerAfter = Math.max(this.#arrival(), this.#toPeerAfter)
    this.#world.agenda.at(this.#toPeerAfter, arrive)
  }

  #toClient(arrive: () => void): void {
    const { agenda } = this.#world
    const late =
      this.kind === 'observe' ? agenda.now + this.#world.feedUs(this.#prng) : this.#arrival()
    this.#toClientAfter = Math.max(late, this.#toClientAfter)
    agenda.at(this.#toClientAfter, arrive)
  }

  #arrival(): number {
    return this.#world.agenda.now + this.#world.linkUs(this.#prng)
  }
}
