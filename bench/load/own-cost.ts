/** What the loops cost by themselves: on targets that do nothing. It is in every figure, and it must stay small. */

import { Latencies } from '../util/latencies.ts'
import { blockingLoop, closedLoop } from './closed-loop.ts'

const SECONDS = 0.3
const IN_FLIGHT = 1024

export interface OwnCost {
  /** Of one operation of the closed loop, with a promise for nothing. */
  readonly closedLoopNs: number
  readonly blockingLoopNs: number
}

export async function measureOwnCost(): Promise<OwnCost> {
  const promised = { call: () => Promise.resolve(true), isRight: (result: boolean) => result }
  const direct = { call: () => true, isRight: (result: boolean) => result }
  // The first round is for the compiler.
  let cost: OwnCost = { closedLoopNs: 0, blockingLoopNs: 0 }
  for (let round = 0; round < 2; round++) {
    const options = { inFlight: IN_FLIGHT, seconds: SECONDS }
    const closed = await closedLoop(promised, options, new Latencies())
    const blocking = blockingLoop(direct, { seconds: SECONDS }, new Latencies())
    cost = {
      closedLoopNs: (closed.seconds * 1e9) / closed.operations,
      blockingLoopNs: (blocking.seconds * 1e9) / blocking.operations,
    }
  }
  return cost
}
