/** What the tree of a hand-driven ensemble was like at each zxid: the same wherever and whenever it stands there. */

import assert from 'node:assert/strict'
import type { Zxid } from '../../lib/base/zxid.ts'
import type { Tree } from '../../lib/tree/tree.ts'
import { path } from '../replica/support.ts'
import type { HandPeer } from './hand-ensemble.ts'

/** What was true of every tree at a zxid. */
interface Moment {
  readonly digest: number
  /** Of `/p`, whose children come and go with sessions. */
  readonly pzxid: Zxid | undefined
}

export class Chronicle {
  readonly #moments = new Map<Zxid, Moment>()

  /** After a turn, a tree stands at the end of a group. */
  note({ core: { tree } }: HandPeer): void {
    const known = this.#moments.get(tree.zxid)
    if (known === undefined) this.#moments.set(tree.zxid, momentOf(tree))
    else assert.deepEqual(momentOf(tree), known)
  }

  check(tree: Tree): void {
    const known = this.#moments.get(tree.zxid)
    assert.ok(known, `some tree stood at ${tree.zxid}`)
    assert.deepEqual(momentOf(tree), known)
  }
}

function momentOf(tree: Tree): Moment {
  return { digest: tree.digest, pzxid: tree.node(path('/p'))?.pzxid }
}
