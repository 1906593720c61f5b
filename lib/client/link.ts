/**
 * The link: carries the pure core's frames to the peer that serves the session, and sees to it that there is one.
 *
 * What must happen in time (finding a peer, noticing a dead or stuck one, giving up on calls) is one function,
 * `patrol`. It needs no event loop, so a blocked thread, which calls it between its waits, fails over like any other.
 * Nothing here runs a user's code.
 */

import { assert } from '../base/assert.ts'
import type { Sid } from '../base/zxid.ts'
import type { ClientCore } from './core.ts'
import type { Doors } from './doors.ts'
import { chooseHome, Home, type HomeListener, otherLeader } from './home.ts'
import { LocalObserver, type ObserverUser } from './local-observer.ts'
import type { LineOptions } from './options.ts'
import { wakeCount } from './wake.ts'

/** A home that has said nothing for this share of the session timeout is left, if another peer leads. */
const PATIENCE_SHARE = 1 / 3
/** Longest pause between two patrols of a thread that does nothing but call. */
export const PATROL_MS = 10
/** Reads after which the clock is looked at though no peer has a pulse. */
const LOOKS_MAX = 1000

export class Link implements HomeListener, ObserverUser {
  readonly #core: ClientCore
  readonly #doors: Doors
  readonly #options: LineOptions
  readonly #onArrival: () => void
  #home: Home | undefined
  /** That of the thread, while this session may read there. */
  #observer: LocalObserver | undefined
  /** The thread's wake count and the ensemble's pulse at the last `refresh` that did something, and those since. */
  #drainedAt = 0
  #pulse = 0
  #looks = 0
  #keepAlive = true
  #patrolledAt = 0
  /** When the home was connected or last said something. */
  #heardAt = 0
  /** The home's beat as last seen on the board, and when it was new. */
  #beats = 0
  #beatAt = 0
  /** Since when no peer serves the session; undefined while one does. */
  #unservedSince: number | undefined = performance.now()

  /** `onArrival` is called when the event loop has brought something, after the core has taken it in. */
  constructor(core: ClientCore, doors: Doors, options: LineOptions, onArrival: () => void) {
    this.#core = core
    this.#doors = doors
    this.#options = options
    this.#onArrival = onArrival
  }

  /** When `patrol` last ran, by `performance.now()`. */
  get patrolledAt(): number {
    return this.#patrolledAt
  }

  /** Sends what the core has to say. */
  flush(): void {
    const home = this.#home
    if (home === undefined) return
    for (;;) {
      const frame = this.#core.takeFrame()
      if (frame === undefined) return
      home.post(frame)
    }
  }

  get homeSid(): Sid | undefined {
    return this.#home?.sid
  }

