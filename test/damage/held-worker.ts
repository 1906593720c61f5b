/** The program of a peer's thread that does not get to open its store while its server id is on the list. */

import type { PeerBoot } from '../../lib/base/ports.ts'
import { livePeer } from '../../lib/peer/life.ts'
import { openStore } from '../../lib/storage/open.ts'
import { HELD_VARIABLE } from './held.ts'

export async function runPeer(boot: PeerBoot): Promise<void> {
  await livePeer(boot, async options => {
    const held = JSON.parse(process.env[HELD_VARIABLE] ?? '[]') as readonly number[]
    if (held.includes(boot.sid)) await new Promise(() => undefined)
    return openStore(options)
  })
}
