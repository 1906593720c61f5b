/**
 * One peer under supervision, through all its lives: started, seen to be ready, noticed when it dies, and started again
 * after a pause. It never has two threads: the next one starts when the last is really gone, because only then is the
 * store's lock free.
 */

import type { Transferable } from 'node:worker_threads'
import { assert } from '../base/assert.ts'
import type { Board } from '../base/board.ts'
import { TreeError } from '../base/errors.ts'
import type { ControlMessage, Failure, PeerStatus } from '../base/ports.ts'
import type { Sid } from '../base/zxid.ts'
import type { PeerConfig, RestartConfig } from './options.ts'
import { Pause, type PauseTerms } from './pause.ts'
import { type LiveReport, PeerThread, type ThreadBoot } from './peer-thread.ts'
import { RestartDelay } from './restart-delay.ts'

/** A peer that is too busy to tell how it is. */
const STATUS_PATIENCE_MS = 1_000
/** A peer that does not manage to close its store is ended as it is; everything acknowledged is safe anyway. */
const CLOSE_PATIENCE_MS = 10_000

/** All of a peer's boot that does not change from one life to the next. */
export type PeerSettings = Omit<ThreadBoot, 'incarnation' | 'founding' | 'mayRecover'>

export interface PeerListener {
  /** Whether the peer, which is about to be started, may vote without any data. */
  isFounding(peer: SupervisedPeer): boolean
  /** It has a thread: it can be sent something, which waits there until the peer is ready. */
  onStarted(peer: SupervisedPeer): void
  /** Its store could be opened. */
  onOpened(): void
  onReady(peer: SupervisedPeer): void
  /** A peer serves, so there is a leader that does. */
  onServing(): void
  /** The peer died without being told to. */
  onFailure(peer: SupervisedPeer, failure: Failure, restartDelayMs: number | undefined): void
}

/** The failure as the error that a call is refused with. */
export function toError({ code, message, path }: Failure): TreeError {
  return new TreeError(code, message, { path })
}

const KILLED: Failure = {
  code: 'PEER_FAILED',
  message: 'the peer was ended before it was ready: start it again',
  path: undefined,
}

/** A thread and what has become of it. */
interface Life {
  readonly thread: PeerThread
  readonly incarnation: number
  readonly startedAt: number
  /** See `PeerBoot`. */
  readonly mayRecover: Int32Array
  opened: boolean
  ready: boolean
  served: boolean
  /** Asked to end, and going down. */
  ending: boolean
  /** Told when the peer is ready, or with the reason why it never will be. */
  readonly waiting: ((failure: Failure | undefined) => void)[]
  /** Questions for its status that are not answered yet. */
  readonly questions: Map<number, (status: PeerStatus | undefined) => void>
  /** Pauses it is in or about to be in. */
  readonly pauses: Map<number, Pause>
}

export class SupervisedPeer {
  readonly config: PeerConfig
  readonly #settings: PeerSettings
  readonly #board: Board
  readonly #listener: PeerListener
  readonly #worker: URL
  readonly #restart: RestartConfig
  readonly #restartDelay: RestartDelay
  #life: Life | undefined
  /** Down on purpose: killed or closed. */
  #stopped = true
  #timer: NodeJS.Timeout | undefined
  #starts = 0
  #wasUp = false
  #questions = 0
  #lastFailure: Failure | undefined
  #damage: string | undefined

  constructor(
    config: PeerConfig,
    settings: PeerSettings,
    restart: RestartConfig,
    board: Board,
    listener: PeerListener,
    worker: URL,
  ) {
    this.config = config
    this.#settings = settings
    this.#restart = restart
    this.#restartDelay = new RestartDelay(restart)
    this.#board = board
    this.#listener = listener
    this.#worker = worker
  }

  get sid(): Sid {
    return this.config.sid
  }

  /** Has a thread that is not going down. */
  get isStarted(): boolean {
    return this.#life?.ending === false
  }

  /** Its store could be opened, in this life. */
  get hasOpened(): boolean {
    return this.isStarted && this.#life?.opened === true
  }

  /** Has served in this life: a leader has brought it up to date. */
  get hasServed(): boolean {
    return this.isStarted && this.#life?.served === true
  }

  /** Ready: has recovered and takes part. */
  get isUp(): boolean {
    return this.isStarted && this.#life?.ready === true
  }

  /** Shows that it leads, with a quorum; a moment ago at least. */
  get leads(): boolean {
    return this.isUp && this.#board.role(this.sid) === 'leading'
  }

  /** Has been ready at least once. */
  get wasUp(): boolean {
    return this.#wasUp
  }

  /** Has a thread, be it one that still opens its store. */
  get isRunning(): boolean {
    return this.#life !== undefined
  }

  get starts(): number {
    return this.#starts
  }

  get incarnation(): number {
    return this.#board.incarnation(this.sid)
  }

  get lastFailure(): Failure | undefined {
    return this.#lastFailure
  }

  /** What recovery found wrong at the last start, if anything. */
  get damage(): string | undefined {
    return this.#damage
  }

