/** The program of a peer's thread whose log is left for a new segment with each snapshot, so that there are several. */

import type { PeerBoot } from '../../lib/base/ports.ts'
import { livePeer } from '../../lib/peer/life.ts'
import { openStore } from '../../lib/storage/open.ts'

export async function runPeer(boot: PeerBoot): Promise<void> {
  await livePeer(boot, options => openStore({ ...options, segmentBytes: 0 }))
}
