/** Entry of a peer's thread in the crash test: the peer as it ships, on a store with failpoints. */

import { setTimeout as pause } from 'node:timers/promises'
import type { PeerBoot } from '../../lib/base/ports.ts'
import { livePeer } from '../../lib/peer/life.ts'
import { Failpoints } from './failpoints.ts'
import { PLAN_VARIABLE, type Plan, stallFileOf } from './messages.ts'
import { openWatched } from './open-watched.ts'

export async function runPeer(boot: PeerBoot): Promise<void> {
  const plan = JSON.parse(process.env[PLAN_VARIABLE]!) as Plan
  const { passages, armed, late, ahead, smallFiles, segmentBytes, segmentBytesMax } = plan
  const isBehind = ahead !== undefined && ahead !== boot.sid
  const stallFile = isBehind ? stallFileOf(plan) : undefined
  const failpoints = new Failpoints(passages, boot.sid, armed, stallFile)
  await livePeer(boot, async options => {
    if (late?.sid === boot.sid) await pause(late.ms)
    return await openWatched(
      {
        ...options,
        ...(segmentBytes && { segmentBytes }),
        ...(segmentBytesMax && { segmentBytesMax }),
      },
      failpoints,
      smallFiles,
    )
  })
}
