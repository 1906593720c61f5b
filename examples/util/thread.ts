/** Starts a TypeScript file in a thread of its own; for programs that run their sources through tsx. */

import { type TransferListItem, Worker } from 'node:worker_threads'

// Node 20 does not hand `--import tsx` down to a thread whose entry is TypeScript, so the thread registers it first.
const BOOT = `
const { workerData } = require('node:worker_threads')
import('tsx/esm/api').then(({ register }) => { register(); return import(workerData.entry) })
`

/** As `new Worker(entry, { workerData, transferList })`, which is all that a compiled program needs. */
export function startThread(
  entry: string,
  workerData: object,
  transferList: TransferListItem[] = [],
): Worker {
  return new Worker(BOOT, { eval: true, workerData: { ...workerData, entry }, transferList })
}
