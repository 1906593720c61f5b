/** A thread that puts into a LevelDB of its own: once for each round, or as fast as it can for a while. */

import { parentPort, workerData } from 'node:worker_threads'
import { Keys, type Log, openLog } from './log.ts'
import { awaitRoundAfter, DONE, STOP } from './signals.ts'

export interface PutTask {
  readonly directory: string
  readonly payloadBytes: number
  readonly sync: boolean
  /** One put in each round; without, puts follow each other until the time is over. */
  readonly rounds?: { readonly signals: Int32Array; readonly timeMs: Float64Array }
  readonly seconds?: number
}

/** What a thread without rounds answers. */
export interface PutCount {
  readonly puts: number
  readonly seconds: number
}

const { directory, payloadBytes, sync, rounds, seconds } = workerData as PutTask
const keys = new Keys()
const value = new Uint8Array(payloadBytes).fill(0x2a)

async function putOnCommand(
  log: Log,
  { signals, timeMs }: NonNullable<PutTask['rounds']>,
): Promise<void> {
  for (let round = 0; ; ) {
    round = awaitRoundAfter(round, signals)
    if (round === STOP) return
    const startedAt = performance.now()
    await log.put(keys.next(), value, { sync })
    timeMs[0] = performance.now() - startedAt
    Atomics.add(signals, DONE, 1)
    Atomics.notify(signals, DONE)
  }
}

async function putForAWhile(log: Log, forSeconds: number): Promise<PutCount> {
  const startedAt = performance.now()
  const endAt = startedAt + forSeconds * 1000
  let puts = 0
  for (; performance.now() < endAt; puts++) await log.put(keys.next(), value, { sync })
  return { puts, seconds: (performance.now() - startedAt) / 1000 }
}

const log = await openLog(directory)
parentPort!.postMessage('ready')
if (rounds !== undefined) await putOnCommand(log, rounds)
else parentPort!.postMessage(await putForAWhile(log, seconds!))
await log.close()