  /**
   * Starts the peer unless it runs, and waits until it is ready.
   * @throws TreeError the peer's failure when it dies before.
   */
  async start(): Promise<void> {
    this.#stopped = false
    if (this.#life?.ending === true) await this.#life.thread.ended
    // Killed again while the last thread was going down.
    if (this.#stopped) throw toError(KILLED)
    clearTimeout(this.#timer)
    const life = this.#life ?? this.#begin()
    if (life.ready) return
    const failure = await new Promise<Failure | undefined>(resolve => life.waiting.push(resolve))
    if (failure !== undefined) throw toError(failure)
  }

  /** Lets it go on with its recovery when its store is open; until then it waits there. */
  recover(): void {
    const mayRecover = this.#life?.mayRecover
    if (mayRecover === undefined) return
    Atomics.store(mayRecover, 0, 1)
    Atomics.notify(mayRecover, 0)
  }

  /** Ends the thread as a crash would; the peer stays down until it is started. */
  async kill(): Promise<void> {
    const thread = this.#stop()
    thread?.kill()
    await thread?.ended
  }

  /** Ends the thread as `kill` does, but as if it had died by itself: it is told about, and started again. */
  async crash(why: string): Promise<void> {
    const life = this.#life
    if (life === undefined) return
    if (!life.ending) {
      life.ending = true
      life.thread.crash(why)
    }
    await life.thread.ended
  }

  /** Lets the thread stand still. Resolves when it does; at once when the peer is down. */
  async pause(terms: PauseTerms): Promise<void> {
    const life = this.#life
    if (life === undefined || !this.isUp) return
    const pause = new Pause(terms)
    const id = ++this.#questions
    life.pauses.set(id, pause)
    life.thread.send({ kind: 'pause', id, ...pause.terms })
    // Behind one without an end it would begin when that is healed; and to heal, its caller may wait for this first.
    const standing = [...life.pauses.values()].find(({ isEndless }) => isEndless) ?? pause
    await standing.begun
  }

  /** Wakes the thread from its pauses. Resolves when they are over. */
  async resume(): Promise<void> {
    const pauses = [...(this.#life?.pauses.values() ?? [])]
    for (const pause of pauses) pause.end()
    await Promise.all(pauses.map(({ over }) => over))
  }

  /** Waits until it has taken up all that was sent; or as long as it answers, or until it next does anything. */
  async settled(): Promise<void> {
    if (this.#life?.pauses.size === 0) await this.status()
  }

  /** Lets the peer close its store and end. One that is still opening it has nothing to finish. */
  async close(): Promise<void> {
    if (!this.isUp) return await this.kill()
    const thread = this.#stop()
    if (thread === undefined) return
    thread.close()
    const timer = setTimeout(() => thread.kill(), CLOSE_PATIENCE_MS)
    await thread.ended
    clearTimeout(timer)
  }

  /** The peer's own account; undefined when it is down, or too busy to answer. */
  status(): Promise<PeerStatus | undefined> {
    const life = this.#life
    if (life === undefined || !this.isUp) return Promise.resolve(undefined)
    const id = ++this.#questions
    return new Promise(resolve => {
      const timer = setTimeout(() => answer(undefined), STATUS_PATIENCE_MS)
      const answer = (status: PeerStatus | undefined): void => {
        clearTimeout(timer)
        life.questions.delete(id)
        resolve(status)
      }
      life.questions.set(id, answer)
      life.thread.send({ kind: 'status', id })
    })
  }

  /** Ports for a peer that has died meanwhile close by themselves. */
  send(message: ControlMessage, transferList: readonly Transferable[] = []): void {
    this.#life?.thread.send(message, transferList)
  }

  #begin(): Life {
    assert(this.#life === undefined, 'a peer has one thread')
    const founding = this.#listener.isFounding(this)
    const incarnation = this.#board.started(this.sid)
    this.#starts++
    this.#damage = undefined
    const mayRecover = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)
    const boot = { ...this.#settings, incarnation, founding, mayRecover }
    const thread = new PeerThread(boot, report => this.#onReport(life, report), this.#worker)
    const life: Life = {
      thread,
      incarnation,
      startedAt: performance.now(),
      mayRecover: new Int32Array(mayRecover),
      opened: false,
      ready: false,
      served: false,
      ending: false,
      waiting: [],
      questions: new Map(),
      pauses: new Map(),
    }
    this.#life = life
    void thread.ended.then(failure => this.#onEnd(life, failure))
    this.#listener.onStarted(this)
    return life
  }

  /** Returns the thread to end, if there is one. */
  #stop(): PeerThread | undefined {
    this.#stopped = true
    clearTimeout(this.#timer)
    if (this.#life !== undefined) this.#life.ending = true
    return this.#life?.thread
  }

  #onReport(life: Life, report: LiveReport): void {
    switch (report.kind) {
      case 'opened':
        life.opened = true
        return this.#listener.onOpened()
      case 'ready':
        // Killed just before: whoever waits for it is told when the thread is gone.
        if (life.ending) return
        life.ready = true
        this.#wasUp = true
        this.#damage = report.damage
        for (const tell of life.waiting.splice(0)) tell(undefined)
        return this.#listener.onReady(this)
      case 'role':
        if (!report.serving) return
        life.served = true
        return this.#listener.onServing()
      case 'status':
        life.questions.get(report.id)?.(report.status)
        return
      case 'paused':
        return life.pauses.get(report.id)?.onBegun()
      case 'resumed':
        life.pauses.get(report.id)?.onOver()
        life.pauses.delete(report.id)
    }
  }

  #onEnd(life: Life, failure: Failure | undefined): void {
    this.#life = undefined
    // The thread may not have got round to it.
    this.#board.showDown(this.sid, life.incarnation)
    for (const answer of life.questions.values()) answer(undefined)
    for (const pause of life.pauses.values()) pause.onOver()
    for (const tell of life.waiting) tell(failure ?? KILLED)
    if (failure === undefined) return
    this.#lastFailure = failure
    if (this.#stopped) return
    const again = this.#restart.policy === 'always'
    const delayMs = again ? this.#restartDelay.next(performance.now() - life.startedAt) : undefined
    if (delayMs !== undefined) this.#timer = setTimeout(() => this.#begin(), delayMs).unref()
    this.#listener.onFailure(this, failure, delayMs)
  }
}
