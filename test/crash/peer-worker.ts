/** Entry of a peer's thread in the crash test: the peer as it ships, on a store with failpoints. */

import { setTimeout as pause } from 'node:timers/promises'
import type { PeerBoot } from '../../lib/base/ports.ts'
import { livePeer } from '../../lib/peer/life.ts'
import { Failpoints } from './failpoints.ts'
import { PLAN_VARIABLE, type Plan } from './messages.ts'
import { openWatched } from './open-watched.ts'

export async function runPeer(boot: PeerBoot): Promise<void> {
  const { passages, armed, late, smallFiles } = JSON.parse(process.env[PLAN_VARIABLE]!) as Plan
  await livePeer(boot, async options => {
    if (late?.sid === boot.sid) await pause(late.ms)
    return await openWatched(options, new Failpoints(passages, boot.sid, armed), smallFiles)
  })
}
