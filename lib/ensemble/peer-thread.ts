/**
 * One life of one peer: its thread, from the start to the moment it is really gone. The thread is a Piscina pool of its
 * own, whose one task is the peer, so that the pool's end is the thread's end and a peer that stays down leaves no idle
 * thread behind.
 */

import { extname } from 'node:path'
import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  type Transferable,
} from 'node:worker_threads'
import { Piscina } from 'piscina'
import { Lifeline } from '../base/lifeline.ts'
import type { ControlMessage, Failure, PeerBoot, PeerReport } from '../base/ports.ts'
import { threadArguments } from './exec-arguments.ts'
import { atExit, notAtExit } from './exit-calls.ts'

/** The peer's program, with the extension of the build this file runs in. */
export const PEER_WORKER = new URL(
  `../peer/worker${extname(new URL(import.meta.url).pathname)}`,
  import.meta.url,
)
const TASK_NAME = 'runPeer'

/** A thread that has not come to a safe place by then is ended where it is: it hangs. */
const STOP_PATIENCE_MS = 1_000
/** The same when the process ends, for all threads together: nobody waits for them then. */
const EXIT_PATIENCE_MS = 250

/** All that the peer is told by others than its thread. */
export type ThreadBoot = Omit<PeerBoot, 'control' | 'lifeline'>

/** What is said before the end. */
export type LiveReport = Exclude<PeerReport, { readonly kind: 'failed' }>

interface Referable {
  unref(): unknown
}

/**
 * A pool keeps the process alive while it has a task, and offers no way to say otherwise; whether the ensemble does is
 * decided elsewhere. The pool's own record of the thread, which has such a way, hangs on a symbol.
 */
function letProcessEnd(worker: object): void {
  for (const symbol of Object.getOwnPropertySymbols(worker)) {
    const info = (worker as Record<symbol, Partial<Referable> | undefined>)[symbol]
    if (typeof info?.unref === 'function') info.unref()
  }
}

/** Of the threads that are there. */
const lifelines = new Set<Lifeline>()

/** Node.js ends all threads with the process, wherever they stand. */
function stopAll(): void {
  const until = performance.now() + EXIT_PATIENCE_MS
  for (const lifeline of lifelines) lifeline.cut()
  for (const lifeline of lifelines) lifeline.awaitStop(Math.max(until - performance.now(), 0))
}

function register(lifeline: Lifeline): void {
  if (lifelines.size === 0) atExit(stopAll)
  lifelines.add(lifeline)
}

function unregister(lifeline: Lifeline): void {
  lifelines.delete(lifeline)
  if (lifelines.size === 0) notAtExit(stopAll)
}

function died(why: string): Failure {
  return { code: 'PEER_FAILED', message: why, path: undefined }
}

export class PeerThread {
  /** Resolves when the thread is gone: with what went wrong, or undefined when it was asked to close or killed. */
  readonly ended: Promise<Failure | undefined>
  readonly #pool: Piscina<PeerBoot, void>
  readonly #exited: Promise<unknown>
  readonly #control: MessagePort
  readonly #lifeline = new Lifeline()
  readonly #onReport: (report: LiveReport) => void
  #reported: Failure | undefined
  /** Asked to end: its end is then no failure. */
  #endAsked = false
  #destroyed: Promise<void> | undefined

  constructor(boot: ThreadBoot, onReport: (report: LiveReport) => void, worker: URL = PEER_WORKER) {
    this.#onReport = onReport
    const execArgv = threadArguments(process.execArgv)
    this.#pool = new Piscina({
      filename: worker.href,
      name: TASK_NAME,
      minThreads: 1,
      maxThreads: 1,
      concurrentTasksPerWorker: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      // An idle thread that waits on atomics would be deaf on its ports.
      atomics: 'disabled',
      ...(execArgv === undefined ? {} : { execArgv }),
    })
    this.#pool.once('workerCreate', letProcessEnd)
    // Fails when the thread that Piscina puts in a dead one's place fails too; the dead one has told already.
    this.#pool.on('error', () => undefined)
    const [thread] = this.#pool.threads
    this.#exited = new Promise(resolve => thread!.once('exit', resolve))
    register(this.#lifeline)
    const { port1, port2 } = new MessageChannel()
    this.#control = port1
    port1.on('message', (report: PeerReport) => this.#take(report))
    port1.unref()
    this.ended = this.#live({ ...boot, lifeline: this.#lifeline.memory, control: port2 })
  }

  send(message: ControlMessage, transferList: readonly Transferable[] = []): void {
    this.#control.postMessage(message, transferList)
  }

  /** Asks the peer to close its store and end. */
  close(): void {
    this.#endAsked = true
    this.send({ kind: 'close' })
  }

  /** Ends the thread before its next turn. */
  kill(): void {
    this.#endAsked = true
    void this.#destroy()
  }

  /** As `kill`, but the thread's end counts as a failure. */
  crash(why: string): void {
    this.#reported ??= died(why)
    void this.#destroy()
  }

  /**
   * Once only: the end of a second destruction makes the pool forget that the first is under way; a thread that dies
   * in it would be replaced by one that nobody ever ends.
   */
  #destroy(): Promise<void> {
    this.#destroyed ??= this.#stopAndDestroy()
    return this.#destroyed
  }

  async #stopAndDestroy(): Promise<void> {
    this.#lifeline.cut()
    await Promise.race([this.#lifeline.stopped(STOP_PATIENCE_MS), this.#exited])
    await this.#pool.destroy()
  }

  async #live(boot: PeerBoot): Promise<Failure | undefined> {
    let failure: Failure | undefined
    try {
      await this.#pool.run(boot, { transferList: [boot.control] })
      failure = died('the peer ended without being asked to')
    } catch (error) {
      failure = died(error instanceof Error ? error.message : String(error))
    }
    await this.#destroy()
    // The pool forgets a thread that failed by itself, and does not wait for it.
    await this.#exited
    unregister(this.#lifeline)
    this.#drain()
    this.#control.close()
    return this.#endAsked ? undefined : (this.#reported ?? failure)
  }

  /** Looks for the reason the thread gave: the news of its end may have overtaken it. The rest is of no use now. */
  #drain(): void {
    for (;;) {
      const report: PeerReport | undefined = receiveMessageOnPort(this.#control)?.message
      if (report === undefined) return
      if (report.kind === 'failed') this.#take(report)
    }
  }

  #take(report: PeerReport): void {
    if (report.kind === 'failed') this.#reported = report.failure
    else this.#onReport(report)
  }
}
