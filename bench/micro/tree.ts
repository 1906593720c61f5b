/** Cases of the replicated tree: applying transactions and looking up. */

import { childOf, parsePath, ROOT, type ZPath } from '../../lib/base/path.ts'
import { LoneTree } from '../systems/lone-tree.ts'
import type { Case } from '../util/cases.ts'

const NODES = 100_000
const EXTRA = parsePath('/extra')
const data = new Uint8Array(100).fill(0x2a)

/** A tree with `/0` … `/99999`. */
class Subject {
  readonly #lone = new LoneTree()
  readonly #paths: readonly ZPath[]
  #next = 0

  constructor() {
    this.#paths = Array.from({ length: NODES }, (_, at) => childOf(ROOT, String(at)))
    for (const path of this.#paths) this.#lone.create(path, data)
  }

  set(): void {
    this.#lone.set(this.#nextPath(), data)
  }

  createAndDelete(): void {
    this.#lone.create(EXTRA, data)
    this.#lone.apply({ type: 'delete', path: EXTRA })
  }

  look(): unknown {
    return this.#lone.tree.node(this.#nextPath())
  }

  #nextPath(): ZPath {
    this.#next = (this.#next + 1) % NODES
    return this.#paths[this.#next]!
  }
}

const subject = new Subject()

export const TREE_CASES: readonly Case[] = [
  { name: 'apply: set of 100 B', run: () => subject.set() },
  { name: 'apply: create and delete', run: () => subject.createAndDelete() },
  { name: 'look up', run: () => subject.look() },
]
