/** What a peer that lives in memory is told when it starts; its thread and its port are the caller's. */

import type { Board } from '../../lib/base/board.ts'
import type { PeerBoot } from '../../lib/base/ports.ts'
import type { Sid } from '../../lib/base/zxid.ts'

type BootInMemory = Omit<PeerBoot, 'lifeline' | 'mayRecover' | 'control'>

/** Each tick is short, and the limits are far. */
export function bootInMemory(
  board: Board,
  sid: Sid,
  voters: readonly Sid[],
  observers: readonly Sid[] = [],
): BootInMemory {
  return {
    sid,
    voters,
    observers,
    dataDir: undefined,
    durability: 'memory',
    board: board.memory,
    incarnation: board.started(sid),
    founding: true,
    tickMs: 1,
    initLimitTicks: 50,
    syncLimitTicks: 10,
    dataBytesMax: 1000,
    snapshotLogBytes: 1_000_000,
    snapshotsKept: 2,
  }
}
