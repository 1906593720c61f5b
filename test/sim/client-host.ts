/** What a simulated client needs to know of the ensemble it lives in. */

import type { Sid } from '../../lib/base/zxid.ts'
import type { SimClient } from './client.ts'
import type { SimPeer } from './peer.ts'

export interface ClientHost {
  /** The peer to go to: the preferred one if it serves, else the leader, else any that serves. */
  home(preferred: Sid | undefined, not: Sid | undefined): SimPeer | undefined
  /** The client's session is over, or the client is dead. */
  gone(client: SimClient): void
  /** Since when everybody serves who should after the last fault, under one leader; undefined for another's clients. */
  wellServedSince(home: SimPeer): number | undefined
}
