/**
 * The line of one session, shared by both faces: calls go in, and what the core decides is handed on in order. The
 * promise face is driven by the event loop (a turn, frames, a timer); the blocking face by `#block`, the bridge.
 */

import { randomBytes } from 'node:crypto'
import type { MessagePort } from 'node:worker_threads'
import { TreeError } from '../base/errors.ts'
import { PATH_BYTES_MAX } from '../base/limits.ts'
import type { ZPath } from '../base/path.ts'
import type { SessionId } from '../base/zxid.ts'
import type { Znode } from '../tree/znode.ts'
import { closeCall } from './calls.ts'
import { ClientCore, type SessionState } from './core.ts'
import type { AnyCall, Call } from './core-call.ts'
import { Doors } from './doors.ts'
import { Link, PATROL_MS } from './link.ts'
import type { LineOptions } from './options.ts'
import { wakeCount } from './wake.ts'

/** Pause between two patrols while nothing is awaited, as a share of the session timeout. */
const WATCHDOG_SHARE = 1 / 6
const PASSWORD_BYTES = 16
/** Turns of one line before the event loop is let in. */
const TURNS_MAX = 100

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
  /** Turns since the event loop was let in. */
  #turnsInRow = 0
  #released = false
  /** Reading of the clock shared by the calls of one turn. */
  #now = 0
  /** Looks after the home of a session that waits for nothing, so that it is not lost with a peer that stands still. */
  readonly #watchdog: NodeJS.Timeout
  #timer: NodeJS.Timeout | undefined
  #keepAlive = true
  /** Settles `opened()` when the session leaves `connecting`. */
  #onOpened: (() => void) | undefined
  /** A promise was settled, and what awaits it may not have run yet: a watch or a state must not overtake it. */
  #settled = false
  /** Hands on what was left standing; until then, only a blocking call does. */
  #rest: NodeJS.Immediate | undefined
  readonly #turn = (): void => {
    this.#turnScheduled = false
    this.#link.flush()
    this.#settleDown()
  }
  readonly #tick = (): void => {
    this.#timer = undefined
    this.#link.patrol()
    this.#onEvent()
  }

  /** @throws TreeError BAD_ARGUMENTS for what is no fresh handle, NO_SUCH_PEER for an unknown `options.peer`. */
  constructor(handle: MessagePort, options: LineOptions) {
    this.#options = options
    const { timeoutMs, peer } = options
    this.#core = new ClientCore({ timeoutMs, password: randomBytes(PASSWORD_BYTES) })
    this.#doors = new Doors(handle, () => {
      this.#link.patrol()
      this.#onEvent()
    })
    this.#link = new Link(this.#core, this.#doors, options, () => this.#onEvent())
    if (peer !== undefined && !this.#doors.peers.includes(peer)) {
      const known = this.#doors.peers.join(', ')
      this.#doors.close()
      throw new TreeError('NO_SUCH_PEER', `there is no peer ${peer}: choose from ${known}`)
    }
    this.#watchdog = setInterval(() => {
      this.#link.patrol()
      this.#onEvent()
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
    this.#blockUntilTold(() => this.state !== 'connecting')
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
      // Now and then the event loop has its turn: who awaits one local read after the other would never let it in.
      if (++this.#turnsInRow < TURNS_MAX) process.nextTick(this.#turn)
      else {
        this.#turnsInRow = 0
        setImmediate(this.#turn)
      }
    }
    call.startedAt = this.#now
    this.#core.submit(call)
    return promise
  }

  /** Puts a call in the line and waits for its answer. Works inside a watch function, too. */
  block<T>(call: Call<T>): T {
    this.#now = performance.now()
    call.startedAt = this.#now
    if (this.#core.seated) this.#link.refresh()
    this.#core.submit(call)
    // Answered in this thread, and nothing stands before the answer.
    if (this.#core.nextDelivery === (call as AnyCall)) this.#core.takeDelivery()
    else this.#block(() => call.delivered)
    return call.result()
  }

  /** The znode, if a read of it can be answered in this thread and nothing has to be waited for or told before. */
  look(path: string): Znode | undefined {
    // Anything else is refused where calls are made, and no such path is hashed.
    if (typeof path !== 'string' || path.length > PATH_BYTES_MAX) return undefined
    if (!this.#core.seated) return undefined
    this.#link.refresh()
    return this.#core.look(path as ZPath)
  }

  /** Ends the session and releases everything. Never fails: what cannot be reached expires by itself. */
  close(): Promise<void> {
    return this.#askToClose() ? this.#closing.promise() : Promise.resolve()
  }

  closeSync(): void {
    if (this.#askToClose()) this.#blockUntilTold(() => this.#core.finished)
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
   * The blocking bridge: waits in bounded slices until `done`, doing meanwhile all that the event loop would. A blocked
   * thread hears of nothing by itself, so no wait is without an end. What stands behind the delivery that made it done
   * is left for later: a watch must not be told before the call that left it has returned.
   */
  #block(done: () => boolean): void {
    const link = this.#link
    link.flush()
    for (;;) {
      // Read before draining: a frame that comes after the drain changes it, and the wait returns at once.
      const seen = Atomics.load(wakeCount, 0)
      link.drain()
      if (!this.#core.linked || performance.now() - link.patrolledAt >= PATROL_MS) link.patrol()
      link.flush()
      this.#handOn(done)
      if (done()) break
      Atomics.wait(wakeCount, 0, seen, PATROL_MS)
    }
    if (this.#core.nextDelivery !== undefined) this.#leaveRest()
    this.#tidy()
  }

  /** Blocks until `done`, and hands on all that is known by then. */
  #blockUntilTold(done: () => boolean): void {
    this.#block(() => done() && this.#core.nextDelivery === undefined)
  }

  /** The event loop comes from elsewhere: what awaits the promises settled so far has run. */
  #onEvent(): void {
    this.#settled = false
    this.#settleDown()
  }

  /** Hands on what the core has decided, as far as nothing overtakes what awaits a settled promise. */
  #settleDown(): void {
    if (this.#rest === undefined) {
      this.#handOn(() => this.#settled && this.#core.nextDelivery?.kind !== 'call')
      if (this.#core.nextDelivery !== undefined) this.#leaveRest()
    }
    this.#tidy()
  }

  /**
   * Hands on deliveries, in order, until `done`. A user's function may block on this line and so hand on what stands
   * behind it: the queue is shared, so the order holds, and a change is told before any answer that shows it.
   */
  #handOn(done: () => boolean): void {
    while (!done()) {
      const delivery = this.#core.takeDelivery()
      if (delivery === undefined) return
      switch (delivery.kind) {
        case 'call':
          if (delivery.deliver()) this.#settled = true
          break
        case 'firing':
          // Other watchers are told with the same object.
          callUser(delivery.watcher, Object.freeze(delivery.event))
          break
        case 'state':
          this.#changed(delivery.state)
      }
    }
  }

  /**
   * An immediate runs when all that awaits the settled promises has; a tick or a microtask would come in between. It
   * keeps the process alive for this one turn, so that nothing is lost.
   */
  #leaveRest(): void {
    this.#rest ??= setImmediate(() => {
      this.#rest = undefined
      this.#onEvent()
    })
  }

  #changed(state: SessionState): void {
    if (this.#onOpened !== undefined) {
      this.#onOpened()
      this.#onOpened = undefined
      this.#settled = true
    }
    if (this.#options.onState !== undefined) callUser(this.#options.onState, state)
  }

  /** A finished session lets go of everything, even of what is still to be told; another sees to its timer. */
  #tidy(): void {
    if (!this.#core.finished) this.#armTimer()
    else if (!this.#released) {
      this.#released = true
      clearTimeout(this.#timer)
      clearInterval(this.#watchdog)
      this.#link.close()
    }
  }

  /** The timer runs only while somebody waits, or no peer serves the session. */
  #armTimer(): void {
    const core = this.#core
    if (this.#timer !== undefined) return
    if (core.state === 'connected' && core.pending === 0) return
    this.#timer = setTimeout(this.#tick, PATROL_MS)
    if (!this.#keepAlive) this.#timer.unref()
  }
}
