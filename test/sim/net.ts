/**
 * The links between peers: each a pair of ports, first in first out. What a fault takes away is always everything from
 * some moment on, until the link is replaced by a new one, which both ends see as down and then up.
 */

import type { Sid } from '../../lib/base/zxid.ts'
import type { PeerInput } from '../../lib/peer/core-turn.ts'
import type { Prng } from '../support/prng.ts'
import type { World } from './world.ts'

/** Longest time from a link's replacement, or a peer's death, until an end hears of it. */
const NOTICE_US = 5_000

/** On its way to an end; without a frame it is the news that the other end's port closed. */
interface Parcel {
  readonly generation: number
  readonly due: number
  readonly frame: Uint8Array | undefined
}

/** One end of a link. */
interface End {
  readonly sid: Sid
  readonly otherSid: Sid
  /** The port this end has in hand; a link that is replaced has a new one for each end. */
  generation: number
  up: boolean
  queue: Parcel[]
  lastDue: number
  /** Parcels are lost that are sent to ports up to this generation. */
  deafUpTo: number
  /** Parcels wait until then. */
  heldUntil: number
  /** When parcels are looked after next. */
  pumpAt: number
  readonly pump: () => void
}

interface Link {
  readonly ends: readonly [End, End]
  generation: number
}

export interface NetHost {
  isAlive(sid: Sid): boolean
  deliver(sid: Sid, input: PeerInput): void
}

export class SimNet {
  readonly #world: World
  readonly #prng: Prng
  readonly #host: NetHost
  readonly #links: Link[] = []
  /** By the sids of its ends, in either order. */
  readonly #byEnds = new Map<number, Link>()

