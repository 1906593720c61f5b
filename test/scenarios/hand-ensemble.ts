/**
 * Whole peers and their clients in one thread, moved by hand: frames, tasks of the disks and frames of clients wait
 * until the test lets them go, one by one. What a peer's thread does in one turn is one step.
 */

import assert from 'node:assert/strict'
import { setVerifying } from '../../lib/base/assert.ts'
import { crc32 } from '../../lib/base/crc32.ts'
import { makeSid, type Sid, type Zxid } from '../../lib/base/zxid.ts'
import { PeerCore } from '../../lib/peer/core.ts'
import type { StoreTask } from '../../lib/peer/core-tasks.ts'
import type { PeerInput, TurnOutput } from '../../lib/peer/core-turn.ts'
import { Majority } from '../../lib/zab/quorum.ts'
import { type Connection, HandClient } from './hand-client.ts'
import { HandDisk } from './hand-disk.ts'
import type { Step } from './zab-steps.ts'

setVerifying(true)

export const INIT_LIMIT_TICKS = 50
export const SYNC_LIMIT_TICKS = 10
const TICK_MS = 50
/** Longer than a peer needs to give up another. */
export const SESSION_TICKS = 3 * SYNC_LIMIT_TICKS
const STEPS_MAX = 100_000
/** Steps of clients are numbered beyond those of peers. */
const CLIENT_NUMBERS = 1000

export interface HandOptions {
  readonly voters?: readonly number[]
  readonly counterMax?: number
  readonly snapshotLogBytes?: number
  readonly snapshotChunkBytes?: number
  readonly historyGroupsMax?: number
  readonly tickMs?: number
}

export class HandPeer {
  readonly sid: number
  readonly core: PeerCore
  readonly disk: HandDisk
  readonly tasks: StoreTask[] = []

  constructor(sid: number, core: PeerCore, disk: HandDisk) {
    this.sid = sid
    this.core = core
    this.disk = disk
  }

  get serving(): boolean {
    return this.core.zab.view.serving
  }

  get leads(): boolean {
    return this.serving && this.core.zab.view.role === 'leading'
  }
}

interface Link {
  readonly from: number
  readonly to: number
  readonly frames: Uint8Array[]
}

export class HandEnsemble {
  readonly peers = new Map<number, HandPeer>()
  readonly clients: HandClient[] = []
  /** Called after every turn of a peer. */
  onTurn: (peer: HandPeer) => void = () => {}
  /** Peers whose disk does nothing. */
  readonly slowDisks = new Set<number>()
  /** Frames for which this holds stay on their way. */
  holds: (from: number, to: number) => boolean = () => false
  readonly #voters: readonly number[]
  readonly #options: HandOptions
  readonly #links = new Map<string, Link>()
  #connections: Connection[] = []
  #numbers = 0
  #now = 0

  constructor({ voters = [1, 2, 3], ...options }: HandOptions = {}) {
    this.#voters = voters
    this.#options = options
    for (const sid of voters) this.start(sid)
    this.settle()
  }

  peer(sid: number): HandPeer {
    const peer = this.peers.get(sid)
    assert.ok(peer, `peer ${sid} is up`)
    return peer
  }

  get leader(): HandPeer | undefined {
    return [...this.peers.values()].find(({ leads }) => leads)
  }

  start(sid: number, disk = new HandDisk()): HandPeer {
    const { peer: recovered, tree, chain } = disk.recover()
    const { snapshotLogBytes = Number.MAX_SAFE_INTEGER, ...options } = this.#options
    const sids = this.#voters.map(makeSid)
    const config = {
      sid: makeSid(sid),
      peers: sids,
      quorum: new Majority(sids),
      initLimitTicks: INIT_LIMIT_TICKS,
      syncLimitTicks: SYNC_LIMIT_TICKS,
      crc32,
      dataBytesMax: 1000,
      tickMs: TICK_MS,
      snapshotLogBytes,
      ...options,
    }
    const peer = new HandPeer(sid, new PeerCore(config, recovered, tree, chain), disk)
    const others = [...this.peers.keys()]
    this.peers.set(sid, peer)
    this.turn(peer)
    for (const other of others) this.link(sid, other)
    return peer
  }

