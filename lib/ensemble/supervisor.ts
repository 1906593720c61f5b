/**
 * All peers of an ensemble under supervision: started together, linked with each other, watched until the first leader
 * serves and from then on kept running.
 */

import { availableParallelism } from 'node:os'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { Board } from '../base/board.ts'
import { show, TreeError } from '../base/errors.ts'
import type { Failure } from '../base/ports.ts'
import type { Sid } from '../base/zxid.ts'
import { badArgument } from '../client/options.ts'
import type { EnsembleDirectory } from './directory.ts'
import { Disturbance } from './disturbance.ts'
import { Handles } from './handles.ts'
import { loopTurn } from './loop-turn.ts'
import type { EnsembleConfig, PeerFailure } from './options.ts'
import { Recoveries, turnsOf } from './recoveries.ts'
import { closeSessions, seeOffClients } from './sessions.ts'
import { type EnsembleStatus, statusOf } from './status.ts'
import { type PeerListener, type PeerSettings, SupervisedPeer } from './supervised-peer.ts'

/** Settles the opening of the ensemble. */
interface Opening {
  succeed(): void
  fail(error: TreeError): void
}

/** Makes a channel between two peers that are started; it replaces an earlier one. */
function link(one: SupervisedPeer, other: SupervisedPeer): void {
  const { port1, port2 } = new MessageChannel()
  const replaced = new SharedArrayBuffer(4)
  const toOther = { sid: other.sid, incarnation: other.incarnation, port: port1, replaced }
  const toOne = { sid: one.sid, incarnation: one.incarnation, port: port2, replaced }
  one.send({ kind: 'link', ...toOther }, [port1])
  other.send({ kind: 'link', ...toOne }, [port2])
}

export class Supervisor implements PeerListener {
  readonly #config: EnsembleConfig
  readonly #directory: EnsembleDirectory | undefined
  readonly #peers: ReadonlyMap<Sid, SupervisedPeer>
  readonly #handles: Handles
  readonly #disturbance = new Disturbance()
  readonly #recoveries: Recoveries
  #opening: Opening | undefined
  #served = false
  /** Failures that nobody has been told of; undefined once the ensemble is handed over: then they are told at once. */
  #untold: PeerFailure[] | undefined = []
  /** Whether the sessions of an earlier life are closed. */
  #swept = false

