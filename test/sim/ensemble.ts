/** The whole model world of one seed: peers, links and clients, and what is checked of them. */

import { makeSid, type Sid, type Zxid } from '../../lib/base/zxid.ts'
import type { PeerInput, TurnOutput } from '../../lib/peer/core-turn.ts'
import type { History } from '../check/history.ts'
import type { Prng } from '../support/prng.ts'
import { Atlas } from './atlas.ts'
import { SimClient } from './client.ts'
import type { ClientHost } from './client-host.ts'
import { Order } from './client-record.ts'
import { SimDisk } from './disk.ts'
import { Execution } from './execution.ts'
import { isRecorded } from './history-check.ts'
import { stream, TICK_US } from './knobs.ts'
import { Nemesis } from './nemesis.ts'
import { SimNet } from './net.ts'
import { type PeerHost, SimPeer } from './peer.ts'
import { PeerCheck } from './peer-check.ts'
import { chooseCore, relieve } from './relief.ts'
import type { Witness } from './session-check.ts'
import type { Victims } from './strike.ts'
import { holds } from './violation.ts'
import type { World } from './world.ts'

const RESTART_TICKS_MAX = 32
/** Of the streams of chance, those of the clients' observers; their number has room before those of the strikes. */
const LOCAL_STREAM = 500_000

export class SimEnsemble implements PeerHost, ClientHost, Victims, Witness {
  readonly peers: readonly SimPeer[]
  readonly net: SimNet
  readonly execution: Execution
  readonly check: PeerCheck
  readonly atlas: Atlas
  readonly nemesis: Nemesis
  /** Those who must come to an agreement in the end. */
  core: readonly SimPeer[]
  knownZxid = 0 as Zxid
  readonly #world: World
  readonly #prng: Prng
  /** Of the clients' history, in the runs that keep it. */
  readonly #order: Order | undefined
  #clients: SimClient[] = []
  readonly #byPassword = new Map<string, SimClient>()
  #born = 0
  #resting = false
  #relieved = false
  #founding = true
  /** The core serves, all of it, since then; another sum of reigns is another leader. */
  #together: { readonly reigns: number; readonly since: number } | undefined
  /** Ticks until a peer that fails is started again; twice as long each time. */
  readonly #restartTicks = new Map<Sid, number>()

