/**
 * Does harm: draws a fault from those the seed has switched on, now and then, and undoes it later. Any number may lie
 * over each other. The one thing it spares is what no quorum could survive: the data of a majority.
 */

import type { Sid } from '../../lib/base/zxid.ts'
import type { Prng } from '../support/prng.ts'
import type { SimClient } from './client.ts'
import { DiskImage } from './disk-image.ts'
import { type FaultClass, TICK_US, within } from './knobs.ts'
import type { SimNet } from './net.ts'
import type { SimPeer } from './peer.ts'
import type { World } from './world.ts'

export interface Victims {
  readonly peers: readonly SimPeer[]
  readonly net: SimNet
  clients(): readonly SimClient[]
}

export class Nemesis {
  readonly #world: World
  readonly #prng: Prng
  readonly #victims: Victims
  #active = true

  constructor(world: World, prng: Prng, victims: Victims) {
    this.#world = world
    this.#prng = prng
    this.#victims = victims
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
    const { agenda, knobs } = this.#world
    agenda.after(within(this.#prng, knobs.faultEveryTicks) * TICK_US, () => {
      if (!this.#active) return
      this.#strike(this.#prng.pick(knobs.faults))
      this.#plan()
    })
  }

  #strike(fault: FaultClass): void {
    const { counters, trace } = this.#world
    if (!this.#inflict(fault)) return
    counters.add(`fault: ${fault}`)
    if (trace.on) trace.line('!!', fault)
  }

  /** Returns false when there is nobody to inflict it on. */
  #inflict(fault: FaultClass): boolean {
    switch (fault) {
      case 'crash':
        return this.#onPeer(peer => this.#crash(peer))
      case 'crashAll':
        for (const peer of this.#living()) this.#crash(peer)
        return true
      case 'pause':
        return this.#onPeer(peer => peer.pause(this.#later()))
      case 'diskStall':
        return this.#onPeer(({ disk }) => disk.stall(this.#later()))
      case 'damage':
      case 'wipe':
        return this.#ruin(fault)
      case 'clockJump':
        this.#world.jumpClock(this.#prng.between(-100_000, 100_000))
        return true
      case 'clientMoves':
        return this.#onClient(client => client.move())
      case 'clientDies':
        return this.#onClient(client => client.die())
      case 'clientStalls':
        return this.#onClient(client => client.stall(this.#later()))
      default:
        return this.#disturb(fault)
    }
  }

  /** Faults of the links. */
  #disturb(fault: 'isolate' | 'oneWayCut' | 'split' | 'ring' | 'clog' | 'rewire'): boolean {
    const prng = this.#prng
    const sids = this.#victims.peers.map(({ sid }) => sid)
    if (sids.length < 2) return false
    const leader = this.#leader()?.sid
    const [first, second] = prng.shuffle(sids) as [Sid, Sid]
    const a = leader ?? first
    const b = a === second ? first : second
    switch (fault) {
      case 'isolate':
        this.#cutWhere((from, to) => from === a || to === a)
        return true
      case 'oneWayCut':
        if (prng.chance(0.5)) this.#cutWhere((from, to) => from === a && to === b)
        else this.#cutWhere(from => from === a)
        return true
      case 'split': {
        const side = new Set(sids.filter(() => prng.chance(0.5)))
        this.#cutWhere((from, to) => side.has(from) !== side.has(to))
        return true
      }
      case 'ring':
        // Everybody sees a majority, and nobody the same one.
        this.#cutWhere(
          (from, to) => Math.abs(from - to) > 1 && Math.abs(from - to) < sids.length - 1,
        )
        return true
      case 'clog':
        for (const [from, to] of this.#pairs()) {
          if (prng.chance(0.3)) this.#victims.net.clog(from, to, this.#later())
        }
        return true
      case 'rewire':
        if (this.#living().length < sids.length) return false
        this.#victims.net.replace(a, b)
        return true
    }
  }

  #crash(peer: SimPeer): void {
    const { knobs, trace } = this.#world
    const share = this.#prng.chance(knobs.survival) ? this.#prng.unit() * 1.2 : 0
    const noticed = !this.#prng.chance(knobs.silence)
    peer.crash(Math.min(share, 1))
    this.#victims.net.died(peer.sid, noticed)
    if (trace.on) trace.line(`P${peer.sid}`, noticed ? 'dies' : 'dies unnoticed')
    const { life } = peer
    this.#world.agenda.at(this.#later(), () => {
      if (this.#active && !peer.alive && peer.life === life) peer.start()
    })
  }

  /** Takes the data of a voter or observer, or a part; others must be able to form a quorum without it. */
  #ruin(fault: 'damage' | 'wipe'): boolean {
    const { peers } = this.#victims
    const { voters } = this.#world.knobs
    return this.#onPeer(peer => {
      const sound = peers.filter(other => other !== peer && other.voter && other.trusted)
      if (sound.length * 2 <= voters) return false
      this.#crash(peer)
      peer.ruin(fault === 'wipe' ? new DiskImage() : this.#cutShort(peer.disk.safe.copy()))
      return true
    })
  }

  /** A log with a hole is good up to the hole. */
  #cutShort(image: DiskImage): DiskImage {
    const snapshotted = image.newest?.head.point.zxid ?? image.logStart.zxid
    const first = image.indexAfter(snapshotted)
    image.groups.length = this.#prng.between(first, image.groups.length)
    return image
  }

  #cutWhere(lost: (from: Sid, to: Sid) => boolean): void {
    const { net } = this.#victims
    const cuts = this.#pairs().filter(([from, to]) => lost(from, to))
    const abruptly = this.#prng.chance(0.5)
    for (const [from, to] of cuts) net.cut(from, to, abruptly)
    this.#world.agenda.at(this.#later(), () => {
      if (!this.#active) return
      for (const [from, to] of cuts) {
        const whole = this.#peer(from).alive && this.#peer(to).alive
        if (from < to || !cuts.some(([a, b]) => a === to && b === from)) {
          if (whole) net.replace(from, to)
        }
      }
    })
  }

  #pairs(): [Sid, Sid][] {
    const sids = this.#victims.peers.map(({ sid }) => sid)
    return sids.flatMap(from => sids.filter(to => to !== from).map((to): [Sid, Sid] => [from, to]))
  }

  #peer(sid: Sid): SimPeer {
    return this.#victims.peers.find(peer => peer.sid === sid)!
  }

  #living(): SimPeer[] {
    return this.#victims.peers.filter(({ alive }) => alive)
  }

  #onPeer(inflict: (peer: SimPeer) => unknown): boolean {
    const living = this.#living()
    if (living.length === 0) return false
    return inflict(this.#leader() ?? this.#prng.pick(living)) !== false
  }

  /** The leader, now and then: it is hit hardest by what hits it. */
  #leader(): SimPeer | undefined {
    return this.#prng.chance(0.4) ? this.#victims.peers.find(({ leading }) => leading) : undefined
  }

  #onClient(inflict: (client: SimClient) => void): boolean {
    const clients = this.#victims.clients()
    if (clients.length === 0) return false
    inflict(this.#prng.pick(clients))
    return true
  }

  #later(): number {
    const { agenda, knobs } = this.#world
    return agenda.now + within(this.#prng, knobs.faultLastsTicks) * TICK_US
  }
}
