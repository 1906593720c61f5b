/**
 * The surroundings of one peer's core in its thread: ports, store and clock. Whatever comes in goes to the inbox and
 * schedules one turn; a turn drains the inbox and carries out what the core says. Nothing is decided here.
 */

import { randomInt } from 'node:crypto'
import type { MessagePort } from 'node:worker_threads'
import { unreachable } from '../base/assert.ts'
import { Board } from '../base/board.ts'
import { Lifeline } from '../base/lifeline.ts'
import type { ConnectMessage, ControlMessage, PeerBoot, PeerReport } from '../base/ports.ts'
import type { Sid } from '../base/zxid.ts'
import type { Store } from '../storage/store.ts'
import type { PeerCore } from './core.ts'
import {
  CONNECTION_INPUTS,
  type Outlet,
  type PeerInput,
  type Said,
  type TurnOutput,
  type Work,
} from './core-turn.ts'
import { Links, type LinksListener, post } from './links.ts'
import { stall } from './stall.ts'
import { StoreRunner } from './store-runner.ts'

/** A client's connection, or a local observer's feed. */
interface Client {
  readonly port: MessagePort
  readonly wake: Int32Array
}

export class Driver implements LinksListener {
  readonly #boot: PeerBoot
  readonly #core: PeerCore
  readonly #board: Board
  readonly #runner: StoreRunner
  readonly #links = new Links(this)
  readonly #clients = new Map<number, Client>()
  readonly #doors = new Set<MessagePort>()
  #inbox: PeerInput[] = []
  #scheduled = false
  #ended = false
  /** Random, so that no number of an earlier life of this peer comes again. */
  #nextConnection = randomInt(2 ** 47) * 32
  #serving = false
  #ticker: NodeJS.Timeout | undefined
  #resolve: () => void = () => {}
  #reject: (error: unknown) => void = () => {}
  readonly #turn = (): void => this.#runTurn()
  readonly #outlet: Outlet = {
    say: said => this.#say(said),
    work: work => this.#work(work),
  }

  constructor(boot: PeerBoot, core: PeerCore, store: Store) {
    this.#boot = boot
    this.#core = core
    this.#board = new Board(boot.board)
    this.#runner = new StoreRunner(
      store,
      input => this.#push(input),
      error => this.#end(error),
    )
  }

  /** Lives until the peer is to be closed (resolves) or cannot go on (rejects). The store is the caller's to close. */
  run(damage: string | undefined): Promise<void> {
    const { control, tickMs } = this.#boot
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
      control.on('message', (message: ControlMessage) => this.#onControl(message))
      this.#ticker = setInterval(() => this.#tick(), tickMs)
      this.#report({ kind: 'ready', damage })
      this.#schedule()
    })
  }

  #tick(): void {
    this.#board.beat(this.#boot.sid)
    this.#push({ kind: 'tick' })
  }

  #push(input: PeerInput): void {
    this.#inbox.push(input)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(this.#turn)
  }

  #runTurn(): void {
    this.#scheduled = false
    if (this.#ended) return
    const inputs = this.#inbox
    this.#inbox = []
    try {
      this.#carryOut(this.#core.turn(inputs, Date.now(), this.#outlet))
      this.#show()
    } catch (error) {
      this.#end(error)
    }
  }

  #carryOut(output: TurnOutput): void {
    // Clients come before peers that are told of commits only: a thread that is woken may take the processor that a
    // client waits for.
    const hasWork = output.tasks.length > 0
    if (hasWork) this.#work(output)
    this.#say(output)
    if (!hasWork) this.#work(output)
    for (const connection of output.closings) {
      const client = this.#clients.get(connection)
      this.#clients.delete(connection)
      client?.port.close()
    }
  }

  /** Other peers come before the own disk, so that their disks and ours work at the same time. */
  #work({ peerFrames, tasks }: Work): void {
    for (const { to, frame } of peerFrames) this.#links.post(to, frame)
    this.#runner.run(tasks)
  }

  #say({ feedFrames, clientFrames }: Said): void {
    for (const { to, frame } of feedFrames) this.#tell(to, frame)
    for (const { to, frame } of clientFrames) this.#tell(to, frame)
  }

  #tell(connection: number, frame: Uint8Array): void {
    const client = this.#clients.get(connection)
    if (client === undefined) return
    post(client.port, frame)
    Atomics.add(client.wake, 0, 1)
    Atomics.notify(client.wake, 0)
  }

  #show(): void {
    const { serving, role } = this.#core.zab.view
    this.#board.show(this.#boot.sid, serving ? role : 'looking')
    if (serving === this.#serving) return
    this.#serving = serving
    this.#report({ kind: 'role', serving })
  }

  #onControl(message: ControlMessage): void {
    switch (message.kind) {
      case 'link':
        return this.#links.connect(message)
      case 'door':
        return this.#openDoor(message.door)
      case 'status':
        return this.#report({ kind: 'status', id: message.id, status: this.#core.status })
      case 'disturb':
        return this.#links.disturb(message.faults)
      case 'pause': {
        const { id, ms, busy, resume } = message
        this.#report({ kind: 'paused', id })
        new Lifeline(this.#boot.lifeline).rest(() => stall(new Int32Array(resume), ms, busy))
        return this.#report({ kind: 'resumed', id })
      }
      case 'closeSessions':
        return this.#push(message)
      case 'close':
        return this.#end(undefined)
      default:
        unreachable(message)
    }
  }

  onLinkUp(sid: Sid): void {
    this.#push({ kind: 'linkUp', sid })
  }

  onFrame(from: Sid, frame: Uint8Array): void {
    this.#push({ kind: 'peerFrame', from, frame })
  }

  onLinkDown(sid: Sid): void {
    if (!this.#ended) this.#push({ kind: 'linkDown', sid })
  }

  /** Shown at once, to clients that are blocked and cannot see it. */
  onPeerGone(sid: Sid, incarnation: number): void {
    if (!this.#ended) this.#board.showDown(sid, incarnation)
  }

  #openDoor(door: MessagePort): void {
    this.#doors.add(door)
    door.on('message', (message: ConnectMessage) => this.#connect(message))
    door.on('close', () => this.#doors.delete(door))
  }

  #connect({ kind, port, wake }: ConnectMessage): void {
    const connection = this.#nextConnection++
    this.#clients.set(connection, { port, wake: new Int32Array(wake) })
    this.#push({ kind, connection })
    const inputs = CONNECTION_INPUTS[kind]
    port.on('message', (frame: Uint8Array) => this.#push({ kind: inputs.frame, connection, frame }))
    port.on('close', () => {
      // Unless it was us who closed it.
      if (this.#clients.delete(connection)) this.#push({ kind: inputs.end, connection })
    })
  }

  #report(report: PeerReport): void {
    this.#boot.control.postMessage(report)
  }

  /** Stops acting at once, so that nothing is acknowledged any more. */
  #end(error: unknown): void {
    if (this.#ended) return
    this.#ended = true
    clearInterval(this.#ticker)
    this.#board.showDown(this.#boot.sid, this.#boot.incarnation)
    this.#links.close()
    for (const { port } of this.#clients.values()) port.close()
    for (const door of this.#doors) door.close()
    if (error === undefined) this.#resolve()
    else this.#reject(error)
  }
}