  /** The peer's thread dies. Its disk stays; with `landed` the first task under way was done all the same. */
  crash(sid: number, landed = false): HandDisk {
    const peer = this.peer(sid)
    const [task] = peer.tasks
    if (landed && task !== undefined) peer.disk.carryOut(task)
    this.peers.delete(sid)
    for (const other of this.peers.keys()) this.cut(sid, other)
    for (const connection of this.#connections) {
      if (connection.sid === sid) connection.toClient.push(undefined)
    }
    peer.disk.crash()
    return peer.disk
  }

  link(a: number, b: number): void {
    for (const [from, to] of both(a, b)) {
      this.#links.set(nameOf(from, to), { from, to, frames: [] })
    }
    this.#tellLink('linkUp', a, b)
  }

  cut(a: number, b: number): void {
    if (!this.#links.delete(nameOf(a, b))) return
    this.#links.delete(nameOf(b, a))
    this.#tellLink('linkDown', a, b)
  }

  /** Frames that wait between two peers, and their bytes. */
  waiting(from: number, to: number): { readonly frames: number; readonly bytes: number } {
    const frames = this.#links.get(nameOf(from, to))?.frames ?? []
    return { frames: frames.length, bytes: frames.reduce((sum, { length }) => sum + length, 0) }
  }

  join(name: string, home: number): HandClient {
    const client = new HandClient(name, home, SESSION_TICKS * TICK_MS)
    this.clients.push(client)
    this.connect(client, home)
    return client
  }

  connect(client: HandClient, sid: number): void {
    const number = ++this.#numbers
    const connection = { client, sid, number, toPeer: [], toClient: [] }
    this.#connections.push(connection)
    client.connection = connection
    this.turn(this.peer(sid), [{ kind: 'connect', connection: number }])
    client.core.connected()
    client.pump()
  }

  /** The client's thread dies: its port closes, and nobody says goodbye. */
  kill(client: HandClient): void {
    client.dead = true
    client.connection?.toPeer.push(undefined)
    client.hangUp()
  }

  tick(ticks = 1, sids?: readonly number[]): void {
    for (let tick = 0; tick < ticks; tick++) {
      for (const sid of sids ?? [...this.peers.keys()]) {
        const peer = this.peers.get(sid)
        if (peer !== undefined) this.turn(peer, [{ kind: 'tick' }])
      }
      if (sids !== undefined) continue
      this.settle()
      this.rehome()
      this.settle()
    }
  }

  /** Clients without a connection go to where they would like to be, or to any peer that serves. */
  rehome(): void {
    const serving = [...this.peers.values()].filter(peer => peer.serving).map(({ sid }) => sid)
    for (const client of this.clients) {
      if (client.dead || client.core.finished || client.connection !== undefined) continue
      const sid = serving.includes(client.home) ? client.home : serving[0]
      if (sid !== undefined) this.connect(client, sid)
    }
  }

  /** What could happen next. */
  steps(): Step[] {
    const steps: Step[] = []
    for (const { from, to, frames } of this.#links.values()) {
      if (frames.length === 0 || this.holds(from, to)) continue
      const take = () => {
        const frame = frames.shift()!
        this.turn(this.peer(to), [{ kind: 'peerFrame', from: from as Sid, frame }])
      }
      steps.push({ name: `${from}>${to}`, peer: to, depends: [to], take })
    }
    for (const peer of this.peers.values()) {
      if (peer.tasks.length === 0 || this.slowDisks.has(peer.sid)) continue
      const take = () => this.#work(peer)
      steps.push({ name: `disk ${peer.sid}`, peer: peer.sid, depends: [peer.sid], take })
    }
    for (const [at, connection] of this.#connections.entries()) {
      steps.push(...this.#stepsOf(connection, CLIENT_NUMBERS + at))
    }
    return steps
  }

  /** Takes one step of the usual way; false when there is none. */
  advance(): boolean {
    const [step] = this.steps()
    step?.take()
    return step !== undefined
  }

  settle(): void {
    for (let steps = 0; steps < STEPS_MAX; steps++) if (!this.advance()) return
    assert.fail('the ensemble does not come to rest')
  }

  /** Ticks until every peer serves and every client has all its answers. */
  findTogether(): void {
    for (let ticks = 0; ticks < 3 * INIT_LIMIT_TICKS; ticks++) {
      this.tick()
      const isAnswered = this.clients.every(({ dead, unanswered }) => dead || !unanswered.length)
      const [first, ...others] = [...this.peers.values()]
      const isEqual = others.every(({ core }) => core.tree.zxid === first?.core.tree.zxid)
      if (isAnswered && isEqual && [first, ...others].every(peer => peer?.serving)) return
    }
    assert.fail('the ensemble finds together')
  }

  /** All trees are the same. */
  assertEqual(): void {
    const [first, ...others] = [...this.peers.values()]
    for (const { sid, core } of others) {
      assert.equal(core.tree.zxid, first?.core.tree.zxid)
      assert.equal(core.tree.digest, first?.core.tree.digest, `${sid} has the tree of the others`)
    }
  }

  /** Where the trees are. */
  get zxid(): Zxid {
    return [...this.peers.values()][0]!.core.tree.zxid
  }

  turn(peer: HandPeer, inputs: readonly PeerInput[] = []): void {
    this.#carryOut(peer, peer.core.turn(inputs, ++this.#now))
    this.onTurn(peer)
  }

  #carryOut(peer: HandPeer, { peerFrames, clientFrames, closings, tasks }: TurnOutput): void {
    for (const { to, frame } of peerFrames) {
      this.#links.get(nameOf(peer.sid, to))?.frames.push(Uint8Array.from(frame))
    }
    peer.tasks.push(...tasks)
    for (const { to, frame } of clientFrames) this.#port(to)?.toClient.push(Uint8Array.from(frame))
    for (const number of closings) this.#port(number)?.toClient.push(undefined)
  }

  #work(peer: HandPeer): void {
    const answer = peer.disk.carryOut(peer.tasks.shift()!)
    if (answer !== undefined) this.turn(peer, [answer])
  }

