/**
 * Wakes the open loop at an even pace. A timer of an event loop counts whole milliseconds; a thread that sleeps on
 * shared memory is several times finer, and costs nothing in between.
 */

import { parentPort, workerData } from 'node:worker_threads'
import type { Pace } from './open-loop.ts'

const { paceMs, words } = workerData as Pace
parentPort!.postMessage('ready')
for (let dueAt = performance.now(); Atomics.load(words, 1) === 0; dueAt += paceMs) {
  Atomics.wait(words, 1, 0, Math.max(0, dueAt - performance.now()))
  // The last one was not taken yet: the loop will see by itself what has become due meanwhile.
  if (Atomics.exchange(words, 0, 1) === 0) parentPort!.postMessage('due')
}
