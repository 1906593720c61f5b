/**
 * One life of a peer as it is seen from outside: how far it has come, what it was asked and has not answered, and the
 * pauses it is in. However it ends, all who wait for something of it are told.
 */

import type { Transferable } from 'node:worker_threads'
import type { ControlMessage, Failure, PeerStatus } from '../base/ports.ts'
import { Pause, type PauseTerms } from './pause.ts'
import { type LiveReport, PeerThread, type ThreadBoot } from './peer-thread.ts'

/** A peer that is too busy to tell how it is. */
const STATUS_PATIENCE_MS = 1_000
/** A peer that does not manage to close its store is ended as it is; everything acknowledged is safe anyway. */
const CLOSE_PATIENCE_MS = 10_000

/** Why a peer is not up that was ended before it was. */
export const KILLED: Failure = {
  code: 'PEER_FAILED',
  message: 'the peer was ended before it was ready: start it again',
  path: undefined,
}

/** All that the thread is told, but for what its life sees to. */
export type LifeBoot = Omit<ThreadBoot, 'mayRecover'>

export interface LifeListener {
  /** Its store could be opened. */
  onOpened(): void
  /** It has recovered; `damage` says what was found wrong then, if anything. */
  onReady(damage: string | undefined): void
  /** It serves, so there is a leader that does. */
  onServing(): void
  /** The thread is gone: with what went wrong, or undefined when it was asked to end. */
  onEnd(failure: Failure | undefined): void
}

export class PeerLife {
  /** Resolves when the thread is gone, and everybody has been told. */
  readonly ended: Promise<void>
  readonly #thread: PeerThread
  readonly #listener: LifeListener
  /** See `PeerBoot`. */
  readonly #mayRecover: Int32Array
  #opened = false
  #ready = false
  #served = false
  #ending = false
  /** Told when the peer is ready, or with the reason why it never will be. */
  readonly #waiting: ((failure: Failure | undefined) => void)[] = []
  readonly #questions = new Map<number, (status: PeerStatus | undefined) => void>()
  /** Those it is in or about to be in. */
  readonly #pauses = new Map<number, Pause>()
  #lastId = 0

  constructor(boot: LifeBoot, listener: LifeListener, worker: URL) {
    const mayRecover = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
    this.#mayRecover = new Int32Array(mayRecover)
    this.#listener = listener
    this.#thread = new PeerThread({ ...boot, mayRecover }, report => this.#onReport(report), worker)
    this.ended = this.#thread.ended.then(failure => this.#onEnd(failure))
  }

  /** Was asked to end, and is going down. */
  get isEnding(): boolean {
    return this.#ending
  }

  /** Its store could be opened. */
  get hasOpened(): boolean {
    return this.#opened && !this.#ending
  }

  /** Has recovered and takes part. */
  get isUp(): boolean {
    return this.#ready && !this.#ending
  }

  /** A leader has brought it up to date. */
  get hasServed(): boolean {
    return this.#served && !this.#ending
  }

  /** Waits until the peer is ready. Returns the reason why it never will be, if it ends before. */
  ready(): Promise<Failure | undefined> {
    if (this.#ready) return Promise.resolve(undefined)
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  /** Lets it go on with its recovery when its store is open; until then it waits there. */
  recover(): void {
    Atomics.store(this.#mayRecover, 0, 1)
    Atomics.notify(this.#mayRecover, 0)
  }

  send(message: ControlMessage, transferList: readonly Transferable[] = []): void {
    this.#thread.send(message, transferList)
  }

  /** Ends the thread as a crash would, but on purpose. */
  async kill(): Promise<void> {
    this.#ending = true
    this.#thread.kill()
    await this.ended
  }

  /** As `kill`, but it counts as a failure, unless the peer is going down already. */
  async crash(why: string): Promise<void> {
    if (!this.#ending) {
      this.#ending = true
      this.#thread.crash(why)
    }
    await this.ended
  }

  /** Lets the peer close its store and end. One that still recovers has nothing to finish. */
  async close(): Promise<void> {
    if (!this.isUp) return await this.kill()
    this.#ending = true
    this.#thread.close()
    const timer = setTimeout(() => this.#thread.kill(), CLOSE_PATIENCE_MS)
    await this.ended
    clearTimeout(timer)
  }

  /** Lets the thread stand still. Resolves when it does. */
  async pause(terms: PauseTerms): Promise<void> {
    const pause = new Pause(terms)
    const id = ++this.#lastId
    this.#pauses.set(id, pause)
    this.send({ kind: 'pause', id, ...pause.terms })
    // Behind one without an end it would begin when that is healed; and to heal, its caller may wait for this first.
    const standing = [...this.#pauses.values()].find(({ isEndless }) => isEndless) ?? pause
    await standing.begun
  }

  /** Wakes the thread from its pauses. Resolves when they are over. */
  async resume(): Promise<void> {
    const pauses = [...this.#pauses.values()]
    for (const pause of pauses) pause.end()
    await Promise.all(pauses.map(({ over }) => over))
  }

  /** Waits until it has taken up all that was sent; or as long as it answers, or until it next does anything. */
  async settled(): Promise<void> {
    if (this.#pauses.size === 0) await this.status()
  }

  /** The peer's own account; undefined when it still recovers, is going down, or is too busy to answer. */
  status(): Promise<PeerStatus | undefined> {
    if (!this.isUp) return Promise.resolve(undefined)
    const id = ++this.#lastId
    return new Promise(resolve => {
      const timer = setTimeout(() => answer(undefined), STATUS_PATIENCE_MS)
      const answer = (status: PeerStatus | undefined): void => {
        clearTimeout(timer)
        this.#questions.delete(id)
        resolve(status)
      }
      this.#questions.set(id, answer)
      this.send({ kind: 'status', id })
    })
  }

  #onReport(report: LiveReport): void {
    switch (report.kind) {
      case 'opened':
        this.#opened = true
        return this.#listener.onOpened()
      case 'ready':
        // Killed just before: whoever waits for it is told when the thread is gone.
        if (this.#ending) return
        this.#ready = true
        for (const tell of this.#waiting.splice(0)) tell(undefined)
        return this.#listener.onReady(report.damage)
      case 'role':
        if (!report.serving) return
        this.#served = true
        return this.#listener.onServing()
      case 'status':
        this.#questions.get(report.id)?.(report.status)
        return
      case 'paused':
        return this.#pauses.get(report.id)?.onBegun()
      case 'resumed':
        this.#pauses.get(report.id)?.onOver()
        this.#pauses.delete(report.id)
    }
  }

  #onEnd(failure: Failure | undefined): void {
    this.#ending = true
    for (const answer of this.#questions.values()) answer(undefined)
    for (const pause of this.#pauses.values()) pause.onOver()
    for (const tell of this.#waiting) tell(failure ?? KILLED)
    this.#listener.onEnd(failure)
  }
}
