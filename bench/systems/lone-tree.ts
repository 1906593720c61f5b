/** A tree without an ensemble: what would come from a leader is made up. */

import { OPEN_ACL } from '../../lib/base/acl.ts'
import type { ZPath } from '../../lib/base/path.ts'
import type { TxnBody } from '../../lib/base/txn.ts'
import { advanceZxid, makeEpoch, makeZxid, NO_SESSION } from '../../lib/base/zxid.ts'
import { Tree } from '../../lib/tree/tree.ts'

const TIME_MS = 1_700_000_000_000

export class LoneTree {
  readonly tree = new Tree()
  #version = 0

  create(path: ZPath, data: Uint8Array): void {
    this.apply({ type: 'create', path, data, acl: OPEN_ACL, ephemeral: false, parents: 0 })
  }

  set(path: ZPath, data: Uint8Array): void {
    this.#version = (this.#version + 1) | 0
    this.apply({ type: 'set', path, data, version: this.#version })
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
}
