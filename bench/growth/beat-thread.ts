/** The thread that watches the board: how long each peer's word stood still. */

import { parentPort, workerData } from 'node:worker_threads'
import { Board } from '../../lib/base/board.ts'
import type { Sid } from '../../lib/base/zxid.ts'
import { Latencies } from '../util/latencies.ts'

export interface BeatTask {
  readonly board: SharedArrayBuffer
  readonly sids: readonly Sid[]
  readonly stop: Int32Array
}

export interface BeatReport {
  /** Between two beats of a peer. */
  readonly p50ms: number
  readonly p99ms: number
  readonly maxms: number
  /** How late this thread itself was at worst: what it tells of the peers may be wrong by so much. */
  readonly ownDelayMaxMs: number
}

const LOOK_MS = 0.25

const { board: memory, sids, stop } = workerData as BeatTask
const board = new Board(memory)
const beats = sids.map(sid => board.beats(sid))
const movedAt = sids.map(() => performance.now())
const gaps = new Latencies()
let lookedAt = performance.now()
let ownDelayMaxMs = 0
parentPort!.postMessage('ready')
while (Atomics.load(stop, 0) === 0) {
  Atomics.wait(stop, 0, 0, LOOK_MS)
  const now = performance.now()
  ownDelayMaxMs = Math.max(ownDelayMaxMs, now - lookedAt)
  lookedAt = now
  for (const [at, sid] of sids.entries()) {
    const found = board.beats(sid)
    if (found === beats[at]) continue
    gaps.add(now - movedAt[at]!)
    beats[at] = found
    movedAt[at] = now
  }
}
const report: BeatReport = {
  p50ms: gaps.percentileMs(50),
  p99ms: gaps.percentileMs(99),
  maxms: gaps.maxMs,
  ownDelayMaxMs,
}
parentPort!.postMessage(report)
