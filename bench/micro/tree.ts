/** Cases of the replicated tree: applying transactions and looking up. */

import { OPEN_ACL } from '../../lib/base/acl.ts'
import { childOf, parsePath, ROOT, type ZPath } from '../../lib/base/path.ts'
import type { TxnBody } from '../../lib/base/txn.ts'
import { advanceZxid, makeEpoch, makeZxid, NO_SESSION } from '../../lib/base/zxid.ts'
import { Tree } from '../../lib/tree/tree.ts'
import type { Case } from '../util/cases.ts'

const NODES = 100_000
const TIME_MS = 1_700_000_000_000
const data = new Uint8Array(100).fill(0x2a)

/** A tree with `/0` … `/99999`, and the transactions of an imagined leader. */
class Subject {
  readonly tree = new Tree()
  readonly #paths: readonly ZPath[]
  #next = 0
  #version = 0

  constructor() {
    this.#paths = Array.from({ length: NODES }, (_, at) => childOf(ROOT, String(at)))
    for (const path of this.#paths) this.apply(createOf(path))
  }

  /** The leader says which digest comes out; as there is none, the tree is asked once it has applied the rest. */
  apply(body: TxnBody): void {
    const { tree } = this
    const zxid = tree.zxid === 0 ? makeZxid(makeEpoch(1), 1) : advanceZxid(tree.zxid, 1)
    const header = { sessionId: NO_SESSION, cxid: 0, unanswered: 0, body }
    const txn = {
      ...header,
      get digest() {
        return tree.digest
      },
    }
    tree.apply(txn, zxid, TIME_MS)
  }

  nextPath(): ZPath {
    this.#next = (this.#next + 1) % NODES
    return this.#paths[this.#next]!
  }

  set(): void {
    this.#version = (this.#version + 1) | 0
    this.apply({ type: 'set', path: this.nextPath(), data, version: this.#version })
  }

  createAndDelete(): void {
    this.apply(createOf(EXTRA))
    this.apply({ type: 'delete', path: EXTRA })
  }
}

const EXTRA = parsePath('/extra')

function createOf(path: ZPath): TxnBody {
  return { type: 'create', path, data, acl: OPEN_ACL, ephemeral: false, parents: 0 }
}

const subject = new Subject()

export const TREE_CASES: readonly Case[] = [
  { name: 'apply: set of 100 B', run: () => subject.set() },
  { name: 'apply: create and delete', run: () => subject.createAndDelete() },
  { name: 'look up', run: () => subject.tree.node(subject.nextPath()) },
]
