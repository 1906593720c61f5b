/**
 * The faults set on the links between peers, and which links need a successor: one that has lost a frame carries no
 * other any more, since a port is first in, first out or nothing.
 */

import type { LinkFault } from '../base/ports.ts'
import type { Sid } from '../base/zxid.ts'

/** One direction of a link. */
export interface Way {
  readonly from: Sid
  readonly to: Sid
}

export interface Delay {
  readonly delayMs: number
  readonly jitterMs: number
}

function keyOf({ from, to }: Way): number {
  return from * 256 + to
}

function bothWays(one: Sid, other: Sid): Way[] {
  return [
    { from: one, to: other },
    { from: other, to: one },
  ]
}

export class Disturbance {
  readonly #cuts = new Map<number, Way>()
  readonly #delays = new Map<number, Way & Delay>()
  /** Links that have lost frames or were not made, by the way from the smaller server id to the larger. */
  readonly #broken = new Map<number, Way>()

  cut(way: Way): void {
    this.#cuts.set(keyOf(way), way)
    this.#break(way)
  }

  delay(way: Way, delay: Delay): void {
    if (delay.delayMs === 0 && delay.jitterMs === 0) this.#delays.delete(keyOf(way))
    else this.#delays.set(keyOf(way), { ...way, ...delay })
  }

  /** What is done to the frames that this peer sends. */
  faultsOf(from: Sid): LinkFault[] {
    const faults = new Map<Sid, LinkFault>()
    for (const { to, delayMs, jitterMs } of this.#of(this.#delays, from)) {
      faults.set(to, { to, cut: false, delayMs, jitterMs })
    }
    for (const { to } of this.#of(this.#cuts, from)) {
      faults.set(to, { to, cut: true, delayMs: 0, jitterMs: 0 })
    }
    return [...faults.values()]
  }

  /** Whether a new link between the two may be made: over one that carries nothing either way they would not meet. */
  mayMeet(one: Sid, other: Sid): boolean {
    return !bothWays(one, other).every(way => this.#cuts.has(keyOf(way)))
  }

  /** A new link between the two was made. */
  linked(one: Sid, other: Sid): void {
    const ways = bothWays(one, other)
    for (const way of ways) this.#broken.delete(keyOf(way))
    if (ways.some(way => this.#cuts.has(keyOf(way)))) this.#break(ways[0]!)
  }

  /** Takes all faults away, or those on the links of one peer, and tells which links need a successor. */
  heal(sid?: Sid): Way[] {
    const concerns = (way: Way): boolean => sid === undefined || way.from === sid || way.to === sid
    for (const faults of [this.#cuts, this.#delays]) {
      for (const [key, way] of faults) if (concerns(way)) faults.delete(key)
    }
    return [...this.#broken.values()].filter(concerns)
  }

  #break({ from, to }: Way): void {
    const way = from < to ? { from, to } : { from: to, to: from }
    this.#broken.set(keyOf(way), way)
  }

  #of<W extends Way>(faults: ReadonlyMap<number, W>, from: Sid): W[] {
    return [...faults.values()].filter(way => way.from === from)
  }
}