  #stepsOf(connection: Connection, number: number): Step[] {
    const { client, sid, toPeer, toClient } = connection
    const steps: Step[] = []
    const peer = this.peers.get(sid)
    if (toPeer.length > 0 && peer !== undefined) {
      const take = () => this.#toPeer(peer, connection)
      steps.push({ name: `${client.name}>${sid}`, peer: sid, depends: [sid], take })
    }
    if (toClient.length > 0 && client.connection === connection) {
      const take = () => this.#toClient(connection)
      steps.push({ name: `${sid}>${client.name}`, peer: number, depends: [number], take })
    }
    return steps
  }

  #toPeer(peer: HandPeer, connection: Connection): void {
    const frame = connection.toPeer.shift()
    const { number } = connection
    if (frame === undefined) {
      this.#connections = this.#connections.filter(other => other !== connection)
      this.turn(peer, [{ kind: 'disconnect', connection: number }])
    } else {
      this.turn(peer, [{ kind: 'clientFrame', connection: number, frame }])
    }
  }

  #toClient(connection: Connection): void {
    const { client } = connection
    const frame = connection.toClient.shift()
    if (frame !== undefined) client.core.receive(frame)
    if (frame === undefined || !client.core.linked) {
      client.hangUp()
      this.#connections = this.#connections.filter(other => other !== connection)
    }
    client.pump()
  }

  #port(number: number): Connection | undefined {
    return this.#connections.find(connection => connection.number === number)
  }

  #tellLink(kind: 'linkUp' | 'linkDown', a: number, b: number): void {
    for (const [sid, other] of both(a, b)) {
      const peer = this.peers.get(sid)
      if (peer !== undefined) this.turn(peer, [{ kind, sid: other as Sid }])
    }
  }
}

function both(a: number, b: number): readonly (readonly [number, number])[] {
  return [
    [a, b],
    [b, a],
  ]
}

function nameOf(from: number, to: number): string {
  return `${from}>${to}`
}
