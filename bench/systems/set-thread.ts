/** A client thread: a session of its own that sets nodes in a closed loop, until its time is over or it is stopped. */

import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { connect, type Stat } from '../../lib/index.ts'
import { ClosedLoop } from '../load/closed-loop.ts'
import type { Gap } from '../load/gaps.ts'
import type { Counts } from '../load/row.ts'
import { LatencyLog, type LatencySink } from '../util/latencies.ts'
import { setTarget } from './tree-targets.ts'

export interface SetThreadTask {
  readonly handle: MessagePort
  readonly paths: readonly string[]
  readonly payloadBytes: number
  readonly inFlight: number
}

/** `seconds` from now on; or stop, or end the session and the thread. */
export type SetCommand = { readonly seconds: number } | 'stop' | 'close'

export interface SetResult {
  readonly counts: Counts
  readonly latenciesMs: Float32Array
  /** Those worth telling. */
  readonly gaps: readonly Gap[]
}

const GAP_MS = 3

/** Notices when nothing is acknowledged for a while. */
class GapWatch implements LatencySink {
  readonly log = new LatencyLog()
  readonly gaps: Gap[] = []
  #last = performance.now()

  add(ms: number): void {
    const now = performance.now()
    if (now - this.#last > GAP_MS) {
      const { timeOrigin } = performance
      this.gaps.push({ from: timeOrigin + this.#last, to: timeOrigin + now })
    }
    this.#last = now
    this.log.add(ms)
  }
}

const { handle, paths, payloadBytes, inFlight } = workerData as SetThreadTask
const tree = await connect(handle)
const target = setTarget(tree, paths, Buffer.alloc(payloadBytes, 'x'))
let loop: ClosedLoop<Stat> | undefined

async function run(seconds: number): Promise<void> {
  const sink = new GapWatch()
  const running = new ClosedLoop(target, { inFlight, seconds }, sink)
  loop = running
  const counts = await running.run()
  const result: SetResult = { counts, latenciesMs: sink.log.values, gaps: sink.gaps }
  parentPort!.postMessage(result)
}

parentPort!.on('message', (command: SetCommand) => {
  if (command === 'stop') loop?.stop()
  else if (command !== 'close') void run(command.seconds)
  else {
    void tree.promises.close()
    parentPort!.close()
  }
})
parentPort!.postMessage('ready')
