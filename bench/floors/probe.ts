/**
 * The floors of a run: what disk, threads and language alone would take, on the same disk and at the same time as what
 * is held against them. Measured in slices between the runs; all slices of a probe count together.
 */

import { join } from 'node:path'
import type { Durability } from '../../lib/index.ts'
import { pathsOf, shuffled } from '../load/paths.ts'
import { median } from '../load/row.ts'
import { Latencies } from '../util/latencies.ts'
import { DataSync, lookUpsPerSecond } from './bare.ts'
import { Hops } from './hops.ts'
import { CREATES, logOnlyPerSecond, Puts, SETS } from './puts.ts'

/** Client, leader, follower, leader, client. */
const HOPS_PER_WRITE = 4
const LOOK_UP_PATHS = 100_000
const LOOK_UP_MS = 300

export interface Floors {
  readonly peers: number
  readonly durability: Durability
  readonly dataSyncP50us: number
  /** One put of 128 bytes into each of as many LevelDBs as there are peers, started at once; synced with `power`. */
  readonly slowestPutP50us: number
  readonly quorumPutP50us: number
  readonly promisedHopP50us: number
  readonly blockingHopP50us: number
  /** Of one write: the quorum's put and four hops. */
  readonly writeP50us: number
  /** Transactions of 120 bytes in groups of 64 KiB, into the logs alone. */
  readonly logOnlyPerSecond: number
  /** Creates of 1 KiB in groups of 512 KiB, likewise. */
  readonly logOnlyCreatesPerSecond: number
  /** `Map.get` with 100,000 paths. */
  readonly lookUpsPerSecond: number
}

export class FloorProbe {
  readonly #directory: string
  readonly #durability: Durability
  readonly #puts: Puts
  readonly #hops: Hops
  readonly #dataSync: DataSync
  readonly #dataSyncs = new Latencies()
  readonly #setRates: number[] = []
  readonly #createRates: number[] = []
  readonly #lookUpRates: number[] = []
  readonly #paths = shuffled(pathsOf('/floor', LOOK_UP_PATHS))

  /** Starts threads; they sleep between measurements. */
  static async open(directory: string, peers: number, durability: Durability): Promise<FloorProbe> {
    const puts = await Puts.open(directory, peers, durability === 'power')
    return new FloorProbe(directory, durability, puts, await Hops.open())
  }

  private constructor(directory: string, durability: Durability, puts: Puts, hops: Hops) {
    this.#directory = directory
    this.#durability = durability
    this.#puts = puts
    this.#hops = hops
    this.#dataSync = new DataSync(directory)
  }

  /** What one write has to wait for. Takes about `ms`. */
  async measure(ms: number): Promise<void> {
    this.#dataSync.measure(ms / 6, this.#dataSyncs)
    this.#puts.measure(ms / 2)
    await this.#hops.measurePromised(ms / 6)
    this.#hops.measureBlocking(ms / 6)
  }

  /** The limits of throughput. Heavy on the disk, so not between runs. */
  async measureLimits(seconds: number): Promise<void> {
    const { peers } = this.#puts
    const directory = join(this.#directory, `logs-${this.#setRates.length}`)
    this.#setRates.push(await logOnlyPerSecond(directory, peers, SETS, seconds))
    this.#createRates.push(await logOnlyPerSecond(directory, peers, CREATES, seconds))
    this.#lookUpRates.push(lookUpsPerSecond(this.#paths, LOOK_UP_MS))
  }

  floors(): Floors {
    const p50us = (latencies: Latencies) => latencies.percentileMs(50) * 1000
    const quorumPutP50us = p50us(this.#puts.quorum)
    const neededPutP50us = this.#durability === 'memory' ? 0 : quorumPutP50us
    const promisedHopP50us = p50us(this.#hops.promised) / 2
    return {
      peers: this.#puts.peers,
      durability: this.#durability,
      dataSyncP50us: p50us(this.#dataSyncs),
      slowestPutP50us: p50us(this.#puts.slowest),
      quorumPutP50us,
      promisedHopP50us,
      blockingHopP50us: p50us(this.#hops.blocking) / 2,
      writeP50us: neededPutP50us + HOPS_PER_WRITE * promisedHopP50us,
      logOnlyPerSecond: median(this.#setRates),
      logOnlyCreatesPerSecond: median(this.#createRates),
      lookUpsPerSecond: median(this.#lookUpRates),
    }
  }

  async close(): Promise<void> {
    this.#dataSync.close()
    await Promise.all([this.#puts.close(), this.#hops.close()])
  }
}
