/**
 * Does harm: now and then a fault of those the seed has switched on, undone later. Any number may lie over each other.
 * Faults are numbered, and each draws from a generator of its own; when they strike is drawn from one generator, also
 * for those that are left out. So a run with fewer faults is as like the first run as can be.
 */

import type { Prng } from '../support/prng.ts'
import { type FaultClass, TICK_US, within } from './knobs.ts'
import { LINK_FAULTS } from './link-faults.ts'
import { PEER_FAULTS } from './peer-faults.ts'
import { type Inflict, Strike, type Victims } from './strike.ts'
import type { World } from './world.ts'

export interface StruckFault {
  /** 1 is the first of the run; those that were left out or hit nobody are counted. */
  readonly ordinal: number
  readonly fault: FaultClass
  readonly atTick: number
  readonly detail: string
}

const FAULTS: Readonly<Record<FaultClass, Inflict>> = { ...LINK_FAULTS, ...PEER_FAULTS }

export class Nemesis {
  readonly #world: World
  /** For the times between faults only. */
  readonly #prng: Prng
  readonly #victims: Victims
  readonly #struck: StruckFault[] = []
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

  /** Stops, and makes good all that was done. */
  relent(): void {
    this.#active = false
    this.#world.calm()
    const { peers, net } = this.#victims
    for (const peer of peers) {
      if (!peer.alive) peer.start()
      peer.resume()
      peer.disk.stall(0)
    }
    net.heal()
  }

  #plan(): void {
    const { agenda, knobs, skippedFaults } = this.#world
    agenda.after(within(this.#prng, knobs.faultEveryTicks) * TICK_US, () => {
      if (!this.#active) return
      const ordinal = ++this.#ordinal
      if (!skippedFaults.has(ordinal)) this.#strike(ordinal)
      this.#plan()
    })
  }

  #strike(ordinal: number): void {
    const { agenda, counters, knobs, trace } = this.#world
    const strike = new Strike(ordinal, this.#world, this.#victims, () => !this.#active)
    const fault = strike.prng.pick(knobs.faults)
    const detail = FAULTS[fault](strike)
    if (detail === undefined) return
    const atTick = Math.floor(agenda.now / TICK_US)
    this.#struck.push({ ordinal, fault, atTick, detail })
    counters.add(`fault: ${fault}`)
    if (trace.on) trace.line('!!', `fault ${ordinal}: ${fault} ${detail}`)
  }
}
