/** Times without an acknowledged write, and which of them a kill is to blame for. */

import { Latencies } from '../util/latencies.ts'

/** Both ends in milliseconds since the epoch, so that threads and processes mean the same. */
export interface Gap {
  readonly from: number
  readonly to: number
}

/** For each kill, the longest of the gaps that end after it and before the next: what of it lies after the kill. */
export function gapsAfter(kills: readonly number[], gaps: readonly Gap[]): Latencies {
  const latencies = new Latencies()
  for (const [index, at] of kills.entries()) {
    const until = kills[index + 1] ?? Number.POSITIVE_INFINITY
    const during = gaps.filter(gap => gap.to > at && gap.to < until)
    latencies.add(Math.max(0, ...during.map(gap => gap.to - Math.max(gap.from, at))))
  }
  return latencies
}
