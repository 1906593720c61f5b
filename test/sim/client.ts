/**
 * One client in the model world: the core that the line drives over ports, here driven by the agenda. It thinks, asks,
 * moves on when its peer dies or is stuck, and is watched over by a `SessionCheck`. When its session ends, it ends.
 */

import type { ZPath } from '../../lib/base/path.ts'
import type { WatchEvent } from '../../lib/base/reply.ts'
import type { ReadRequest, WriteRequest } from '../../lib/base/request.ts'
import type { Sid } from '../../lib/base/zxid.ts'
import { ClientCore } from '../../lib/client/core.ts'
import type { History } from '../check/history.ts'
import type { Prng } from '../support/prng.ts'
import type { ClientHost } from './client-host.ts'
import { ClientRecord, type Order } from './client-record.ts'
import { Connection, type ConnectionListener } from './connection.ts'
import { TICK_US, within } from './knobs.ts'
import { type Observing, SimObserver } from './observing.ts'
import type { SimPeer } from './peer.ts'
import { drawRequest, isWrite } from './requests.ts'
import { type HeldWatch, newWatch, SessionCheck, type Witness } from './session-check.ts'
import { SimCall } from './sim-call.ts'
import { Standstill } from './standstill.ts'
import { holds, Violation } from './violation.ts'
import type { World } from './world.ts'

/** A home that has said nothing for this share of the session timeout is left, if another peer serves. */
const PATIENCE_SHARE = 1 / 3
const KNOWN_PATHS_MAX = 8

export class SimClient implements ConnectionListener, Observing {
  readonly name: string
  readonly password: Uint8Array
  readonly core: ClientCore
  readonly check: SessionCheck
  readonly #world: World
  readonly #prng: Prng
  readonly #host: ClientHost
  readonly #witness: Witness
  /** Kept in some runs only. */
  readonly #record: ClientRecord | undefined
  readonly #preferred: Sid | undefined
  /** Gives calls up after this long, as `operationTimeoutMs` does. */
  readonly #operationTimeoutMs: number
  readonly #writes: SimCall[] = []
  readonly #held = new Map<SimCall, HeldWatch>()
  readonly #versions = new Map<ZPath, number>()
  readonly #known: ZPath[] = []
  #connection: Connection | undefined
  /** Of its thread, if that reads locally. */
  readonly #observer: SimObserver | undefined
  /** Jumps of the peer's tree when last looked at. */
  #jumps = 0
  #heardAt = 0
  #unservedSince: number | undefined
  #asked = 0
  #dead = false
  #thinking = true
  readonly #still: Standstill

  /** `order`: of the run's history, if it is to be written down. `local`: chance, for a thread that reads locally. */
  constructor(
    name: string,
    world: World,
    prng: Prng,
    host: ClientHost,
    witness: Witness,
    order: Order | undefined,
    local: Prng | undefined,
  ) {
    this.name = name
    this.#world = world
    this.#prng = prng
    this.#host = host
    this.#witness = witness
    this.#record = order === undefined ? undefined : new ClientRecord(name, order)
    this.password = Buffer.from(`${name} ${prng.u32()}`)
    const { knobs } = world
    const timeoutMs = within(prng, knobs.sessionTimeoutMs)
    this.core = new ClientCore({ timeoutMs, password: this.password })
    this.check = new SessionCheck(name, witness)
    const peers = knobs.voters + knobs.observers
    this.#preferred = prng.chance(0.6) ? (prng.between(1, peers) as Sid) : undefined
    this.#operationTimeoutMs = prng.pick([1_000, 60_000])
    this.#unservedSince = world.agenda.now
    this.#still = new Standstill(world.agenda, () => this.#dead)
    this.#observer = local === undefined ? undefined : new SimObserver(world, local, this)
  }

  /** Neither dead nor at its session's end. */
  get lives(): boolean {
    return !this.#dead && !this.core.finished
  }

  get served(): boolean {
    return this.core.state === 'connected'
  }

  /** The peer it is connected to. */
  get home(): SimPeer | undefined {
    return this.#connection?.peer
  }

  start(): void {
    this.#patrol()
    this.#think()
  }

  /** No more requests from its own mind. */
  rest(): void {
    this.#thinking = false
  }

  /** The thread dies: its ports close, and nobody says goodbye. */
  die(): void {
    this.#dead = true
    this.#connection?.close()
    this.#connection = undefined
    this.#observer?.close()
    this.#host.gone(this)
  }

  /** The thread stands still. */
  stall(until: number): void {
    this.#still.begin(until)
  }

  wake(): void {
    this.#still.end()
  }

