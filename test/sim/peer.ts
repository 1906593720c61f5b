/**
 * One peer in the model world: the core that the worker thread drives, here driven by the agenda, with its disk and its
 * clock, through any number of lives.
 */

import { crc32 } from '../../lib/base/crc32.ts'
import { COMMIT_BYTES_FIRST } from '../../lib/base/limits.ts'
import type { Sid } from '../../lib/base/zxid.ts'
import { type PeerConfig, PeerCore } from '../../lib/peer/core.ts'
import {
  CONNECTION_INPUTS,
  type PeerInput,
  type Said,
  type TurnOutput,
  type Work,
} from '../../lib/peer/core-turn.ts'
import type { Tree } from '../../lib/tree/tree.ts'
import type { Zab } from '../../lib/zab/zab.ts'
import type { Prng } from '../support/prng.ts'
import type { SimDisk } from './disk.ts'
import { TICK_MS, TICK_US, within } from './knobs.ts'
import { quorumOf } from './mutations.ts'
import { examine, mayVote } from './recovery.ts'
import { Violation } from './violation.ts'
import type { World } from './world.ts'

/** A client's connection, or a local observer's feed, as the peer's thread holds it. */
export interface ClientPort {
  readonly kind: 'connect' | 'observe'
  receive(frame: Uint8Array): void
  closed(): void
}

export interface PeerHost {
  /** Whether no leader ever served: a peer without data may vote then. */
  readonly founding: boolean
  send(from: Sid, to: Sid, frame: Uint8Array): void
  started(peer: SimPeer): void
  /** It cannot go on in this life, or could not begin it, because of its disk. */
  failed(peer: SimPeer, what: string): void
  /** After every turn: what it took in, what came of it, and what can be seen of the peer now. */
  turned(peer: SimPeer, inputs: readonly PeerInput[], output: TurnOutput): void
}

export class SimPeer {
  readonly sid: Sid
  readonly disk: SimDisk
  readonly #world: World
  readonly #prng: Prng
  readonly #host: PeerHost
  readonly #config: PeerConfig
  /** Lives so far; the current one's number. */
  #life = 0
  #core: PeerCore | undefined
  /** Its store is being opened. */
  #opening = false
  #inbox: PeerInput[] = []
  #turnPlanned = false
  #busyUntil = 0
  /** Counts the ticks planned: only the latest is to come. */
  #clock = 0
  #ports = new Map<number, ClientPort>()
  #connections = 0
  #treeSeen: Tree | undefined
  #jumps = 0
  readonly #onTurn = (): void => this.#turnNow()
  /** The length of its ticks, and how far each may be off. */
  readonly #tickUs: number
  readonly #tickJitterUs: number