  constructor(world: World) {
    this.#world = world
    const { seed, knobs } = world
    this.#prng = stream(seed, 1)
    this.#order = isRecorded(seed) ? new Order() : undefined
    const count = knobs.voters + knobs.observers
    const sids = Array.from({ length: count }, (_, at) => makeSid(at + 1))
    this.net = new SimNet(world, stream(seed, 2), sids, {
      isAlive: sid => this.peer(sid).alive,
      deliver: (sid, input) => this.peer(sid).deliver(input),
    })
    this.peers = sids.map(sid => {
      const disk = new SimDisk(world, stream(seed, 10 + sid))
      return new SimPeer(sid, sids, disk, world, stream(seed, 30 + sid), this)
    })
    this.execution = new Execution(
      (password, cxid) => this.#byPassword.get(keyOf(password))?.written(cxid),
      knobs.dataBytesMax,
    )
    this.check = new PeerCheck(this.peers, knobs.voters, this.execution)
    this.atlas = new Atlas(this.peers, () => this.#founding)
    this.nemesis = new Nemesis(world, stream(seed, 3), this)
    this.core = this.peers
  }

  get founding(): boolean {
    return this.#founding
  }

  /** Clients that live, in the order they came. */
  clients(): readonly SimClient[] {
    return this.#clients
  }

  /** What each client that ever was asked and was told; empty in a run that does not keep it. */
  histories(): History[] {
    return [...this.#byPassword.values()].flatMap(client => client.history() ?? [])
  }

  start(): void {
    for (const peer of this.peers) peer.start()
    for (let i = 0; i < this.#world.knobs.clients; i++) this.#addClient()
    this.nemesis.start()
  }

  /** The time for faults is over: all harm is undone, or a core is healed that must do without the others. */
  relieve(): void {
    const prng = stream(this.#world.seed, 4)
    this.nemesis.relent()
    this.core = chooseCore(this.#world, prng, this)
    holds(this.atlas.holds(this.check.chronicle.end), 'QuorumDurability', () => {
      return 'a quorum of sound voters does not know of all that is committed'
    })
    this.#relieved = true
    relieve(this.#world, prng, this, this.core)
  }

  /** No more requests but one last: it needs a quorum, and shows its client all that happened before. */
  rest(): void {
    this.#resting = true
    for (const client of this.#clients) {
      client.rest()
      client.wake()
      client.ask({ kind: 'sync' })
      client.flush()
    }
  }

  readonly peer = (sid: Sid): SimPeer => this.peers[sid - 1]!

  home(preferred: Sid | undefined, not: Sid | undefined): SimPeer | undefined {
    const serving = this.peers.filter(peer => peer.serving && peer.sid !== not)
    return (
      serving.find(({ sid }) => sid === preferred) ??
      serving.find(({ leading }) => leading) ??
      serving[0]
    )
  }

  gone(client: SimClient): void {
    this.#clients = this.#clients.filter(other => other !== client)
    if (this.#resting) return
    this.#world.agenda.after(this.#prng.between(1, 10) * TICK_US, () => {
      if (!this.#resting) this.#addClient()
    })
  }

  send(from: Sid, to: Sid, frame: Uint8Array): void {
    this.net.send(from, to, frame)
  }

  started(peer: SimPeer): void {
    this.check.started(peer)
    this.net.started(peer.sid)
    this.nemesis.watch(peer, undefined)
  }

  /** As the supervisor does: a peer whose store failed starts again, later each time. */
  failed(peer: SimPeer, what: string): void {
    const { agenda, counters, trace } = this.#world
    const { sid } = peer
    counters.add(`I/O errors: ${what}`)
    if (trace.on) trace.line(`P${sid}`, `dies of a failed ${what}`)
    peer.crash(false)
    this.net.died(sid, true)
    const ticks = this.#restartTicks.get(sid) ?? 1
    this.#restartTicks.set(sid, Math.min(2 * ticks, RESTART_TICKS_MAX))
    const { life } = peer
    agenda.after(ticks * TICK_US, () => {
      const forGood = this.#relieved && !this.core.includes(peer)
      if (!peer.up && peer.life === life && !forGood) peer.start()
    })
  }

  turned(peer: SimPeer, inputs: readonly PeerInput[], output: TurnOutput): void {
    this.check.turned(peer, inputs, output)
    if (this.#founding && peer.leading) this.#founding = false
    if (this.#relieved) this.#noteTogether()
    this.nemesis.watch(peer, output)
  }

  acknowledged(zxid: Zxid): void {
    this.check.acknowledged(zxid)
  }

  wellServedSince(home: SimPeer): number | undefined {
    return this.core.includes(home) ? this.#together?.since : undefined
  }

  #noteTogether(): void {
    const { core } = this
    if (!core.every(({ serving }) => serving) || !core.some(({ leading }) => leading)) {
      this.#together = undefined
      return
    }
    const reigns = core.reduce((sum, { zab }) => sum + zab!.reign, 0)
    if (this.#together?.reigns === reigns) return
    this.#together = { reigns, since: this.#world.agenda.now }
  }

  #addClient(): void {
    const name = `C${++this.#born}`
    const prng = stream(this.#world.seed, 100 + this.#born)
    const local = stream(this.#world.seed, LOCAL_STREAM + this.#born)
    const readsHere = local.chance(this.#world.knobs.localReads) ? local : undefined
    const client = new SimClient(name, this.#world, prng, this, this, this.#order, readsHere)
    this.#byPassword.set(keyOf(client.password), client)
    this.#clients.push(client)
    client.start()
  }
}

function keyOf(password: Uint8Array): string {
  return Buffer.from(password).toString('latin1')
}