  constructor(world: World, prng: Prng, sids: readonly Sid[], host: NetHost) {
    this.#world = world
    this.#prng = prng
    this.#host = host
    sids.forEach((a, at) => {
      for (const b of sids.slice(at + 1)) {
        const link: Link = { ends: [this.#makeEnd(a, b), this.#makeEnd(b, a)], generation: 0 }
        this.#links.push(link)
        this.#byEnds.set(key(a, b), link)
        this.#byEnds.set(key(b, a), link)
      }
    })
  }

  send(from: Sid, to: Sid, frame: Uint8Array): void {
    const link = this.#link(from, to)
    const near = endAt(link, from)
    const far = endAt(link, to)
    if (!near.up || near.generation <= far.deafUpTo) return
    this.#post(far, near.generation, this.#world.linkUs(this.#prng), frame)
  }

  /** From now on frames from one to the other are lost; with `abruptly`, those under way as well. */
  cut(from: Sid, to: Sid, abruptly: boolean): void {
    const link = this.#link(from, to)
    const far = endAt(link, to)
    far.deafUpTo = Math.max(far.deafUpTo, link.generation)
    if (abruptly) far.queue = []
  }

  /** Nothing passes between these two any more, whatever link they get. */
  sever(a: Sid, b: Sid): void {
    for (const end of this.#link(a, b).ends) {
      end.deafUpTo = Number.POSITIVE_INFINITY
      end.queue = []
    }
  }

  /** Holds back frames from one to the other until `time`; none are lost. */
  clog(from: Sid, to: Sid, time: number): void {
    const end = endAt(this.#link(from, to), to)
    end.heldUntil = Math.max(end.heldUntil, time)
  }

  /** New ports for a pair of peers: each hears of it in its own time. */
  replace(a: Sid, b: Sid): void {
    const link = this.#link(a, b)
    const generation = ++link.generation
    for (const end of link.ends) {
      end.heldUntil = 0
      const noticed = this.#world.agenda.now + this.#prng.between(0, NOTICE_US)
      // What the other end sends through the new port waits in it.
      end.lastDue = noticed
      this.#world.agenda.at(noticed, () => {
        if (link.generation === generation) this.#connect(end, generation)
      })
    }
  }

  /** Replaces every link that does not carry both ways, unless it is severed. */
  heal(): void {
    for (const { ends, generation } of this.#links) {
      const broken = ends.some(end => !end.up || end.deafUpTo >= generation)
      for (const end of ends) {
        end.heldUntil = 0
        this.#pump(end)
      }
      if (broken) this.replace(ends[0].sid, ends[1].sid)
    }
  }

  /** A peer starts: gets a new link to every other that lives. */
  started(sid: Sid): void {
    for (const { ends } of this.#links) {
      const [a, b] = ends
      if (a.sid !== sid && b.sid !== sid) continue
      if (this.#host.isAlive(a.sid) && this.#host.isAlive(b.sid)) this.replace(a.sid, b.sid)
    }
  }

  /** A peer died. What it had sent still arrives; whether others see its ports close is `noticed`. */
  died(sid: Sid, noticed: boolean): void {
    for (const link of this.#links) {
      const dead = link.ends.find(end => end.sid === sid)
      const other = link.ends.find(end => end.otherSid === sid)
      if (dead === undefined || other === undefined) continue
      dead.up = false
      dead.queue = []
      if (!noticed) continue
      this.#post(other, other.generation, this.#prng.between(0, NOTICE_US), undefined)
    }
  }

  #post(to: End, generation: number, delay: number, frame: Uint8Array | undefined): void {
    const due = Math.max(this.#world.agenda.now + delay, to.lastDue)
    to.lastDue = due
    to.queue.push({ generation, due, frame })
    if (this.#world.mutation.overtake) this.#overtake(to)
    this.#planPump(to, due)
  }

  /** A mutation: two frames on the same way change places. */
  #overtake({ queue }: End): void {
    const [before, last] = queue.slice(-2)
    if (before?.frame === undefined || last?.frame === undefined) return
    if (before.generation !== last.generation || !this.#prng.chance(0.05)) return
    queue.splice(-2, 2, { ...last, due: before.due }, { ...before, due: last.due })
  }

  /** Parcels are due in the order they stand in: one plan for an end is enough. */
  #planPump(end: End, time: number): void {
    if (end.pumpAt <= time) return
    end.pumpAt = time
    this.#world.agenda.at(time, end.pump)
  }

  /** Hands over what is due, in order. */
  #pump(end: End): void {
    const { now } = this.#world.agenda
    end.pumpAt = Number.POSITIVE_INFINITY
    if (end.heldUntil > now) return this.#planPump(end, end.heldUntil)
    for (;;) {
      const parcel = end.queue[0]
      if (parcel === undefined) return
      if (parcel.due > now) return this.#planPump(end, parcel.due)
      end.queue.shift()
      if (!end.up || parcel.generation !== end.generation) continue
      if (parcel.frame === undefined) this.#disconnect(end)
      else {
        const { frame } = parcel
        this.#host.deliver(end.sid, { kind: 'peerFrame', from: end.otherSid, frame })
      }
    }
  }

  #connect(end: End, generation: number): void {
    this.#disconnect(end)
    if (!this.#host.isAlive(end.sid)) return
    end.queue = end.queue.filter(parcel => parcel.generation === generation)
    end.generation = generation
    end.up = true
    this.#host.deliver(end.sid, { kind: 'linkUp', sid: end.otherSid })
  }

  #disconnect(end: End): void {
    if (!end.up) return
    end.up = false
    this.#host.deliver(end.sid, { kind: 'linkDown', sid: end.otherSid })
  }

  #link(a: Sid, b: Sid): Link {
    return this.#byEnds.get(key(a, b))!
  }

  #makeEnd(sid: Sid, otherSid: Sid): End {
    const end: End = {
      sid,
      otherSid,
      generation: 0,
      up: false,
      queue: [],
      lastDue: 0,
      deafUpTo: -1,
      heldUntil: 0,
      pumpAt: Number.POSITIVE_INFINITY,
      pump: () => this.#pump(end),
    }
    return end
  }
}

function key(a: Sid, b: Sid): number {
  return a * 256 + b
}

function endAt({ ends }: Link, sid: Sid): End {
  return ends[0].sid === sid ? ends[0] : ends[1]
}
