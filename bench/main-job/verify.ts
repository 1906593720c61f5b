/** Reads everything back from one peer and compares it with what was written. */

import { createHash } from 'node:crypto'
import type { Ensemble, Tree } from '../../lib/index.ts'
import { InFlight } from '../util/in-flight.ts'
import { PIECE_BYTES } from './content.ts'
import { piecePath, type Replicated } from './load.ts'

const IN_FLIGHT = { calls: 256, bytes: 16 * 1024 * 1024 }

export interface Verdict {
  readonly sid: number
  /** Paths that do not hold what was written, or have children that were not, each with what is wrong. */
  readonly wrong: readonly string[]
}

export async function verifyPeer(
  ensemble: Ensemble,
  sid: number,
  replicated: readonly Replicated[],
): Promise<Verdict> {
  await using tree = await ensemble.connect({ peer: sid })
  await tree.promises.sync()
  const verification = new Verification(tree)
  await verification.run(replicated)
  return { sid, wrong: verification.wrong }
}

class Verification {
  readonly wrong: string[] = []
  readonly #tree: Tree
  readonly #inFlight = new InFlight(IN_FLIGHT)

  constructor(tree: Tree) {
    this.#tree = tree
  }

  async run(replicated: readonly Replicated[]): Promise<void> {
    const namesIn = namesByDirectory(replicated)
    for (const entry of replicated) {
      if (entry.kind === 'directory')
        await this.#checkNames(entry.path, namesIn.get(entry.path) ?? [])
      else await this.#checkContent(entry)
    }
    await this.#inFlight.drained()
  }

  async #checkNames(path: string, expected: readonly string[]): Promise<void> {
    await this.#inFlight.room()
    const call = this.#orMissing(path, this.#tree.promises.children(path))
    this.#inFlight.add(0, call, names => {
      if (names === undefined) return
      const found = names.sort()
      const same =
        found.length === expected.length &&
        [...expected].sort().every((name, at) => name === found[at])
      if (!same) this.wrong.push(`${path}: ${found.length} children, ${expected.length} written`)
    })
  }

  /** The line answers in order, so pieces can be hashed as they come. */
  async #checkContent(entry: Replicated): Promise<void> {
    const { path, pieces, sha256 } = entry
    const hash = createHash('sha256')
    const last = Math.max(pieces - 1, 0)
    for (let at = 0; at <= last; at++) {
      await this.#inFlight.room()
      const from = pieces === 0 ? path : piecePath(path, at)
      const call = this.#orMissing(from, this.#tree.promises.get(from))
      this.#inFlight.add(pieces === 0 ? entry.bytes : PIECE_BYTES, call, result => {
        if (result !== undefined) hash.update(result.data)
        if (at < last) return
        const found = hash.digest('hex')
        if (found !== sha256) this.wrong.push(`${path}: SHA-256 is ${found}, not ${sha256}`)
      })
    }
  }

  /** A missing znode is a finding; any other failure is not for this place. */
  async #orMissing<T>(path: string, call: Promise<T>): Promise<T | undefined> {
    try {
      return await call
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'NO_NODE') throw error
      this.wrong.push(`${path}: missing`)
      return undefined
    }
  }
}

/** Of each directory, the names that were written into it. */
function namesByDirectory(replicated: readonly Replicated[]): Map<string, string[]> {
  const names = new Map<string, string[]>()
  for (const { kind, path } of replicated) {
    if (kind === 'directory') names.set(path, [])
    const cut = path.lastIndexOf('/')
    names.get(path.slice(0, cut))?.push(path.slice(cut + 1))
  }
  return names
}
