/** A thread of the workload: one participant in the blocking face. Its event loop turns only between two calls. */

import { once } from 'node:events'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { connectSync } from '../../lib/index.ts'
import { PROGRESS, type ThreadPlan } from './workload.ts'
import { isOver, Participant, type Progress } from './workload-session.ts'

const port = parentPort!
const { plan, stop, progress } = workerData as ThreadPlan

async function newHandle(): Promise<MessagePort> {
  port.postMessage('handle')
  const [handle] = await once(port, 'message')
  return handle as MessagePort
}

const participant = new Participant(plan, {
  connect: async options => connectSync(await newHandle(), options),
  isStopped: () => Atomics.load(stop, 0) === 1,
  count: (what: keyof Progress) => Atomics.add(progress, PROGRESS.indexOf(what), 1),
})

const idle = new Int32Array(new SharedArrayBuffer(4))

function think(): void {
  if (participant.prng.chance(0.5)) Atomics.wait(idle, 0, 0, participant.prng.unit() * plan.thinkMs)
}

let recorder = await participant.open()
while (!participant.isDone) {
  const operation = participant.draw()
  const result = recorder.block(operation, participant.heard)
  participant.learn(operation, result)
  if (isOver(result) || operation.kind === 'close') recorder = await participant.open()
  think()
}
const history = await participant.audit(recorder, (at, operation) => at.block(operation))
port.postMessage(history)
port.close()
