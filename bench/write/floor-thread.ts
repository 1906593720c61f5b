/** A thread that measures for the floors: one puts into a LevelDB of its own on command, another returns messages. */

import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { Level } from 'level'
import { DONE, ROUND, STOP } from './floor-signals.ts'

export type FloorTask =
  | {
      readonly kind: 'put'
      readonly directory: string
      readonly payloadBytes: number
      readonly sync: boolean
      readonly signals: Int32Array
      /** Where the duration of each put goes, in milliseconds. */
      readonly timeMs: Float64Array
    }
  | { readonly kind: 'echo'; readonly port: MessagePort }

async function putOnCommand(task: Extract<FloorTask, { kind: 'put' }>): Promise<void> {
  const { directory, payloadBytes, sync, signals, timeMs } = task
  const options = { keyEncoding: 'view', valueEncoding: 'view', compression: false }
  const level = new Level<Uint8Array, Uint8Array>(directory, options)
  await level.open()
  const key = new Uint8Array(8)
  const value = new Uint8Array(payloadBytes).fill(0x2a)
  sayReady()
  for (let round = 0; ; ) {
    Atomics.wait(signals, ROUND, round)
    round = Atomics.load(signals, ROUND)
    if (round === STOP) break
    new DataView(key.buffer).setUint32(4, round)
    const startedAt = performance.now()
    await level.put(key, value, { sync })
    timeMs[0] = performance.now() - startedAt
    Atomics.add(signals, DONE, 1)
    Atomics.notify(signals, DONE)
  }
  await level.close()
}

function echo(port: MessagePort): void {
  port.on('message', message => port.postMessage(message))
  sayReady()
}

function sayReady(): void {
  parentPort!.postMessage('ready')
}

const task = workerData as FloorTask
if (task.kind === 'put') await putOnCommand(task)
else echo(task.port)