  constructor(
    sid: Sid,
    peers: readonly Sid[],
    disk: SimDisk,
    world: World,
    prng: Prng,
    host: PeerHost,
  ) {
    const { knobs, mutation } = world
    this.sid = sid
    this.disk = disk
    this.#world = world
    this.#prng = prng
    this.#host = host
    this.#config = {
      sid,
      peers,
      quorum: quorumOf(mutation, peers.slice(0, knobs.voters)),
      initLimitTicks: knobs.initLimitTicks,
      syncLimitTicks: knobs.syncLimitTicks,
      crc32,
      dataBytesMax: knobs.dataBytesMax,
      tickMs: TICK_MS,
      snapshotLogBytes: knobs.snapshotLogBytes,
      snapshotChunkBytes: knobs.snapshotChunkBytes,
      historyGroupsMax: knobs.historyGroupsMax,
      feedWindowBytes: knobs.feedWindowBytes,
      // As small or large: where feeds are stopped soon, answers leave one by one.
      fullFrameBytes: knobs.feedWindowBytes,
      // And where that is small, others are told of each commit before it is applied.
      commitBytesFirst: Math.min(knobs.feedWindowBytes, COMMIT_BYTES_FIRST),
    }
    this.#tickUs = Math.round((TICK_US * within(prng, knobs.tickPercent)) / 100)
    this.#tickJitterUs = prng.pick(knobs.tickJitterUs)
  }

  get alive(): boolean {
    return this.#core !== undefined
  }

  /** Alive, or about to be. */
  get up(): boolean {
    return this.alive || this.#opening
  }

  get life(): number {
    return this.#life
  }

  get zab(): Zab | undefined {
    return this.#core?.zab
  }

  get tree(): Tree | undefined {
    return this.#core?.tree
  }

  /** How often its tree was replaced by one that came as a snapshot. */
  get jumps(): number {
    return this.#jumps
  }

  get serving(): boolean {
    return this.zab?.view.serving ?? false
  }

  /** Whether its data are built on: by itself while it lives, and by its next life. */
  get trusted(): boolean {
    if (this.zab !== undefined) return this.zab.trusted
    const { founding } = this.#host
    return mayVote(examine(this.disk.safe, founding), founding)
  }

  get leading(): boolean {
    const view = this.zab?.view
    return view?.serving === true && view.role === 'leading'
  }

  get voter(): boolean {
    return this.#config.quorum.voters.includes(this.sid)
  }

  /** Begins a new life, which takes the time it takes to read the disk. */
  start(): void {
    const life = ++this.#life
    this.#opening = true
    this.#busyUntil = 0
    this.#world.agenda.after(this.#world.openUs(this.#prng), () => {
      if (life === this.#life) this.#begin(life)
    })
  }

  #begin(life: number): void {
    this.#opening = false
    const user = {
      report: (input: PeerInput): void => {
        if (life === this.#life) this.deliver(input)
      },
      failed: (what: string): void => this.#host.failed(this, what),
    }
    const found = this.disk.open(user, this.#host.founding)
    if (found === undefined) return this.#host.failed(this, 'open')
    this.#inbox = []
    this.#turnPlanned = false
    this.#guard(() => {
      this.#core = new PeerCore(this.#config, found.peer, found.tree, this.disk.newestChain)
    })
    this.#treeSeen = found.tree
    this.#world.trace.started(this)
    this.#host.started(this)
    this.#planTurn()
    this.#planTick(this.#prng.between(0, TICK_US))
  }

  /** The thread ends. A write that is under way is on disk if it `survives`. */
  crash(survives: boolean): void {
    this.#core = undefined
    this.#opening = false
    this.#life++
    this.#clock++
    this.#inbox = []
    this.disk.crash(survives)
    const ports = this.#ports
    this.#ports = new Map()
    for (const port of ports.values()) port.closed()
  }

  /** The thread stands still; what comes meanwhile waits. */
  pause(until: number): void {
    this.#busyUntil = Math.max(this.#busyUntil, until)
  }

  resume(): void {
    if (this.#busyUntil <= this.#world.agenda.now) return
    this.#busyUntil = 0
    if (!this.alive) return
    this.#planTurn()
    this.#planTick(0)
  }

  /** What comes at one moment is taken in one turn. */
  deliver(input: PeerInput): void {
    if (!this.alive) return
    this.#inbox.push(input)
    if (!this.#turnPlanned) this.#planTurn()
  }

  /** A client or an observer comes; returns the connection's number, which no other of this peer ever has. */
  connect(port: ClientPort): number {
    const connection = this.#life * 2 ** 24 + ++this.#connections
    this.#ports.set(connection, port)
    this.deliver({ kind: port.kind, connection })
    return connection
  }

  receive(connection: number, frame: Uint8Array): void {
    const port = this.#ports.get(connection)
    if (port === undefined) return
    this.deliver({ kind: CONNECTION_INPUTS[port.kind].frame, connection, frame })
  }

  /** The other end closed. */
  disconnect(connection: number): void {
    const port = this.#ports.get(connection)
    if (port === undefined) return
    this.#ports.delete(connection)
    this.deliver({ kind: CONNECTION_INPUTS[port.kind].end, connection })
  }

  #planTurn(): void {
    this.#turnPlanned = true
    const { agenda } = this.#world
    if (this.#busyUntil > agenda.now) agenda.at(this.#busyUntil, this.#onTurn)
    else agenda.soon(this.#onTurn)
  }

  #turnNow(): void {
    if (!this.#turnPlanned) return
    if (this.#busyUntil > this.#world.agenda.now) this.#planTurn()
    else this.#turn()
  }

  /** A tick that a busy thread could not take is taken once when it can, not made up for. */
  #planTick(delay: number): void {
    const clock = ++this.#clock
    const { agenda } = this.#world
    agenda.at(this.#world.onGrid(agenda.now + delay), () => {
      if (clock !== this.#clock) return
      const wait = this.#busyUntil - agenda.now
      if (wait > 0) return this.#planTick(wait)
      this.deliver({ kind: 'tick' })
      this.#planTick(this.#tickUs + this.#jitter())
    })
  }

  #jitter(): number {
    return this.#tickJitterUs === 0 ? 0 : this.#prng.between(0, this.#tickJitterUs)
  }

  #turn(): void {
    this.#turnPlanned = false
    const core = this.#core
    if (core === undefined) return
    const { agenda, trace } = this.#world
    const inputs = this.#inbox
    this.#inbox = []
    this.#busyUntil = agenda.now + this.#world.turnUs(this.#prng)
    trace.mix(agenda.now)
    trace.mix(this.sid * 256 + inputs.length)
    if (trace.on) trace.takes(this, inputs)
    this.#guard(() => {
      const ahead: Work[] = []
      const output = core.turn(inputs, this.#world.wallMs(), {
        say: said => this.#say(said),
        work: work => {
          ahead.push(work)
          this.#work(work)
        },
      })
      const whole = {
        ...output,
        peerFrames: [...ahead.flatMap(({ peerFrames }) => peerFrames), ...output.peerFrames],
        tasks: [...ahead.flatMap(({ tasks }) => tasks), ...output.tasks],
      }
      if (trace.on) trace.turned(this, whole)
      this.#note(inputs, whole)
      this.#carryOut(output)
    })
  }

  #note(inputs: readonly PeerInput[], output: TurnOutput): void {
    if (this.tree !== this.#treeSeen) this.#jumps++
    this.#treeSeen = this.tree
    this.#host.turned(this, inputs, output)
  }

  #carryOut(output: TurnOutput): void {
    this.#work(output)
    this.#say(output)
    for (const connection of output.closings) {
      const port = this.#ports.get(connection)
      this.#ports.delete(connection)
      port?.closed()
    }
  }

  #work({ peerFrames, tasks }: Work): void {
    for (const { to, frame } of peerFrames) {
      this.#world.trace.mix(frame.length)
      this.#host.send(this.sid, to, frame)
    }
    this.disk.run(tasks)
  }

  #say({ feedFrames, clientFrames }: Said): void {
    for (const { to, frame } of [...feedFrames, ...clientFrames]) {
      this.#world.trace.mix(frame.length)
      this.#ports.get(to)?.receive(frame)
    }
  }

  /** A peer that breaks an assertion would die and start again; here that is a finding. */
  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      if (error instanceof Violation) throw error
      const message = error instanceof Error ? error.message : String(error)
      throw new Violation('Assertion', `in peer ${this.sid}: ${message}`, error)
    }
  }
}
