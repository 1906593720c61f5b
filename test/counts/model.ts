/**
 * An ensemble in virtual time whose parts are as fast as those of one fixed machine: what it takes to do a thousand
 * operations can be counted there, and the counts are the same on every machine and in every run.
 */

import { crc32 } from '../../lib/base/crc32.ts'
import { LOG_START } from '../../lib/base/group.ts'
import { EPOCH_ZERO, makeSid, type Sid, ZXID_ZERO } from '../../lib/base/zxid.ts'
import { ClientCore } from '../../lib/client/core.ts'
import type { AnyCall } from '../../lib/client/core-call.ts'
import { type PeerConfig, PeerCore } from '../../lib/peer/core.ts'
import type { PeerInput, Said, TurnOutput, Work } from '../../lib/peer/core-turn.ts'
import { Observer } from '../../lib/replica/observer.ts'
import { Tree } from '../../lib/tree/tree.ts'
import { Majority } from '../../lib/zab/quorum.ts'
import { Agenda } from '../sim/agenda.ts'

const HOP_US = 30
const TURN_US = 20
const WRITE_US = 250
const WRITTEN_BYTES_PER_US = 200
const TICK_US = 50_000

const CLIENT = 1
const FEED = 2

/** What is counted: turns are a thread's wake-ups, bytes of frames are copied from thread to thread. */
export const COUNTS = [
  'turns',
  'framesBetweenPeers',
  'bytesBetweenPeers',
  'storeWrites',
  'storeBytes',
  'feedFrames',
  'feedBytes',
  'clientFrames',
  'clientBytes',
] as const
export type Count = (typeof COUNTS)[number]
export type Counts = Record<Count, number>

function noCounts(): Counts {
  return Object.fromEntries(COUNTS.map(name => [name, 0])) as Counts
}

class Part {
  readonly sid: Sid
  readonly core: PeerCore
  readonly #model: Model
  #inbox: PeerInput[] = []
  #planned = false

  constructor(model: Model, config: PeerConfig) {
    this.#model = model
    this.sid = config.sid
    const epochs = { acceptedEpoch: EPOCH_ZERO, currentEpoch: EPOCH_ZERO }
    const history = { logStart: LOG_START, base: LOG_START, groups: [], epochEnds: [] }
    const recovered = { epochs, history, committed: ZXID_ZERO, trusted: true }
    this.core = new PeerCore(config, recovered, new Tree(), undefined)
  }

  take(input: PeerInput): void {
    this.#inbox.push(input)
    if (this.#planned) return
    this.#planned = true
    this.#model.agenda.after(TURN_US, () => this.#turn())
  }

  #turn(): void {
    this.#planned = false
    const inputs = this.#inbox
    this.#inbox = []
    this.#model.turned(
      this,
      this.core.turn(inputs, Math.floor(this.#model.agenda.now / 1000), {
        say: said => this.#model.said(said),
        work: work => this.#model.worked(this, work),
      }),
    )
  }
}

export class Model {
  readonly agenda = new Agenda()
  counts = noCounts()
  readonly client = new ClientCore({ timeoutMs: 10_000, password: new Uint8Array(16) })
  readonly #observer: Observer | undefined
  readonly #parts: ReadonlyMap<Sid, Part>
  #home: Part | undefined
  #flushPlanned = false
  /** Told of each call that is answered. */
  onAnswer: (call: AnyCall) => void = () => {}

  /** `observes`: the client's thread keeps a replica of the tree. */
  constructor(peers: number, observes: boolean) {
    const sids = Array.from({ length: peers }, (_, at) => makeSid(at + 1))
    const config = {
      peers: sids,
      quorum: new Majority(sids),
      ...{ initLimitTicks: 200, syncLimitTicks: 20, dataBytesMax: 1024 * 1024, tickMs: 50 },
      ...{ crc32, snapshotLogBytes: Number.POSITIVE_INFINITY },
    }
    this.#parts = new Map(sids.map(sid => [sid, new Part(this, { ...config, sid })]))
    this.#observer = observes ? new Observer() : undefined
    for (const [sid, part] of this.#parts) {
      for (const other of sids) if (other !== sid) part.take({ kind: 'linkUp', sid: other })
      this.#tick(part)
    }
    this.#until(() => this.#leader() !== undefined)
    this.#connect(this.#leader()!)
  }

