/** Waits for the round after 0, and tells which one has begun. */

import { parentPort, workerData } from 'node:worker_threads'
import { awaitRoundAfter } from '../../bench/floors/signals.ts'

parentPort!.postMessage(awaitRoundAfter(0, workerData.signals as Int32Array))
