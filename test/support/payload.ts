/** A group's payload, all at once. */

import { PayloadReader, type Txn } from '../../lib/base/txn.ts'

export function decodePayload(payload: Uint8Array): { time: number; txns: readonly Txn[] } {
  const reader = new PayloadReader(payload)
  const txns: Txn[] = []
  for (;;) {
    const txn = reader.next()
    if (txn === undefined) return { time: reader.time, txns }
    txns.push(txn)
  }
}
