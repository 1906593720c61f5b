/** A committed group becomes changes of the tree: the same on every peer and in every local observer. */

import { assert } from '../base/assert.ts'
import type { Group } from '../base/group.ts'
import { PayloadReader, type Txn } from '../base/txn.ts'
import type { Zxid } from '../base/zxid.ts'
import type { Applied, Tree } from '../tree/tree.ts'

/** Applies a group, and tells of each transaction before the next one is applied. */
export function applyGroup(
  tree: Tree,
  { first, last, payload }: Group,
  onApplied: (txn: Txn, applied: Applied, zxid: Zxid) => void,
): void {
  const reader = new PayloadReader(payload)
  assert(first + reader.count - 1 === last, 'a group has one transaction per zxid')
  for (let zxid: number = first; zxid <= last; zxid++) {
    const txn = reader.next()!
    onApplied(txn, tree.apply(txn, zxid as Zxid, reader.time), zxid as Zxid)
  }
}
