/** What a careless application does to its own process, and so to the peers in it. */

import { pbkdf2 } from 'node:crypto'
import { type Ensemble, type Tree, TreeError } from '../../lib/index.ts'
import type { Prng } from '../support/prng.ts'
import type { Counters } from './counters.ts'

const PBKDF2_ROUNDS = 50_000
const BALLAST = '/ballast'
const BALLAST_BYTES_MAX = 700_000

export class Host {
  readonly #prng: Prng
  readonly #counters: Counters
  readonly #jobs = new Set<Promise<void>>()
  readonly #ballast: Tree

  private constructor(ballast: Tree, prng: Prng, counters: Counters) {
    this.#ballast = ballast
    this.#prng = prng
    this.#counters = counters
  }

  static async of(ensemble: Ensemble, prng: Prng, counters: Counters): Promise<Host> {
    const ballast = await ensemble.connect({ timeoutMs: 30_000 })
    await ballast.promises.create(BALLAST, '', { parents: true }).catch(ignoreExisting)
    return new Host(ballast, prng, counters)
  }

  /** This thread sleeps or computes: no event of its sessions, no restart of a peer. */
  block(ms: number): void {
    const until = performance.now() + ms
    if (this.#prng.chance(0.5)) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
      this.#counters.count('host: main thread asleep')
    } else {
      while (performance.now() < until);
      this.#counters.count('host: main thread computes')
    }
    this.#counters.peak('main thread blocked ms', ms)
  }

  /** More work for the pool in which the peers' disks are written too than it has threads. */
  saturatePool(jobs: number): void {
    this.#counters.count('host: thread pool full')
    // What is not done yet counts: on a slow machine the disks would stand still for minutes.
    for (let job = this.#jobs.size; job < jobs; job++) {
      this.#track(
        new Promise<void>((resolve, reject) => {
          pbkdf2('secret', 'salt', PBKDF2_ROUNDS, 64, 'sha512', error =>
            error === null ? resolve() : reject(error),
          )
        }),
      )
    }
  }

  /** Garbage in this thread. */
  litter(ms: number): void {
    this.#counters.count('host: garbage')
    const until = performance.now() + ms
    let kept: object[] = []
    while (performance.now() < until) {
      kept.push({ at: kept.length, text: String(kept.length) })
      if (kept.length > 200_000) kept = []
    }
  }

  /** Large data: garbage in the threads of all peers, snapshots, long frames. */
  burden(count: number): void {
    this.#counters.count('host: large data', count)
    for (let at = 0; at < count; at++) {
      const data = Buffer.alloc(this.#prng.between(50_000, BALLAST_BYTES_MAX), at)
      const written = this.#ballast.promises.set(BALLAST, data)
      this.#track(
        written.then(
          () => undefined,
          error => {
            if (!(error instanceof TreeError)) throw error
          },
        ),
      )
    }
  }

  /** Waits until all that was begun is done. */
  async settle(): Promise<void> {
    await Promise.all(this.#jobs)
  }

  async close(): Promise<void> {
    await this.settle()
    await this.#ballast.promises.close()
  }

  #track(job: Promise<void>): void {
    const tracked = job.finally(() => this.#jobs.delete(tracked))
    this.#jobs.add(tracked)
  }
}

function ignoreExisting(error: unknown): void {
  if (!(error instanceof TreeError) || error.code !== 'NODE_EXISTS') throw error
}
