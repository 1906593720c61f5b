/** The ways of writing that are compared: each sets 100 bytes or so at a time, for a while, and times every call. */

import type { Tree } from '../../lib/index.ts'
import { Latencies } from '../util/latencies.ts'

export interface WriteCase {
  readonly name: string
  readonly inFlight: number
  readonly run: (tree: Tree, load: WriteLoad) => void | Promise<void>
}

/** What to write, until when, and where the result goes. */
export class WriteLoad {
  readonly latencies = new Latencies()
  errors = 0
  readonly #paths: readonly string[]
  readonly #data: Buffer
  readonly #endAt: number
  readonly #startedAt = performance.now()
  #next = 0

  constructor(paths: readonly string[], payloadBytes: number, seconds: number) {
    this.#paths = paths
    this.#data = Buffer.alloc(payloadBytes, 'x')
    this.#endAt = this.#startedAt + seconds * 1000
  }

  get opsPerSecond(): number {
    return this.latencies.count / ((performance.now() - this.#startedAt) / 1000)
  }

  get goesOn(): boolean {
    return performance.now() < this.#endAt
  }

  async write(tree: Tree): Promise<void> {
    const startedAt = performance.now()
    try {
      await tree.promises.set(this.#nextPath(), this.#data)
      this.latencies.addSince(startedAt)
    } catch {
      this.errors++
    }
  }

  writeBlocking(tree: Tree): void {
    const startedAt = performance.now()
    try {
      tree.set(this.#nextPath(), this.#data)
      this.latencies.addSince(startedAt)
    } catch {
      this.errors++
    }
  }

  #nextPath(): string {
    this.#next = (this.#next + 1) % this.#paths.length
    return this.#paths[this.#next]!
  }
}

async function oneByOne(tree: Tree, load: WriteLoad): Promise<void> {
  while (load.goesOn) await load.write(tree)
}

function oneByOneBlocking(tree: Tree, load: WriteLoad): void {
  while (load.goesOn) load.writeBlocking(tree)
}

export const ONE_AT_A_TIME: readonly WriteCase[] = [
  { name: 'one at a time, blocking', inFlight: 1, run: oneByOneBlocking },
  { name: 'one at a time, promises', inFlight: 1, run: oneByOne },
]

/** Keeps `inFlight` calls under way: each that ends starts the next. */
export function pipelined(inFlight: number): WriteCase {
  return {
    name: `pipelined, promises`,
    inFlight,
    run: async (tree, load) => {
      await Promise.all(Array.from({ length: inFlight }, () => oneByOne(tree, load)))
    },
  }
}
