/** A committed group becomes changes of the tree: the same on every peer and in every local observer. */

import { assert } from '../base/assert.ts'
import { ByteReader } from '../base/bytes.ts'
import type { Group } from '../base/group.ts'
import { decodePayload, type Txn } from '../base/txn.ts'
import type { Zxid } from '../base/zxid.ts'
import type { Applied, Tree } from '../tree/tree.ts'

/** Applies a group, and tells of each transaction before the next one is applied. */
export function applyGroup(
  tree: Tree,
  { first, last, payload }: Group,
  onApplied: (txn: Txn, applied: Applied, zxid: Zxid) => void,
): void {
  const { time, txns } = decodePayload(new ByteReader(payload))
  assert(first + txns.length - 1 === last, 'a group has one transaction per zxid')
  let zxid: number = first
  for (const txn of txns) {
    onApplied(txn, tree.apply(txn, zxid as Zxid, time), zxid as Zxid)
    zxid++
  }
}