  /** Before a read that may be answered here: it must show what has arrived, and time goes on meanwhile. */
  refresh(): void {
    const seen = Atomics.load(wakeCount, 0)
    const { pulse } = this.#doors.board
    if (seen === this.#drainedAt && pulse === this.#pulse && ++this.#looks < LOOKS_MAX) return
    const timePasses = pulse !== this.#pulse || this.#looks === LOOKS_MAX
    this.#drainedAt = seen
    this.#pulse = pulse
    this.#looks = 0
    if (timePasses && performance.now() - this.#patrolledAt >= PATROL_MS) this.patrol()
    else this.drain()
  }

  /** Takes in all frames that have arrived: first what the observer is fed, since answers wait for it. */
  drain(): void {
    if (this.#observer !== undefined) {
      this.#observer.drain()
      this.#takeSeat()
    }
    for (;;) {
      const frame = this.#home?.take()
      if (frame === undefined) return
      this.#receive(frame)
    }
  }

  patrol(): void {
    if (this.#core.finished) return
    // What has already arrived counts, however long this thread was busy elsewhere.
    this.drain()
    this.#doors.collect()
    if (this.#doors.ensembleClosed) this.#core.finish('closed', 'CLOSED')
    const now = performance.now()
    this.#patrolledAt = now
    if (!this.#core.finished) this.#checkHome(now)
    this.#checkDeadlines(now)
    this.#takeSeat()
    this.flush()
  }

  /** Whether the connection keeps the process alive. */
  setKeepAlive(on: boolean): void {
    this.#keepAlive = on
    this.#home?.keepAlive(on)
  }

  close(): void {
    this.#observer?.letGo(this)
    this.#observer = undefined
    this.#home?.close()
    this.#home = undefined
    this.#doors.close()
  }

  onFrame(home: Home, frame: Uint8Array): void {
    if (home !== this.#home) return
    // What the observer was sent before is taken in before: the answer may wait for it.
    this.#observer?.drain()
    this.#receive(frame)
    if (this.#core.linked && !this.#doors.ensembleClosed) this.flush()
    else this.patrol()
    this.#onArrival()
  }

  onGone(home: Home): void {
    if (home !== this.#home) return
    this.#lose(home)
    this.patrol()
    this.#onArrival()
  }

  onObserved(): void {
    this.#takeSeat()
    if (this.#core.linked) this.flush()
    else this.patrol()
    this.#onArrival()
  }

  /** Sees to it that reads are answered in this thread, if they may be; and that a session that lost that goes on. */
  #takeSeat(): void {
    if (this.#home !== undefined && !this.#core.linked) this.#hangUp()
    if (this.#options.reads === 'peer' || !this.#core.wantsObserver) return
    if (this.#observer === undefined) {
      this.#observer = LocalObserver.of(this.#doors.ensembleId)
      this.#observer.use(this)
    }
    const observer = this.#observer
    observer.follow(this, this.#doors)
    if (observer.sid === this.homeSid) this.#guard(() => this.#core.sit(observer.core))
  }

  #receive(frame: Uint8Array): void {
    this.#heardAt = performance.now()
    // The news that the ensemble closes was sent before anything a peer says of its end, but on another port.
    this.#doors.collect()
    this.#guard(() => this.#core.receive(frame, this.#doors.ensembleClosed))
    if (this.#core.state === 'connected') this.#unservedSince = undefined
    if (this.#core.linked) this.#takeSeat()
    else this.#hangUp()
  }

  /** A broken invariant, or bytes that are no frame: this session cannot go on, the application can. */
  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      process.emitWarning(error as Error)
      this.#core.finish('closed', 'PEER_FAILED')
    }
  }

  #checkHome(now: number): void {
    const { board, sids } = this.#doors
    if (this.#home?.isDown(board)) this.#lose(this.#home)
    if (this.#core.finished) return
    if (this.#home === undefined) {
      const sid = chooseHome(board, sids, this.#options.peer)
      if (sid !== undefined) this.#moveIn(sid, now)
    } else if (this.#isStuck(this.#home, now)) {
      const leader = otherLeader(board, sids, this.#home.sid)
      if (leader === undefined) return
      this.#home.post(this.#core.depart())
      this.#hangUp()
      this.#moveIn(leader, now)
    }
  }

  /**
   * Whether the home's thread stands still, or owes us a word and has been silent for too long. A client that waits for
   * nothing must notice too: its session is not reported any more, and would expire.
   */
  #isStuck(home: Home, now: number): boolean {
    const patienceMs = this.#core.timeoutMs * PATIENCE_SHARE
    const beats = this.#doors.board.beats(home.sid)
    if (beats !== this.#beats) {
      this.#beats = beats
      this.#beatAt = now
    } else if (beats !== 0 && now - this.#beatAt > patienceMs) return true
    if (now - this.#heardAt <= patienceMs) return false
    if (this.#core.state !== 'connected') return true
    const oldest = this.#core.oldestStartedAt
    return oldest !== undefined && now - oldest > patienceMs
  }

  #moveIn(sid: Sid, now: number): void {
    const { board } = this.#doors
    const door = this.#doors.door(sid)
    assert(door !== undefined, 'a home is chosen among the doors')
    this.#home = new Home('connect', sid, door, board, this)
    this.#home.keepAlive(this.#keepAlive)
    this.#heardAt = now
    this.#beatAt = now
    this.#guard(() => this.#core.connected())
    if (!this.#core.linked) this.#hangUp()
  }

  /** The home died: what it had sent is taken in first, then everybody is told and its door is given up. */
  #lose(home: Home): void {
    this.drain()
    if (home !== this.#home) return
    home.showDown(this.#doors.board)
    this.#doors.forget(home.sid, home.door)
    this.#core.disconnected()
    this.#hangUp()
  }

  #hangUp(): void {
    const farewell = this.#core.takeFarewell()
    if (farewell !== undefined) this.#home?.post(farewell)
    this.#home?.close()
    this.#home = undefined
    this.#unservedSince ??= performance.now()
  }

  #checkDeadlines(now: number): void {
    const core = this.#core
    const { timeoutMs } = core
    if (this.#unservedSince !== undefined && now - this.#unservedSince >= timeoutMs) {
      if (core.state === 'connecting') core.finish('closed', 'CONNECTION_LOSS')
      else core.expire(now - timeoutMs, 'CONNECTION_LOSS')
    }
    core.expire(now - this.#options.operationTimeoutMs, 'OPERATION_TIMEOUT')
    // Waiting longer is no use: by then the session has expired by itself.
    const { closingSince } = core
    if (closingSince !== undefined && now - closingSince >= timeoutMs) {
      core.finish('closed', 'CLOSED')
    }
  }
}
