/**
 * Does harm: now and then a fault of those the seed has switched on, undone later. Any number may lie over each other.
 * Faults are numbered, and each draws from a generator of its own; when they strike is drawn from one generator, also
 * for those that are left out. So a run with fewer faults is as like the first run as can be.
 */

import type { TurnOutput } from '../../lib/peer/core-turn.ts'
import type { Prng } from '../support/prng.ts'
import { DISK_FAULTS } from './disk-faults.ts'
import { type FaultClass, TICK_US, within } from './knobs.ts'
import { LINK_FAULTS } from './link-faults.ts'
import type { SimPeer } from './peer.ts'
import { PEER_FAULTS } from './peer-faults.ts'
import { type Inflict, Strike, type Trap, type Victims } from './strike.ts'
import type { World } from './world.ts'

export interface StruckFault {
  /** 1 is the first of the run; those that were left out or hit nobody are counted. */
  readonly ordinal: number
  readonly fault: FaultClass
  readonly atTick: number
  readonly detail: string
}

const FAULTS: Readonly<Record<FaultClass, Inflict>> = {
  ...LINK_FAULTS,
  ...PEER_FAULTS,
  ...DISK_FAULTS,
}

export class Nemesis {
  readonly #world: World
  /** For the times between faults only. */
  readonly #prng: Prng
  readonly #victims: Victims
  readonly #struck: StruckFault[] = []
  readonly #traps = new Set<Trap>()
  #ordinal = 0
  #active = true

  constructor(world: World, prng: Prng, victims: Victims) {
    this.#world = world
    this.#prng = prng
    this.#victims = victims
  }

  /** The faults that hit somebody, in order. */
  get struck(): readonly StruckFault[] {
    return this.#struck
  }

  start(): void {
    if (this.#world.knobs.faults.length > 0) this.#plan()
  }

  /** A peer has had a turn, or starts: what lies in wait for it may spring. */
  watch(peer: SimPeer, output: TurnOutput | undefined): void {
    for (const trap of this.#traps) {
      const isOver = trap.until < this.#world.agenda.now
      if (isOver || trap.springs(peer, output)) this.#traps.delete(trap)
    }
  }

  /** Stops. What was done is for others to make good, or not. */
  relent(): void {
    this.#active = false
    this.#traps.clear()
  }

  #plan(): void {
    const { agenda, knobs, skippedFaults } = this.#world
    const ticks = within(this.#prng, knobs.faultEveryTicks)
    const lulls = this.#prng.chance(knobs.lull)
    const lull = within(this.#prng, knobs.lullTicks)
    agenda.after((ticks + (lulls ? lull : 0)) * TICK_US, () => {
      if (!this.#active) return
      const ordinal = ++this.#ordinal
      if (!skippedFaults.has(ordinal)) this.#strike(ordinal)
      this.#plan()
    })
  }

  #strike(ordinal: number): void {
    const { agenda, counters, knobs, trace } = this.#world
    const strike = new Strike(ordinal, this.#world, this.#victims, () => !this.#active, this.#traps)
    const fault = strike.prng.pick(knobs.faults)
    const detail = FAULTS[fault](strike)
    if (detail === undefined) return
    const atTick = Math.floor(agenda.now / TICK_US)
    this.#struck.push({ ordinal, fault, atTick, detail })
    counters.add(`fault: ${fault}`)
    if (trace.on) trace.line('!!', `fault ${ordinal}: ${fault} ${detail}`)
  }
}