  /** Carries its session to another peer. */
  move(): void {
    const from = this.#connection
    if (from === undefined || !this.core.linked) return
    const to = this.#host.home(undefined, from.peer.sid)
    if (to === undefined) return
    from.send(this.core.depart())
    this.#hangUp()
    this.#moveIn(to)
    this.#flush()
  }

  ask(request: ReadRequest | WriteRequest): void {
    const watch = 'watch' in request && request.watch ? newWatch(request) : undefined
    const index = this.#record?.next
    const watcher =
      watch === undefined ? undefined : (event: WatchEvent) => this.#fired(watch, event, index)
    const call = new SimCall(request, this.#witness.knownZxid, this.check.breaks, watcher)
    call.startedAt = this.#nowMs
    if (isWrite(request)) this.#writes.push(call)
    if (watch !== undefined) this.#held.set(call, watch)
    this.check.called(call)
    this.#record?.asked(call)
    this.#observer?.asks(this.core, call)
    this.core.submit(call)
  }

  /** All it asked and was told so far. */
  history(): History | undefined {
    const { sessionId } = this.core
    const past = this.#witness.execution.sessions.get(sessionId)
    return this.#record?.history(sessionId, this.check.breaks <= 1, past)
  }

  /** What it asked for under a cxid. */
  written(cxid: number): WriteRequest | undefined {
    const call = this.#writes.find(write => write.cxid === cxid)
    return call === undefined || !isWrite(call.request) ? undefined : call.request
  }

  flush(): void {
    this.#flush()
    this.#deliver()
  }

  onFrame(connection: Connection, frame: Uint8Array, jumps: number): void {
    this.whenAwake(() => {
      if (connection !== this.#connection) return
      // Watches are told then as after a reconnection.
      if (jumps !== this.#jumps) {
        this.#world.counters.add('trees replaced before a client')
        this.check.broke()
      }
      this.#jumps = jumps
      this.#heardAt = this.#nowMs
      this.#observer?.hears(this.core, frame)
      this.guard(() => this.core.receive(frame))
      if (this.core.state === 'connected') this.#unservedSince = undefined
      this.#takeSeat()
      this.flush()
      this.#observer?.heard()
      this.check.frameEnded()
    })
  }

  observed(): void {
    this.#takeSeat()
    this.flush()
  }

  whenAwake(work: () => void): void {
    this.#still.whenAwake(work)
  }

  onClosed(connection: Connection): void {
    this.whenAwake(() => {
      if (connection !== this.#connection) return
      this.core.disconnected()
      this.#hangUp()
      this.flush()
    })
  }

  /** As the link does. */
  #takeSeat(): void {
    if (!this.core.linked) this.#hangUp()
    if (this.home !== undefined) this.#observer?.seat(this.core, this.home, this.check.watches)
  }

  #think(): void {
    const { agenda, knobs } = this.#world
    agenda.after(within(this.#prng, knobs.thinkUs), () => {
      if (!this.lives || !this.#thinking) return
      if (!this.#still.isStill) this.#askSome()
      this.#think()
    })
  }

  #askSome(): void {
    const { knobs } = this.#world
    if (this.#prng.chance(0.01)) this.ask({ kind: 'closeSession' })
    const burst = this.#prng.between(1, knobs.burstMax)
    for (let i = 0; i < burst && this.core.pending < knobs.windowMax; i++) {
      const tag = `${this.name}:${++this.#asked}`
      this.ask(drawRequest(this.#prng, tag, path => this.#versions.get(path), this.#known))
    }
    this.flush()
  }

  #patrol(): void {
    if (!this.lives) return
    const { agenda } = this.#world
    if (!this.#still.isStill) {
      this.#checkHome()
      this.#checkDeadlines()
      this.flush()
    }
    agenda.after(TICK_US / 2, () => this.#patrol())
  }

  #checkHome(): void {
    const home = this.#connection
    if (home === undefined) {
      const peer = this.#host.home(this.#preferred, undefined)
      if (peer !== undefined) this.#moveIn(peer)
    } else if (this.#isStuck()) {
      this.#checkCause(home.peer)
      this.move()
    }
  }

  /** Going elsewhere makes good what a home forgot: where nothing is wrong, there must be no need for it. */
  #checkCause(home: SimPeer): void {
    const since = this.#host.wellServedSince(home)
    const waitedMs = since === undefined ? 0 : this.#nowMs - since / 1000
    holds(waitedMs <= this.core.timeoutMs * PATIENCE_SHARE, 'CallsEnd', () => {
      return `${this.name} waits for P${home.sid}, which has served for ${waitedMs} ms`
    })
  }

  #isStuck(): boolean {
    const patienceMs = this.core.timeoutMs * PATIENCE_SHARE
    if (this.#nowMs - this.#heardAt <= patienceMs) return false
    const oldest = this.core.oldestStartedAt
    return !this.served || (oldest !== undefined && this.#nowMs - oldest > patienceMs)
  }

  #checkDeadlines(): void {
    const { core } = this
    const now = this.#nowMs
    if (this.#unservedSince !== undefined && now - this.#unservedSince >= core.timeoutMs) {
      if (core.state === 'connecting') core.finish('closed', 'CONNECTION_LOSS')
      else core.expire(now - core.timeoutMs, 'CONNECTION_LOSS')
    }
    core.expire(now - this.#operationTimeoutMs, 'OPERATION_TIMEOUT')
  }

  #moveIn(peer: SimPeer): void {
    this.#world.counters.add('client connections')
    if (this.#world.trace.on) this.#world.trace.line(this.name, `connects to P${peer.sid}`)
    this.#connection = new Connection('connect', this.#world, this.#prng, peer, this)
    this.#jumps = peer.jumps
    this.#heardAt = this.#nowMs
    this.check.broke()
    this.guard(() => this.core.connected())
  }

  #hangUp(): void {
    const farewell = this.core.takeFarewell()
    if (farewell !== undefined) {
      this.#world.counters.add('seats lost with an observer')
      this.#connection?.send(farewell)
    }
    this.#connection?.close()
    this.#connection = undefined
    this.#unservedSince ??= this.#nowMs
  }

  #flush(): void {
    for (;;) {
      const frame = this.#connection === undefined ? undefined : this.core.takeFrame()
      if (frame === undefined) return
      this.#connection?.send(frame)
    }
  }

  #deliver(): void {
    const { counters, trace } = this.#world
    for (;;) {
      const delivery = this.core.takeDelivery()
      if (delivery === undefined) return
      if (delivery.kind === 'call') this.#settled(delivery as SimCall)
      else if (delivery.kind === 'firing') {
        counters.add('watches fired')
        this.#observer?.fires()
        delivery.watcher(delivery.event)
      } else if (this.core.finished) {
        counters.add(delivery.state === 'expired' ? 'sessions expired' : 'sessions closed')
        if (trace.on) trace.line(this.name, delivery.state)
        if (delivery.state === 'expired') this.#record?.expired()
        this.#hangUp()
        this.#observer?.close()
        this.#host.gone(this)
      }
    }
  }

  #fired(watch: HeldWatch, event: WatchEvent, index: number | undefined): void {
    this.check.fired(watch, event)
    if (index !== undefined) this.#record?.told(index, event)
  }

