/** Synced puts, with as many LevelDBs as there are peers, each in a thread of its own. */

import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { median } from '../load/row.ts'
import { Latencies } from '../util/latencies.ts'
import { nextMessage, startThread } from '../util/thread.ts'
import type { PutCount, PutTask } from './put-thread.ts'
import { DONE, ROUND, SIGNAL_WORDS, STOP } from './signals.ts'

const PUT_BYTES = 128

/** What a log is given at a time: the larger its groups, the more bytes a second it takes. */
export interface LogLoad {
  readonly txnBytes: number
  readonly groupBytes: number
}

/** Transactions that set some 100 bytes, half of what is in flight in a group. */
export const SETS: LogLoad = { txnBytes: 120, groupBytes: 64 * 1024 }
/** Those that create a node of 1 KiB, half of what is in flight in a group. */
export const CREATES: LogLoad = { txnBytes: 1024 + 65, groupBytes: 512 * 1024 }

/** All put at once, again and again: what one write has to wait for. */
export class Puts {
  /** Of each round, the put that makes up the quorum. */
  readonly quorum = new Latencies()
  readonly slowest = new Latencies()
  readonly #signals = new Int32Array(new SharedArrayBuffer(SIGNAL_WORDS * 4))
  readonly #timesMs: readonly Float64Array[]
  readonly #threads: readonly Worker[]
  #round = 0

  static async open(directory: string, peers: number, sync: boolean): Promise<Puts> {
    const puts = new Puts(directory, peers, sync)
    await Promise.all(puts.#threads.map(thread => nextMessage(thread)))
    return puts
  }

  private constructor(directory: string, peers: number, sync: boolean) {
    this.#timesMs = Array.from({ length: peers }, () => new Float64Array(new SharedArrayBuffer(8)))
    this.#threads = this.#timesMs.map((timeMs, at) => {
      const rounds = { signals: this.#signals, timeMs }
      const own = join(directory, `put-${at}`)
      const task: PutTask = { directory: own, payloadBytes: PUT_BYTES, sync, rounds }
      return startThread('put-thread', import.meta.url, task)
    })
  }

  get peers(): number {
    return this.#threads.length
  }

  /** Blocks: the threads need no help, and an event loop would only add noise. */
  measure(ms: number): void {
    for (const endAt = performance.now() + ms; performance.now() < endAt; ) {
      this.#startRound(++this.#round)
      this.#awaitRound()
      const times = this.#timesMs.map(time => time[0]!).sort((a, b) => a - b)
      this.quorum.add(times[Math.floor(times.length / 2)]!)
      this.slowest.add(times.at(-1)!)
    }
  }

  async close(): Promise<void> {
    const ended = this.#threads.map(thread => once(thread, 'exit'))
    this.#startRound(STOP)
    await Promise.all(ended)
  }

  #startRound(round: number): void {
    Atomics.store(this.#signals, DONE, 0)
    Atomics.store(this.#signals, ROUND, round)
    Atomics.notify(this.#signals, ROUND)
  }

  #awaitRound(): void {
    for (;;) {
      const done = Atomics.load(this.#signals, DONE)
      if (done === this.#threads.length) return
      Atomics.wait(this.#signals, DONE, done)
    }
  }
}

/**
 * Large groups, put by all without a pause: transactions per second that the logs alone would take. Of the peers'
 * rates it is the median, since the quorum's slowest sets the pace.
 */
export async function logOnlyPerSecond(
  directory: string,
  peers: number,
  { txnBytes, groupBytes }: LogLoad,
  seconds: number,
): Promise<number> {
  const directories = Array.from({ length: peers }, (_, at) => join(directory, `log-${at}`))
  const threads = directories.map(own => {
    const task: PutTask = { directory: own, payloadBytes: groupBytes, sync: true, seconds }
    return startThread('put-thread', import.meta.url, task)
  })
  const rates = await Promise.all(
    threads.map(async thread => {
      const ended = once(thread, 'exit')
      await nextMessage(thread)
      const count = await nextMessage<PutCount>(thread)
      await ended
      return (count.puts * groupBytes) / txnBytes / count.seconds
    }),
  )
  for (const own of directories) rmSync(own, { recursive: true, force: true })
  return median(rates)
}
