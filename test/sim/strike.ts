/**
 * One fault as it strikes: its number, the generator that all its choices come from, and what can be hit. Another fault
 * more or less changes nothing of what this one draws.
 */

import type { Sid } from '../../lib/base/zxid.ts'
import type { TurnOutput } from '../../lib/peer/core-turn.ts'
import type { Prng } from '../support/prng.ts'
import type { Atlas } from './atlas.ts'
import type { SimClient } from './client.ts'
import { stream, TICK_US, within } from './knobs.ts'
import type { SimNet } from './net.ts'
import type { SimPeer } from './peer.ts'
import type { World } from './world.ts'

/** Far from the numbers of the other streams. */
const FIRST_STREAM = 1_000_000

export interface Victims {
  readonly peers: readonly SimPeer[]
  readonly net: SimNet
  readonly atlas: Atlas
  clients(): readonly SimClient[]
}

/** Does harm; returns whom it hit and how, or undefined when there was nobody to hit. */
export type Inflict = (strike: Strike) => string | undefined

/** Waits for the right moment; returns whether it came with this turn of a peer. No output: the peer starts. */
export interface Trap {
  readonly until: number
  springs(peer: SimPeer, output: TurnOutput | undefined): boolean
}

export class Strike {
  readonly ordinal: number
  readonly prng: Prng
  readonly world: World
  readonly peers: readonly SimPeer[]
  readonly net: SimNet
  readonly atlas: Atlas
  readonly clients: readonly SimClient[]
  readonly #isOver: () => boolean
  readonly #traps: Set<Trap>

  constructor(
    ordinal: number,
    world: World,
    victims: Victims,
    isOver: () => boolean,
    traps: Set<Trap>,
  ) {
    this.ordinal = ordinal
    this.prng = stream(world.seed, FIRST_STREAM + ordinal)
    this.world = world
    this.peers = victims.peers
    this.net = victims.net
    this.atlas = victims.atlas
    this.clients = victims.clients()
    this.#isOver = isOver
    this.#traps = traps
  }

  get living(): readonly SimPeer[] {
    return this.peers.filter(({ up }) => up)
  }

  /** When what is done now ends. */
  later(): number {
    const { agenda, knobs } = this.world
    return agenda.now + within(this.prng, knobs.faultLastsTicks) * TICK_US
  }

  /** Does something later, unless the time for faults is over by then. */
  afterwards(time: number, action: () => void): void {
    this.world.agenda.at(time, () => {
      if (!this.#isOver()) action()
    })
  }

  /** Lies in wait, until it springs or its time is over. */
  lay(trap: Trap): void {
    this.#traps.add(trap)
  }

  /** The leader, now and then: it is hit hardest by what hits it. */
  leader(): SimPeer | undefined {
    return this.prng.chance(0.4) ? this.peers.find(({ leading }) => leading) : undefined
  }

  /** One that lives. */
  anyPeer(): SimPeer | undefined {
    const leader = this.leader()
    const { living } = this
    const other = living.length === 0 ? undefined : this.prng.pick(living)
    return leader ?? other
  }

  anyClient(): SimClient | undefined {
    return this.clients.length === 0 ? undefined : this.prng.pick(this.clients)
  }

  /** The thread dies, and is started again later. A write that is under way is on disk if it `survives`. */
  crash(peer: SimPeer, survives = this.prng.chance(this.world.knobs.survival)): void {
    const { knobs, trace } = this.world
    const noticed = !this.prng.chance(knobs.silence)
    const until = this.later()
    peer.crash(survives)
    this.net.died(peer.sid, noticed)
    if (trace.on) trace.line(`P${peer.sid}`, noticed ? 'dies' : 'dies unnoticed')
    const { life } = peer
    this.afterwards(until, () => {
      if (!peer.up && peer.life === life) peer.start()
    })
  }

  peer(sid: Sid): SimPeer {
    return this.peers.find(peer => peer.sid === sid)!
  }

  /** All pairs of peers, in both orders. */
  pairs(): readonly (readonly [Sid, Sid])[] {
    const sids = this.peers.map(({ sid }) => sid)
    return sids.flatMap(from => sids.filter(to => to !== from).map(to => [from, to] as const))
  }
}
