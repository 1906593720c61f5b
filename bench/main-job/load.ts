/** Writes the entries of a listing into the tree, many at a time, and keeps what the verification has to find there. */

import { createHash } from 'node:crypto'
import type { Tree } from '../../lib/index.ts'
import { InFlight } from '../util/in-flight.ts'
import { Latencies } from '../util/latencies.ts'
import { PIECE_BYTES, piecesOf } from './content.ts'
import { type Entry, type Listing, reasonOf, type Skipped } from './listing.ts'

const IN_FLIGHT = { calls: 256, bytes: 16 * 1024 * 1024 }

/** An entry as it was written. */
export interface Replicated {
  readonly kind: Entry['kind']
  readonly path: string
  readonly bytes: number
  /** How many znodes below `path` hold the content; 0 when it is in the znode itself. */
  readonly pieces: number
  /** Of the content, as it was read. */
  readonly sha256: string
}

export interface LoadOptions {
  readonly budgetMs: number
  readonly budgetBytes: number
  /** Called once: when half of the bytes are acknowledged, half of a budget is used up, or all is written. */
  readonly onHalf: () => void
  readonly onProgress: (bytes: number, entries: number) => void
}

export interface LoadResult {
  readonly replicated: readonly Replicated[]
  readonly bytes: number
  readonly writes: number
  readonly ms: number
  readonly latencies: Latencies
  readonly unreadable: readonly Skipped[]
  /** False when the budget was used up first. */
  readonly complete: boolean
}

export function piecePath(path: string, index: number): string {
  return `${path}/piece-${String(index).padStart(10, '0')}`
}

export class Load {
  readonly #tree: Tree
  readonly #listing: Listing
  readonly #options: LoadOptions
  readonly #inFlight = new InFlight(IN_FLIGHT)
  readonly #latencies = new Latencies()
  readonly #replicated: Replicated[] = []
  readonly #unreadable: Skipped[] = []
  readonly #startedAt = performance.now()
  #bytes = 0
  #halfPassed = false
  #complete = true

  constructor(tree: Tree, listing: Listing, options: LoadOptions) {
    this.#tree = tree
    this.#listing = listing
    this.#options = options
  }

  /** The line is ordered, so a directory that was sent before its files is there before them. */
  async run(): Promise<LoadResult> {
    for (const entry of this.#listing.entries) {
      this.#complete &&= this.#withinBudget()
      if (!this.#complete) break
      await this.#replicate(entry)
      this.#lookForHalf()
    }
    await this.#inFlight.drained()
    const ms = this.#elapsedMs()
    this.#passHalf()
    return {
      replicated: this.#replicated,
      bytes: this.#bytes,
      writes: this.#latencies.count,
      ms,
      latencies: this.#latencies,
      unreadable: this.#unreadable,
      complete: this.#complete,
    }
  }

  /** A file that ends early, by an error or because the budget is used up, is kept as far as it was read. */
  async #replicate(entry: Entry): Promise<void> {
    const hash = createHash('sha256')
    const content = piecesOf(entry)
    let bytes = 0
    let pieces = 0
    let piece = this.#read(entry, content)
    if (piece === undefined) return
    if (piece.length < PIECE_BYTES) {
      hash.update(piece)
      bytes = piece.length
      await this.#create(entry.path, piece)
    } else {
      await this.#create(entry.path, '')
      while (piece !== undefined && this.#complete) {
        hash.update(piece)
        bytes += piece.length
        await this.#create(piecePath(entry.path, pieces++), piece)
        this.#complete = this.#withinBudget()
        piece = this.#read(entry, content)
      }
    }
    content.return()
    const { kind, path } = entry
    this.#replicated.push({ kind, path, bytes, pieces, sha256: hash.digest('hex') })
  }

  #read(entry: Entry, content: Iterator<Buffer>): Buffer | undefined {
    try {
      const { value, done } = content.next()
      return done === true ? undefined : value
    } catch (error) {
      this.#unreadable.push({ source: entry.source, why: reasonOf(error) })
      return undefined
    }
  }

  async #create(path: string, data: Buffer | string): Promise<void> {
    await this.#inFlight.room()
    const startedAt = performance.now()
    const call = this.#tree.promises.create(path, data)
    this.#inFlight.add(data.length, call, () => {
      this.#latencies.addSince(startedAt)
      this.#bytes += data.length
      this.#options.onProgress(this.#bytes, this.#replicated.length)
    })
  }

  #lookForHalf(): void {
    const { budgetBytes, budgetMs } = this.#options
    const bytes = Math.min(this.#listing.bytes, budgetBytes)
    if (this.#bytes * 2 >= bytes || this.#elapsedMs() * 2 >= budgetMs) this.#passHalf()
  }

  #passHalf(): void {
    if (this.#halfPassed) return
    this.#halfPassed = true
    this.#options.onHalf()
  }

  #withinBudget(): boolean {
    const { budgetBytes, budgetMs } = this.#options
    return this.#bytes < budgetBytes && this.#elapsedMs() < budgetMs
  }

  #elapsedMs(): number {
    return performance.now() - this.#startedAt
  }
}
