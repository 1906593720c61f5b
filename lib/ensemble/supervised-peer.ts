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
import { loopTurn } from './loop-turn.ts'
import type { PeerConfig, RestartConfig } from './options.ts'
import type { PauseTerms } from './pause.ts'
import { KILLED, type LifeBoot, type LifeListener, PeerLife } from './peer-life.ts'
import { RestartDelay } from './restart-delay.ts'

/** All of a peer's boot that does not change from one life to the next. */
export type PeerSettings = Omit<LifeBoot, 'incarnation' | 'founding'>

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
function toError({ code, message, path }: Failure): TreeError {
  return new TreeError(code, message, { path })
}

function refusedThread(error: unknown): Failure {
  const why = error instanceof Error ? error.message : String(error)
  const advice = 'raise the limit of threads or of memory'
  return { code: 'PEER_FAILED', message: `no thread: ${why}: ${advice}`, path: undefined }
}

export class SupervisedPeer {
  readonly config: PeerConfig
  readonly #settings: PeerSettings
  readonly #board: Board
  readonly #listener: PeerListener
  readonly #worker: URL
  readonly #restart: RestartConfig
  readonly #restartDelay: RestartDelay
  #life: PeerLife | undefined
  /** Down on purpose: killed or closed. */
  #stopped = true
  /** Is to start it again. */
  #timer: NodeJS.Timeout | undefined
  #starts = 0
  #wasUp = false
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
    return this.#life?.isEnding === false
  }

  /** Its store could be opened, in this life. */
  get hasOpened(): boolean {
    return this.#life?.hasOpened === true
  }

  /** Has served in this life: a leader has brought it up to date. */
  get hasServed(): boolean {
    return this.#life?.hasServed === true
  }

  /** Ready: has recovered and takes part. */
  get isUp(): boolean {
    return this.#life?.isUp === true
  }

  /** Shows that it leads, with a quorum; a moment ago at least. */
  get leads(): boolean {
    return this.isUp && this.#board.role(this.sid) === 'leading'
  }

  /** Has been ready at least once. */
  get wasUp(): boolean {
    return this.#wasUp
  }

  /** It was started, has no thread any more, and gets none by itself. */
  get staysDown(): boolean {
    return this.#starts > 0 && this.#life === undefined && this.#timer === undefined
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
    if (this.#life?.isEnding === true) await this.#life.ended
    // Killed again while the last thread was going down.
    if (this.#stopped) throw toError(KILLED)
    const life = this.#life ?? this.#begin()
    const failure = life === undefined ? this.#lastFailure : await life.ready()
    if (failure !== undefined) throw toError(failure)
  }

  /** Lets it go on with its recovery when its store is open; until then it waits there. */
  recover(): void {
    this.#life?.recover()
  }

  /** Ends the thread as a crash would; the peer stays down until it is started. */
  async kill(): Promise<void> {
    this.#stop()
    await this.#life?.kill()
  }

  /** Ends the thread as `kill` does, but as if it had died by itself: it is told about, and started again. */
  async crash(why: string): Promise<void> {
    await this.#life?.crash(why)
  }

  /** Lets the thread stand still. Resolves when it does; at once when the peer is not up. */
  async pause(terms: PauseTerms): Promise<void> {
    await this.#hearOut()
    if (this.isUp) await this.#life?.pause(terms)
  }

  /** Wakes the thread from its pauses. Resolves when they are over. */
  async resume(): Promise<void> {
    await this.#life?.resume()
  }

  /** Waits until it has taken up all that was sent; or as long as it answers, or until it next does anything. */
  async settled(): Promise<void> {
    await this.#life?.settled()
  }

  /** Lets the peer close its store and end. One that is still opening it has nothing to finish. */
  async close(): Promise<void> {
    this.#stop()
    await this.#hearOut()
    await this.#life?.close()
  }

  /** The peer's own account; undefined when it is down, or too busy to answer. */
  async status(): Promise<PeerStatus | undefined> {
    await this.#hearOut()
    return await this.#life?.status()
  }

  /** Ports for a peer that has died meanwhile close by themselves. */
  send(message: ControlMessage, transferList: readonly Transferable[] = []): void {
    this.#life?.send(message, transferList)
  }

  /** Before it counts as not up: this thread may have been blocked, and not have heard yet that it is. */
  async #hearOut(): Promise<void> {
    if (this.isStarted && !this.isUp) await loopTurn()
  }

  /** Undefined when the system refuses a thread: the peer has failed then, like one that died at once. */
  #begin(): PeerLife | undefined {
    assert(this.#life === undefined, 'a peer has one thread')
    const founding = this.#listener.isFounding(this)
    const incarnation = this.#board.started(this.sid)
    this.#damage = undefined
    this.#forgetRestart()
    const boot = { ...this.#settings, incarnation, founding }
    const startedAt = performance.now()
    const listener: LifeListener = {
      onOpened: () => this.#listener.onOpened(),
      onReady: damage => this.#onReady(damage),
      onServing: () => this.#listener.onServing(),
      onEnd: failure => this.#onEnd(performance.now() - startedAt, incarnation, failure),
    }
    try {
      this.#life = new PeerLife(boot, listener, this.#worker)
    } catch (error) {
      this.#onEnd(0, incarnation, refusedThread(error))
      return undefined
    }
    this.#starts++
    this.#listener.onStarted(this)
    return this.#life
  }

  #stop(): void {
    this.#stopped = true
    this.#forgetRestart()
  }

  #forgetRestart(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #onReady(damage: string | undefined): void {
    this.#wasUp = true
    this.#damage = damage
    this.#listener.onReady(this)
  }

  #onEnd(livedMs: number, incarnation: number, failure: Failure | undefined): void {
    this.#life = undefined
    // The thread may not have got round to it.
    this.#board.showDown(this.sid, incarnation)
    if (failure === undefined) return
    this.#lastFailure = failure
    if (this.#stopped) return
    const again = this.#restart.policy === 'always'
    const delayMs = again ? this.#restartDelay.next(livedMs) : undefined
    if (delayMs !== undefined) this.#timer = setTimeout(() => this.#begin(), delayMs).unref()
    this.#listener.onFailure(this, failure, delayMs)
  }
}