  /** Goes on until the condition holds. */
  #until(condition: () => boolean): void {
    while (!condition()) this.agenda.runUntil(this.agenda.now + HOP_US)
  }

  /** Goes on until that many calls were answered. */
  run(submit: () => AnyCall, inFlight: number, calls: number): void {
    let asked = 0
    let answered = 0
    const ask = (): void => {
      if (asked === calls) return
      asked++
      this.client.submit(submit())
    }
    this.onAnswer = () => {
      answered++
      ask()
    }
    for (let at = 0; at < inFlight; at++) ask()
    this.#planFlush()
    this.#until(() => answered === calls)
  }

  turned(part: Part, output: TurnOutput): void {
    this.counts.turns++
    this.worked(part, output)
    this.said(output)
  }

  worked(part: Part, { peerFrames, tasks }: Work): void {
    const { counts } = this
    for (const { to, frame } of peerFrames) {
      counts.framesBetweenPeers++
      counts.bytesBetweenPeers += frame.length
      this.agenda.after(HOP_US, () => {
        this.#parts.get(to)!.take({ kind: 'peerFrame', from: part.sid, frame })
      })
    }
    for (const task of tasks) {
      if (task.kind !== 'write') throw new Error(`the model has no ${task.kind}`)
      const { writeId, groups } = task.persist
      const bytes = groups.reduce((sum, { payload }) => sum + payload.length, 0)
      counts.storeWrites++
      counts.storeBytes += bytes
      const takesUs = WRITE_US + Math.ceil(bytes / WRITTEN_BYTES_PER_US)
      this.agenda.after(takesUs, () => part.take({ kind: 'persisted', writeId }))
    }
  }

  said({ feedFrames, clientFrames }: Said): void {
    const { counts } = this
    for (const { frame } of feedFrames) {
      counts.feedFrames++
      counts.feedBytes += frame.length
      this.agenda.after(HOP_US, () => this.#fed(frame))
    }
    for (const { frame } of clientFrames) {
      counts.clientFrames++
      counts.clientBytes += frame.length
      this.agenda.after(HOP_US, () => this.#heard(frame))
    }
  }

  #tick(part: Part): void {
    this.agenda.after(TICK_US, () => {
      part.take({ kind: 'tick' })
      this.#tick(part)
    })
  }

  #leader(): Part | undefined {
    return [...this.#parts.values()].find(({ core }) => core.zab.leads)
  }

  #connect(home: Part): void {
    this.#home = home
    home.take({ kind: 'connect', connection: CLIENT })
    this.client.connected()
    this.#planFlush()
    if (this.#observer === undefined) return
    home.take({ kind: 'observe', connection: FEED })
    this.#observer.connected()
    this.#flushFeed()
  }

  #heard(frame: Uint8Array): void {
    this.client.receive(frame)
    this.#deliver()
  }

  #fed(frame: Uint8Array): void {
    this.#observer!.receive(frame)
    this.#flushFeed()
    this.client.sit(this.#observer!)
    this.#deliver()
  }

  #deliver(): void {
    for (;;) {
      const delivery = this.client.takeDelivery()
      if (delivery === undefined) break
      if (delivery.kind === 'call') this.onAnswer(delivery)
    }
    this.#planFlush()
  }

  /** What is asked for at one moment leaves together. */
  #planFlush(): void {
    if (this.#flushPlanned) return
    this.#flushPlanned = true
    this.agenda.after(TURN_US, () => {
      this.#flushPlanned = false
      for (;;) {
        const frame = this.client.takeFrame()
        if (frame === undefined) return
        this.counts.clientFrames++
        this.counts.clientBytes += frame.length
        const home = this.#home!
        this.agenda.after(HOP_US, () => {
          home.take({ kind: 'clientFrame', connection: CLIENT, frame })
        })
      }
    })
  }

  #flushFeed(): void {
    const frame = this.#observer!.takeFrame()
    if (frame === undefined) return
    const home = this.#home!
    this.agenda.after(HOP_US, () => {
      home.take({ kind: 'observerFrame', connection: FEED, frame })
    })
  }
}