  #settled(call: SimCall): void {
    const { counters } = this.#world
    const { reply, request } = call
    this.#record?.settled(call, this.#isSure(call))
    this.#checkEndsInTime(call)
    const watch = this.#held.get(call)
    this.#held.delete(call)
    this.check.settled(call, this.core.sessionId, watch)
    if (reply === undefined) {
      counters.add('calls given up')
      return
    }
    counters.add(isWrite(request) ? 'writes answered' : 'reads answered')
    if (call.xid === 0) counters.add('reads answered in the thread')
    if (!('path' in request) || reply.stat === undefined) return
    this.#versions.set(reply.path ?? request.path, reply.stat.version)
    if (reply.path !== undefined) this.#know(reply.path)
  }

  /** A close never fails: when its time is over, the session is left to expire. */
  #isSure({ request, startedAt }: SimCall): boolean {
    const patienceMs = Math.min(this.core.timeoutMs, this.#operationTimeoutMs)
    return request.kind !== 'closeSession' || this.#nowMs - startedAt < patienceMs
  }

  /** But for a close, which its session's end ends. */
  #checkEndsInTime({ request, startedAt }: SimCall): void {
    if (request.kind === 'closeSession' || startedAt < this.#still.lastMs) return
    const waitedMs = this.#nowMs - startedAt
    holds(waitedMs <= this.#operationTimeoutMs + TICK_US / 1000, 'CallsEnd', () => {
      return `${this.name} waited ${waitedMs} ms for the end of a ${request.kind}`
    })
  }

  #know(path: ZPath): void {
    this.#known.push(path)
    if (this.#known.length > KNOWN_PATHS_MAX) this.#known.shift()
  }

  get #nowMs(): number {
    return this.#world.agenda.now / 1000
  }

  guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      if (error instanceof Violation) throw error
      const message = error instanceof Error ? error.message : String(error)
      throw new Violation('Assertion', `in client ${this.name}: ${message}`, error)
    }
  }
}
