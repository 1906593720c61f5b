/**
 * Does an ensemble harm for a while, as chance has it: one to three faults at a time, which stay until most are healed
 * and the next ones come. Every fault is one that an ensemble must take.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Durability, Ensemble } from '../../lib/index.ts'
import type { Prng } from '../support/prng.ts'
import type { Counters } from './counters.ts'
import type { Host } from './host.ts'
import type { Watchtower } from './watchtower.ts'

export interface Battlefield {
  readonly ensemble: Ensemble
  readonly tower: Watchtower
  readonly host: Host
  readonly voters: readonly number[]
  readonly durability: Durability
  /** Time after which peers give each other up. */
  readonly syncMs: number
  readonly sessionTimeoutMs: number
}

type Deed = () => Promise<void> | void

export class Nemesis {
  readonly #field: Battlefield
  readonly #prng: Prng
  readonly #counters: Counters
  readonly #keptDown = new Set<number>()
  /** Faults that are being set. */
  readonly #underWay = new Set<Promise<void>>()
  readonly #deeds: readonly (readonly [weight: number, deed: Deed])[]

  constructor(field: Battlefield, prng: Prng, counters: Counters) {
    this.#field = field
    this.#prng = prng
    this.#counters = counters
    const { host } = field
    this.#deeds = [
      [5, () => this.#kill()],
      [1, () => this.#killAll()],
      [2, () => this.#killForGood()],
      [4, () => this.#pause(false)],
      [4, () => this.#pause(true)],
      [4, () => this.#isolate()],
      [4, () => this.#partition()],
      [3, () => this.#ring()],
      [5, () => this.#oneWay()],
      [4, () => this.#delay()],
      [2, () => this.#swizzle()],
      [1, () => host.block(prng.between(50, 2_000))],
      [1, () => host.saturatePool(prng.between(4, 30))],
      [1, () => host.litter(prng.between(50, 400))],
      [2, () => host.burden(prng.between(1, 6))],
    ]
  }

  /** Resolves when the time is over and everything that can be healed is. */
  async torment(ms: number): Promise<void> {
    const prng = this.#prng
    const until = performance.now() + ms
    while (performance.now() < until) {
      for (let faults = prng.between(1, 3); faults > 0; faults--) {
        await this.#choose()()
        await sleep(prng.between(0, 300))
      }
      const longest = prng.chance(0.3) ? 3 * this.#field.syncMs : this.#field.syncMs
      await sleep(Math.min(prng.between(50, longest), Math.max(0, until - performance.now())))
      if (prng.chance(0.7)) await this.#healSome()
    }
    await this.heal()
  }

  async heal(): Promise<void> {
    const { ensemble } = this.#field
    await ensemble.faults.heal()
    await Promise.all(this.#underWay)
    // Those that were set meanwhile.
    await ensemble.faults.heal()
    await Promise.all([...this.#keptDown].map(sid => ensemble.start(sid)))
    this.#keptDown.clear()
    this.#counters.count('heal: all')
  }

  async #healSome(): Promise<void> {
    if (this.#prng.chance(0.6)) return await this.heal()
    const sid = this.#anyone()
    await this.#field.ensemble.faults.heal(sid)
    this.#counters.count('heal: one peer')
  }

  #choose(): Deed {
    let at = this.#prng.unit() * this.#deeds.reduce((sum, [weight]) => sum + weight, 0)
    const found = this.#deeds.find(([weight]) => {
      at -= weight
      return at < 0
    })
    return found![1]
  }

  #anyone(): number {
    const { tower } = this.#field
    const { leader } = tower
    return leader !== undefined && this.#prng.chance(0.4) ? leader : this.#prng.pick(tower.sids)
  }

  /** Sets a fault and goes on: one that waits for a thread that stands still must not hold up the others. */
  #set(name: string, work: Promise<void>): void {
    this.#counters.count(name)
    const tracked = work.finally(() => this.#underWay.delete(tracked))
    this.#underWay.add(tracked)
  }

  /**
   * A peer in memory forgets what it promised. A majority must never have forgotten: it is spared unless all voters
   * serve.
   */
  async #mayKill(sid: number): Promise<boolean> {
    const { ensemble, durability, tower, voters } = this.#field
    if (!tower.isUp(sid)) return false
    if (durability !== 'memory' || !voters.includes(sid)) return true
    if (this.#underWay.size > 0) return false
    const { peers } = await ensemble.status()
    return peers.every(peer => peer.serving || peer.role === 'observer')
  }

  async #kill(): Promise<void> {
    const sid = this.#anyone()
    const wasLeading = this.#field.tower.leader === sid
    if (!(await this.#mayKill(sid))) return
    this.#set(wasLeading ? 'kill: leader' : 'kill: another', this.#field.ensemble.faults.kill(sid))
    if (this.#field.durability === 'memory' || !this.#prng.chance(0.2)) return
    // Once more, in its recovery.
    await sleep(this.#prng.between(20, 400))
    this.#set('kill: again soon', this.#field.ensemble.faults.kill(sid))
  }

  #killAll(): void {
    const { durability, ensemble, tower } = this.#field
    if (durability === 'memory') return
    for (const sid of tower.sids.filter(each => tower.isUp(each))) {
      this.#set('kill: of all at once', ensemble.faults.kill(sid))
    }
  }

  async #killForGood(): Promise<void> {
    const sid = this.#anyone()
    if (!(await this.#mayKill(sid))) return
    this.#keptDown.add(sid)
    this.#set('kill: stays down', this.#field.ensemble.kill(sid))
  }

  #pause(busy: boolean): void {
    const { tower, ensemble, syncMs, sessionTimeoutMs } = this.#field
    const sid = this.#anyone()
    if (!tower.isUp(sid)) return
    const prng = this.#prng
    const [length, ms] = prng.pick([
      ['short', prng.between(5, syncMs / 3)],
      ['beyond peer time-out', prng.between(1.2 * syncMs, 3 * syncMs)],
      ['beyond session time-out', prng.between(1.1 * sessionTimeoutMs, 2 * sessionTimeoutMs)],
    ] as const)
    const how = busy ? 'busy' : 'asleep'
    const who = tower.leader === sid ? ' (leader)' : ''
    this.#set(`pause: ${how} ${length}${who}`, ensemble.faults.pause(sid, { ms, busy }))
  }

  #isolate(): void {
    const sid = this.#anyone()
    const who = this.#field.tower.leader === sid ? 'leader' : 'another'
    this.#set(`cut: isolate ${who}`, this.#field.ensemble.faults.isolate(sid))
  }

  #partition(): void {
    const { tower, ensemble } = this.#field
    const shuffled = this.#prng.shuffle(tower.sids)
    const at = this.#prng.between(1, shuffled.length - 1)
    const groups = [shuffled.slice(0, at), shuffled.slice(at)]
    this.#set('cut: two groups', ensemble.faults.partition(groups))
  }

  /** Each peer sees a majority, and no two the same one; with three peers, each its two neighbours less one link. */
  #ring(): void {
    const { tower, ensemble } = this.#field
    const ring = this.#prng.shuffle(tower.sids)
    const size = Math.max(2, Math.floor(ring.length / 2) + 1 - (ring.length > 3 ? 1 : 0))
    const groups = ring.map((_, at) =>
      Array.from({ length: size }, (_, next) => ring[(at + next) % ring.length]!),
    )
    if (ring.length === 3) groups.pop()
    this.#set('cut: ring', ensemble.faults.partition(groups))
  }

  #oneWay(): void {
    const { tower, ensemble } = this.#field
    const prng = this.#prng
    const sid = this.#anyone()
    const others = prng.shuffle(tower.sids.filter(other => other !== sid))
    const some = others.slice(0, prng.between(1, others.length))
    const leads = tower.leader === sid ? 'leader' : 'peer'
    if (prng.chance(0.5)) {
      this.#set(`cut: ${leads} not heard`, ensemble.faults.partition({ from: sid, to: some }))
    } else {
      this.#set(`cut: ${leads} hears not`, ensemble.faults.partition({ from: some, to: sid }))
    }
  }

  #delay(): void {
    const { ensemble, syncMs } = this.#field
    const prng = this.#prng
    const { faults } = ensemble
    if (prng.chance(0.4)) {
      const ms = prng.between(0, 20)
      this.#set('delay: everybody', faults.delay({ ms, jitterMs: prng.between(1, 40) }))
    } else {
      const sid = this.#anyone()
      const ms = prng.between(10, 1.5 * syncMs)
      const way = prng.chance(0.5) ? { from: sid } : { to: sid }
      this.#set('delay: one peer', faults.delay({ ...way, ms, jitterMs: prng.between(0, ms) }))
    }
  }

  /** Peers are cut off one after another, and join again in another order. */
  async #swizzle(): Promise<void> {
    const { tower, ensemble } = this.#field
    const prng = this.#prng
    const chosen = prng.shuffle(tower.sids).slice(0, prng.between(1, tower.sids.length))
    for (const sid of chosen) {
      this.#set('cut: swizzle', ensemble.faults.isolate(sid))
      await sleep(prng.between(0, 200))
    }
    for (const sid of prng.shuffle(chosen)) {
      await ensemble.faults.heal(sid)
      await sleep(prng.between(0, 200))
    }
  }
}