  constructor(config: EnsembleConfig, directory: EnsembleDirectory | undefined, worker: URL) {
    this.#config = config
    this.#directory = directory
    const board = new Board()
    this.#handles = new Handles(board, config.dataBytesMax)
    const voters = config.peers.filter(({ votes }) => votes).map(({ sid }) => sid)
    const observers = config.peers.filter(({ votes }) => !votes).map(({ sid }) => sid)
    const quorum = Math.floor(voters.length / 2) + 1
    this.#recoveries = new Recoveries(Math.max(quorum, availableParallelism()))
    const { durability, tickMs, initLimitTicks, syncLimitTicks } = config
    const { dataBytesMax, snapshotLogBytes, snapshotsKept } = config
    this.#peers = new Map(
      config.peers.map(peer => {
        const settings: PeerSettings = {
          ...{ sid: peer.sid, voters, observers, dataDir: peer.dataDir, board: board.memory },
          ...{ durability, tickMs, initLimitTicks, syncLimitTicks },
          ...{ dataBytesMax, snapshotLogBytes, snapshotsKept },
        }
        return [peer.sid, new SupervisedPeer(peer, settings, config.restart, board, this, worker)]
      }),
    )
  }

  get peers(): readonly SupervisedPeer[] {
    return [...this.#peers.values()]
  }

  /** @throws TreeError NO_SUCH_PEER, or BAD_ARGUMENTS for what is no number. */
  peer(sid: number): SupervisedPeer {
    if (typeof sid !== 'number') {
      throw badArgument(`a peer is named by its server id, so give a number, not ${show(sid)}`)
    }
    const peer = this.#peers.get(sid as Sid)
    if (peer !== undefined) return peer
    const known = [...this.#peers.keys()].join(', ')
    throw new TreeError('NO_SUCH_PEER', `there is no peer ${sid}: choose from ${known}`)
  }

  /**
   * Starts all peers and waits for the first leader that serves, and for all stores to be open; in an ensemble that is
   * new, for all to serve. Peers that still recover then need nothing more of this thread, which the application may
   * block from that moment on. Meanwhile sessions of an earlier life are closed. A store that is not open when the time
   * is over is not waited for, nor are sessions that are left: they expire by themselves.
   * @throws TreeError the failure of a peer that cannot start; NO_QUORUM when no leader serves in time.
   */
  async open(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    try {
      await new Promise<void>((resolve, reject) => {
        this.#opening = { succeed: resolve, fail: reject }
        timer = setTimeout(() => {
          this.#checkServed().then(resolve, reject)
        }, this.#config.openTimeoutMs)
        // A failure to start reaches the opening through `onFailure`.
        const peers = turnsOf(this.peers, Math.random())
        for (const peer of peers) peer.start().catch(() => undefined)
      })
      this.#recoveries.unlimit()
    } finally {
      clearTimeout(timer)
      this.#opening = undefined
    }
  }

  /** Somebody has the ensemble. Failures are told from the next turn on, when it is where it is to be. */
  handedOver(): void {
    setImmediate(() => {
      const untold = this.#untold ?? []
      this.#untold = undefined
      for (const failure of untold) this.#tellFailure(failure)
    })
  }

  handle(): MessagePort {
    return this.#handles.create(this.peers)
  }

  /**
   * Sets faults on the links. They are in force when this resolves, or, with a peer that is paused or still recovers,
   * before it does anything else.
   */
  async disturb(change: (disturbance: Disturbance) => void): Promise<void> {
    change(this.#disturbance)
    for (const peer of this.peers) this.#sendFaults(peer)
    await Promise.all(this.peers.map(peer => peer.settled()))
  }

  /** Takes away the faults on all links, or on those of one peer, and replaces links that have lost frames. */
  async healLinks(sid?: Sid): Promise<void> {
    const broken = this.#disturbance.heal(sid)
    for (const peer of this.peers) this.#sendFaults(peer)
    for (const { from, to } of broken) this.#link(this.peer(from), this.peer(to))
    await Promise.all(this.peers.map(peer => peer.settled()))
  }

  status(): Promise<EnsembleStatus> {
    return statusOf(this.peers)
  }

  /** Tells the clients and sees them off, then lets all peers close their stores. */
  async close(): Promise<void> {
    this.#handles.close()
    for (const peer of this.peers) void peer.resume()
    // What is in memory goes anyway.
    if (this.#directory !== undefined) await seeOffClients(this.peers)
    await Promise.all(this.peers.map(peer => peer.close()))
  }

  isFounding(peer: SupervisedPeer): boolean {
    if (this.#directory !== undefined) return this.#directory.isFounding
    // What it promised in its first life is forgotten in the second.
    return peer.starts === 0
  }

  onStarted(peer: SupervisedPeer): void {
    this.#sendFaults(peer)
    for (const other of this.peers) {
      if (other !== peer) this.#link(peer, other)
    }
    this.#handles.addDoors(peer)
    this.#recoveries.add(peer)
  }

  onOpened(): void {
    this.#checkOpened()
  }

  onReady(peer: SupervisedPeer): void {
    this.#recoveries.done(peer)
  }

  onServing(): void {
    if (!this.#served) void this.#sweep()
    this.#served = true
    this.#checkOpened()
  }

  onFailure(peer: SupervisedPeer, failure: Failure, restartDelayMs: number | undefined): void {
    this.#recoveries.done(peer)
    // Once it has been up, its death is for supervision to mend, during the opening too.
    if (this.#opening !== undefined && !peer.wasUp) {
      const { code, message, path } = failure
      const error = new TreeError(code, `peer ${peer.sid} cannot start: ${message}`, { path })
      return this.#opening.fail(error)
    }
    // It may be one that is not waited for any more.
    this.#checkOpened()
    this.#tellFailure({ sid: peer.sid, ...failure, restartDelayMs })
  }

  #tellFailure(failure: PeerFailure): void {
    if (this.#untold !== undefined) {
      this.#untold.push(failure)
      return
    }
    try {
      this.#config.onPeerFailure?.(failure)
    } catch (error) {
      // The user's own, and no reason for supervision to stop: it becomes an uncaught exception.
      queueMicrotask(() => {
        throw error
      })
    }
  }

  /** Links two peers that are started; over again, if they were linked before. */
  #link(one: SupervisedPeer, other: SupervisedPeer): void {
    if (!one.isStarted || !other.isStarted || !this.#disturbance.mayMeet(one.sid, other.sid)) return
    link(one, other)
    this.#disturbance.linked(one.sid, other.sid)
  }

  #sendFaults(peer: SupervisedPeer): void {
    if (!peer.isStarted) return
    const faults = this.#disturbance.faultsOf(peer.sid)
    peer.send({ kind: 'disturb', faults })
  }

  #checkOpened(): void {
    if (!this.#served || !this.#swept) return
    if (this.peers.every(peer => this.#isDone(peer))) this.#opening?.succeed()
  }

  /**
   * Whether the opening need not wait for the peer (any more). A voter that never heard of an epoch has no vote in its
   * next life: a new ensemble that is soon closed again would have one the less. Where there is nothing to recover it
   * takes no time either.
   */
  #isDone(peer: SupervisedPeer): boolean {
    if (peer.staysDown) return true
    const isNew = this.#directory?.isFounding ?? true
    return isNew ? peer.hasServed : peer.hasOpened
  }

  /** No client of this life exists as long as the ensemble is not open. */
  async #sweep(): Promise<void> {
    const hasPast = this.#directory?.isFounding === false
    if (hasPast) await closeSessions(this.peers, () => this.#opening !== undefined)
    this.#swept = true
    this.#checkOpened()
  }

  /** @throws TreeError NO_QUORUM, by all that the peers have said. */
  async #checkServed(): Promise<void> {
    await loopTurn()
    if (!this.#served) throw await this.#explainNoQuorum()
  }

  async #explainNoQuorum(): Promise<TreeError> {
    const { peers } = await this.status()
    const each = peers.map(({ sid, state, lastFailure }) => {
      const why = lastFailure === undefined ? '' : ` (${lastFailure})`
      return `peer ${sid} is ${state}${why}`
    })
    const waited = `no leader served within ${this.#config.openTimeoutMs} ms`
    const advice = 'raise openTimeoutMs, or see what holds the peers up'
    return new TreeError('NO_QUORUM', `${waited}: ${each.join(', ')}: ${advice}`)
  }
}
