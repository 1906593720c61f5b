/** Entry of a peer's thread: a Piscina task that lasts as long as the peer lives. */

import type { PeerBoot } from '../base/ports.ts'
import { openStore } from '../storage/open.ts'
import { livePeer } from './life.ts'

/** Runs one peer. Resolves after a clean close; rejects when the peer cannot go on, after reporting why. */
export async function runPeer(boot: PeerBoot): Promise<void> {
  await livePeer(boot, openStore)
}
