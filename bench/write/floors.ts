/**
 * The floor of a write: what the disk and the threads alone would take. Three threads put 128 bytes into three LevelDBs
 * at the same time; a message makes a round trip between two threads. A write needs the second fastest of the three
 * puts, and four one-way hops: client, leader, follower, leader, client.
 */

import { once } from 'node:events'
import { join } from 'node:path'
import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads'
import { startThread } from '../../examples/util/thread.ts'
import type { Durability } from '../../lib/index.ts'
import { Latencies } from '../util/latencies.ts'
import { DONE, ROUND, SIGNAL_WORDS, STOP } from './floor-signals.ts'
import type { FloorTask } from './floor-thread.ts'

const PEERS = 3
const PAYLOAD_BYTES = 128
const HOPS_PER_ROUND_TRIP = 2
const HOPS_PER_WRITE = 4

export interface Floors {
  readonly payloadBytes: number
  /** Slowest put of the fastest two of three; 0 with durability `memory`, which puts nothing. */
  readonly quorumPutP50us: number
  readonly slowestPutP50us: number
  readonly roundTripP50us: number
  /** Of a write: quorum put and four hops. */
  readonly writeP50us: number
}

export class FloorProbe {
  readonly #quorum = new Latencies()
  readonly #slowest = new Latencies()
  readonly #roundTrip = new Latencies()
  readonly #signals = new Int32Array(new SharedArrayBuffer(SIGNAL_WORDS * 4))
  readonly #timesMs: readonly Float64Array[]
  readonly #threads: readonly Worker[]
  readonly #port: MessagePort
  #round = 0

  /** Starts the threads; they sleep between measurements. */
  static async open(directory: string, durability: Durability): Promise<FloorProbe> {
    const probe = new FloorProbe(directory, durability)
    await Promise.all(probe.#threads.map(thread => once(thread, 'message')))
    return probe
  }

  private constructor(directory: string, durability: Durability) {
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    this.#timesMs = Array.from(
      { length: durability === 'memory' ? 0 : PEERS },
      () => new Float64Array(new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT)),
    )
    const puts = this.#timesMs.map(
      (timeMs, at): FloorTask => ({
        kind: 'put',
        directory: join(directory, String(at)),
        payloadBytes: PAYLOAD_BYTES,
        sync: durability === 'power',
        signals: this.#signals,
        timeMs,
      }),
    )
    const entry = new URL('floor-thread.ts', import.meta.url).href
    const echo: FloorTask = { kind: 'echo', port: port2 }
    this.#threads = [...puts.map(put => startThread(entry, put)), startThread(entry, echo, [port2])]
  }

  /** Measures for about `ms`; all measurements of a probe count together. */
  async measure(ms: number): Promise<void> {
    const half = performance.now() + ms / 2
    while (this.#timesMs.length > 0 && performance.now() < half) this.#measurePuts()
    const end = performance.now() + ms / 2
    while (performance.now() < end) await this.#measureRoundTrip()
  }

  floors(): Floors {
    const p50us = (latencies: Latencies) => latencies.percentileMs(50) * 1000
    const quorumPutP50us = p50us(this.#quorum)
    const roundTripP50us = p50us(this.#roundTrip)
    return {
      payloadBytes: PAYLOAD_BYTES,
      quorumPutP50us,
      slowestPutP50us: p50us(this.#slowest),
      roundTripP50us,
      writeP50us: quorumPutP50us + (HOPS_PER_WRITE / HOPS_PER_ROUND_TRIP) * roundTripP50us,
    }
  }

  async close(): Promise<void> {
    const exits = this.#threads.map(thread => once(thread, 'exit'))
    this.#startRound(STOP)
    this.#port.close()
    await Promise.all(exits)
  }

  #measurePuts(): void {
    this.#startRound(++this.#round)
    this.#awaitRound()
    const [, second, third] = this.#timesMs.map(time => time[0]!).sort((a, b) => a - b)
    this.#quorum.add(second!)
    this.#slowest.add(third!)
  }

  async #measureRoundTrip(): Promise<void> {
    const startedAt = performance.now()
    this.#port.postMessage(new Uint8Array(PAYLOAD_BYTES))
    await once(this.#port, 'message')
    this.#roundTrip.addSince(startedAt)
  }

  #startRound(round: number): void {
    Atomics.store(this.#signals, DONE, 0)
    Atomics.store(this.#signals, ROUND, round)
    Atomics.notify(this.#signals, ROUND)
  }

  /** Blocks: the threads need no help, and an event loop would only add noise. */
  #awaitRound(): void {
    for (;;) {
      const done = Atomics.load(this.#signals, DONE)
      if (done === this.#timesMs.length) return
      Atomics.wait(this.#signals, DONE, done)
    }
  }
}
