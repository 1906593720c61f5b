/** What the disk and the language take by themselves: a synced block, a look-up. */

import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Latencies } from '../util/latencies.ts'

const BLOCK_BYTES = 4096
const BLOCKS = 4096
const LOOK_UPS_PER_ROUND = 10_000

/** Blocks of a file that has its size already, one after the other. */
export class DataSync {
  readonly #file: number
  readonly #block = Buffer.alloc(BLOCK_BYTES, 'x')
  #next = 0

  constructor(directory: string) {
    this.#file = openSync(join(directory, 'blocks'), 'w')
    for (let at = 0; at < BLOCKS; at++) this.#write(at)
    fdatasyncSync(this.#file)
  }

  measure(ms: number, into: Latencies): void {
    for (const endAt = performance.now() + ms; performance.now() < endAt; ) {
      const startedAt = performance.now()
      this.#write(this.#next)
      fdatasyncSync(this.#file)
      into.addSince(startedAt)
      this.#next = (this.#next + 1) % BLOCKS
    }
  }

  close(): void {
    closeSync(this.#file)
  }

  #write(at: number): void {
    writeSync(this.#file, this.#block, 0, BLOCK_BYTES, at * BLOCK_BYTES)
  }
}

/** Look-ups per second in a map of these paths, in the order given. */
export function lookUpsPerSecond(paths: readonly string[], ms: number): number {
  const map = new Map(paths.map((path, at) => [path, at]))
  let sum = 0
  let count = 0
  const startedAt = performance.now()
  for (const endAt = startedAt + ms; performance.now() < endAt; ) {
    for (let at = 0; at < LOOK_UPS_PER_ROUND; at++) sum += map.get(paths[count++ % paths.length]!)!
  }
  const seconds = (performance.now() - startedAt) / 1000
  // The sum is used, or the compiler might leave the look-ups out.
  return Number.isNaN(sum) ? Number.NaN : count / seconds
}
