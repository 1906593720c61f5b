/**
 * The longest pauses of the peers' threads, seen from outside: each peer moves a word of shared memory with every tick,
 * and a thread of ours watches those words. Between two moves lies a tick, and whatever kept the peer from its ticks.
 */

import { once } from 'node:events'
import { type MessagePort, receiveMessageOnPort, type Worker } from 'node:worker_threads'
import type { HandleMessage } from '../../lib/base/ports.ts'
import type { Ensemble } from '../../lib/index.ts'
import { nextMessage, startThread } from '../util/thread.ts'
import type { BeatReport, BeatTask } from './beat-thread.ts'

/** Ticks as short as this show a pause of a few milliseconds; the limits that count ticks have to grow with them. */
export const SHORT_TICKS = { tickMs: 2, initLimitTicks: 5000, syncLimitTicks: 500 } as const

type Opened = Extract<HandleMessage, { kind: 'opened' }>

/** A handle brings the board along with doors that are of no use here. */
function boardOf(ensemble: Ensemble): Opened {
  const handle: MessagePort = ensemble.handle()
  const opened = receiveMessageOnPort(handle)!.message as Opened
  for (const { door } of opened.doors) door.close()
  handle.close()
  return opened
}

export class BeatWatch {
  readonly #thread: Worker
  readonly #stop: Int32Array

  static async start(ensemble: Ensemble): Promise<BeatWatch> {
    const { board, peers } = boardOf(ensemble)
    const stop = new Int32Array(new SharedArrayBuffer(4))
    const task: BeatTask = { board, sids: peers, stop }
    const thread = startThread('beat-thread', import.meta.url, task)
    await nextMessage(thread)
    return new BeatWatch(thread, stop)
  }

  private constructor(thread: Worker, stop: Int32Array) {
    this.#thread = thread
    this.#stop = stop
  }

  async end(): Promise<BeatReport> {
    const ended = once(this.#thread, 'exit')
    const report = nextMessage<BeatReport>(this.#thread)
    Atomics.store(this.#stop, 0, 1)
    Atomics.notify(this.#stop, 0)
    const found = await report
    await ended
    return found
  }
}
