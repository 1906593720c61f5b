/**
 * The local observer of this thread and of one ensemble: one replica for all sessions that read, and the connection
 * that feeds it. It follows the home of its sessions, and ends with the last of them.
 */

import type { Sid } from '../base/zxid.ts'
import { Observer } from '../replica/observer.ts'
import type { Doors } from './doors.ts'
import { Home, type HomeListener } from './home.ts'

/** A session's link, as the observer sees it. */
export interface ObserverUser {
  /** The peer that serves the session. */
  readonly homeSid: Sid | undefined
  /** The observer has taken something in, or was lost. */
  onObserved(): void
}

/** Pause before a feed that never got level is tried again. */
const RETRY_MS = 100

const observers = new Map<string, LocalObserver>()

export class LocalObserver implements HomeListener {
  readonly core = new Observer()
  readonly #ensembleId: string
  readonly #users = new Set<ObserverUser>()
  #home: Home | undefined
  #retryAt = 0
  #others: NodeJS.Immediate | undefined

  /** That of this thread and ensemble, made when there is none. */
  static of(ensembleId: string): LocalObserver {
    const present = observers.get(ensembleId)
    if (present !== undefined) return present
    const observer = new LocalObserver(ensembleId)
    observers.set(ensembleId, observer)
    return observer
  }

  private constructor(ensembleId: string) {
    this.#ensembleId = ensembleId
  }

  /** The peer that feeds it. */
  get sid(): Sid | undefined {
    return this.#home?.sid
  }

  use(user: ObserverUser): void {
    this.#users.add(user)
  }

  /** The last one to let go ends it. */
  letGo(user: ObserverUser): void {
    this.#users.delete(user)
    if (this.#users.size > 0) return
    this.#hangUp()
    observers.delete(this.#ensembleId)
  }

  /** Sees to it that the user's home feeds it, unless another's does. */
  follow({ homeSid }: ObserverUser, doors: Doors): void {
    if (homeSid === undefined) return
    if (this.#home?.isDown(doors.board)) this.#hangUp()
    if (this.sid === homeSid) return
    if (this.#home !== undefined) {
      if (this.#isHomeOfAny(this.#home.sid)) return
      this.#hangUp()
    }
    const door = doors.door(homeSid)
    if (door === undefined || performance.now() < this.#retryAt) return
    this.#home = new Home('observe', homeSid, door, doors.board, this)
    // Sessions decide what keeps the process alive.
    this.#home.keepAlive(false)
    this.core.connected()
    this.#flush()
  }

  /** Takes in what has arrived. Whoever asks sees to itself; the others are told when the event loop turns. */
  drain(): void {
    for (;;) {
      const frame = this.#home?.take()
      if (frame === undefined) return
      this.#receive(frame)
      if (this.#users.size > 1) this.#tellOthers()
    }
  }

  onFrame(home: Home, frame: Uint8Array): void {
    if (home !== this.#home) return
    this.#receive(frame)
    this.#tellUsers()
  }

  onGone(home: Home): void {
    if (home !== this.#home) return
    this.#hangUp()
    this.#tellUsers()
  }

  #isHomeOfAny(sid: Sid): boolean {
    for (const user of this.#users) {
      if (user.homeSid === sid) return true
    }
    return false
  }

  /** A replica that breaks an invariant, or is fed nonsense, begins anew; nobody saw what it came to. */
  #receive(frame: Uint8Array): void {
    try {
      this.core.receive(frame)
      if (this.core.ended) this.#hangUp()
      else this.#flush()
    } catch (error) {
      process.emitWarning(error as Error)
      this.#hangUp()
      this.core.reset()
    }
  }

  #flush(): void {
    const frame = this.core.takeFrame()
    if (frame !== undefined) this.#home?.post(frame)
  }

  #hangUp(): void {
    const home = this.#home
    if (home === undefined) return
    this.#home = undefined
    home.close()
    if (!this.core.live) this.#retryAt = performance.now() + RETRY_MS
    this.core.disconnected()
  }

  #tellOthers(): void {
    this.#others ??= setImmediate(() => {
      this.#others = undefined
      this.#tellUsers()
    })
  }

  #tellUsers(): void {
    for (const user of [...this.#users]) user.onObserved()
  }
}
