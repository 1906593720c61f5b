/** A process that opens an ensemble on an empty directory, makes one write, and tells how long that took. */

import { openEnsemble } from '../../lib/index.ts'

export interface FirstWrite {
  /** From the call until the ensemble is open. */
  readonly openedMs: number
  /** From the call until a write is acknowledged, the session it needs included. */
  readonly writtenMs: number
  /** From the start of the process until then. */
  readonly processMs: number
}

const startedAt = performance.now()
await using ensemble = await openEnsemble({ peers: 3, dataDir: process.argv[2]! })
const openedAt = performance.now()
const tree = await ensemble.connect()
tree.create('/first', 'write')
const writtenAt = performance.now()
const result: FirstWrite = {
  openedMs: openedAt - startedAt,
  writtenMs: writtenAt - startedAt,
  processMs: writtenAt,
}
console.log(JSON.stringify(result))
