/**
 * The line of one session, shared by both faces: calls go in, and what the core decides is handed on in order. The
 * promise face is driven by the event loop (a turn, frames, a timer); the blocking face by `#block`, the bridge.
 */

import { randomBytes } from 'node:crypto'
import type { MessagePort } from 'node:worker_threads'
import { TreeError } from '../base/errors.ts'
import type { SessionId } from '../base/zxid.ts'
import { closeCall } from './calls.ts'
import { ClientCore, type SessionState } from './core.ts'
import type { Call } from './core-call.ts'
import { Doors } from './doors.ts'
import { Link } from './link.ts'
import type { LineOptions } from './options.ts'

/** Longest wait of a blocked thread, and pause of the timer, between two patrols. */
const PATROL_MS = 10
/** Pause between two patrols while nothing is awaited, as a share of the session timeout. */
const WATCHDOG_SHARE = 1 / 6
const PASSWORD_BYTES = 16

/** A user's function must not break the line, nor may its error vanish. */
function callUser<T>(listener: (argument: T) => void, argument: T): void {
  try {
    listener(argument)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}

export class Line {
  readonly #options: LineOptions
  readonly #core: ClientCore
  readonly #doors: Doors
  readonly #link: Link
  readonly #closing: Call<void> = closeCall()
  #closeAsked = false
  #turnScheduled = false
  /** Reading of the clock shared by the calls of one turn. */
  #now = 0
  /** Looks after the home of a session that waits for nothing, so that it is not lost with a peer that stands still. */
  readonly #watchdog: NodeJS.Timeout
  #timer: NodeJS.Timeout | undefined
  #keepAlive = true
  /** Settles `opened()` when the session leaves `connecting`. */
  #onOpened: (() => void) | undefined
  readonly #turn = (): void => {
    this.#turnScheduled = false
    this.#link.flush()
    this.#settleDown()
  }
  readonly #tick = (): void => {
    this.#timer = undefined
    this.#link.patrol()
    this.#settleDown()
  }

  /** @throws TreeError BAD_ARGUMENTS for what is no fresh handle, NO_SUCH_PEER for an unknown `options.peer`. */
  constructor(handle: MessagePort, options: LineOptions) {
    this.#options = options
    const { timeoutMs, peer } = options
    this.#core = new ClientCore({ timeoutMs, password: randomBytes(PASSWORD_BYTES) })
    this.#doors = new Doors(handle, () => {
      this.#link.patrol()
      this.#settleDown()
    })
    this.#link = new Link(this.#core, this.#doors, options, () => this.#settleDown())
    if (peer !== undefined && this.#doors.door(peer) === undefined) {
      const known = [...this.#doors.sids].join(', ')
      this.#doors.close()
      throw new TreeError('NO_SUCH_PEER', `there is no peer ${peer}: choose from ${known}`)
    }
    this.#watchdog = setInterval(() => {
      this.#link.patrol()
      this.#settleDown()
    }, timeoutMs * WATCHDOG_SHARE)
    this.#watchdog.unref()
  }

  get state(): SessionState {
    return this.#core.state
  }

  get sessionId(): SessionId {
    return this.#core.sessionId
  }

  get timeoutMs(): number {
    return this.#core.timeoutMs
  }

  get dataBytesMax(): number {
    return this.#doors.dataBytesMax
  }

  /** Resolves when the session is open. */
  opened(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onOpened = () => {
        const failure = this.#openingFailure()
        if (failure === undefined) resolve()
        else reject(failure)
      }
      this.#link.patrol()
      this.#settleDown()
    })
  }

  /** Waits until the session is open. */
  openedSync(): void {
    this.#block(() => this.state !== 'connecting')
    const failure = this.#openingFailure()
    if (failure !== undefined) throw failure
  }

  /** Puts a call in the line; it leaves with the others of this turn, in one frame. */
  start<T>(call: Call<T>): Promise<T> {
    const promise = call.promise()
    if (!this.#turnScheduled) {
      this.#turnScheduled = true
      this.#now = performance.now()
      // Not a microtask: a tick runs when all continuations have, so that what they call goes in the same frame.
      process.nextTick(this.#turn)
    }
    call.startedAt = this.#now
    this.#core.submit(call)
    return promise
  }

  /** Puts a call in the line and waits for its answer. Works inside a watch function, too. */
  block<T>(call: Call<T>): T {
    this.#now = performance.now()
    call.startedAt = this.#now
    this.#core.submit(call)
    this.#block(() => call.ended)
    return call.result()
  }

  /** Ends the session and releases everything. Never fails: what cannot be reached expires by itself. */
  close(): Promise<void> {
    return this.#askToClose() ? this.#closing.promise() : Promise.resolve()
  }

  closeSync(): void {
    if (this.#askToClose()) this.#block(() => this.#core.finished)
  }

  /** Whether an open session keeps the process alive. */
  setKeepAlive(on: boolean): void {
    this.#keepAlive = on
    this.#link.setKeepAlive(on)
    if (on) this.#timer?.ref()
    else this.#timer?.unref()
  }

  /** Returns whether there is an end to wait for. */
  #askToClose(): boolean {
    if (this.#core.finished) return false
    if (!this.#closeAsked) {
      this.#closeAsked = true
      void this.start(this.#closing)
    }
    return true
  }

  #openingFailure(): TreeError | undefined {
    if (!this.#core.finished) return undefined
    if (this.#doors.ensembleClosed) {
      return new TreeError('CLOSED', 'cannot connect: the ensemble is closed, open it first')
    }
    const waited = `no peer opened a session within ${this.#options.timeoutMs} ms`
    const advice = 'check that a quorum of the peers is up, or raise timeoutMs'
    return new TreeError('CONNECTION_LOSS', `cannot connect: ${waited}: ${advice}`)
  }

  /**
   * The blocking bridge: waits in bounded slices until `ended`, doing meanwhile all that the event loop would. A
   * blocked thread hears of nothing by itself, so no wait is without an end.
   */
  #block(ended: () => boolean): void {
    const link = this.#link
    link.flush()
    for (;;) {
      // Read before draining: a frame that comes after the drain changes it, and the wait returns at once.
      const seen = Atomics.load(link.wakeCount, 0)
      link.drain()
      if (!this.#core.linked || performance.now() - link.patrolledAt >= PATROL_MS) link.patrol()
      link.flush()
      this.#settleDown()
      if (ended()) return
      Atomics.wait(link.wakeCount, 0, seen, PATROL_MS)
    }
  }

  /**
   * Hands on what the core has decided, in order, and sees whether the timer is needed. A user's function may block on
   * this line and so hand on what stands behind it: the queue is shared, so the order holds.
   */
  #settleDown(): void {
    for (;;) {
      const delivery = this.#core.takeDelivery()
      if (delivery === undefined) break
      switch (delivery.kind) {
        case 'call':
          delivery.deliver()
          break
        case 'firing':
          for (const watcher of delivery.watchers) callUser(watcher, delivery.event)
          break
        case 'state':
          this.#changed(delivery.state)
      }
    }
    this.#armTimer()
  }

  #changed(state: SessionState): void {
    if (this.#core.finished) {
      clearTimeout(this.#timer)
      clearInterval(this.#watchdog)
      this.#link.close()
    }
    this.#onOpened?.()
    this.#onOpened = undefined
    if (this.#options.onState !== undefined) callUser(this.#options.onState, state)
  }

  /** The timer runs only while somebody waits, or no peer serves the session. */
  #armTimer(): void {
    const core = this.#core
    if (this.#timer !== undefined || core.finished) return
    if (core.state === 'connected' && core.pending === 0) return
    this.#timer = setTimeout(this.#tick, PATROL_MS)
    if (!this.#keepAlive) this.#timer.unref()
  }
}
