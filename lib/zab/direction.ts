/** Which way a message between a learner and its leader goes: its kind tells. */

import type { LeaderMessage, LearnerMessage } from './types.ts'

const LEADER_KINDS: ReadonlySet<string> = new Set<LeaderMessage['kind']>([
  'leaderInfo',
  'diff',
  'trunc',
  'snap',
  'snapshotChunk',
  'proposal',
  'commit',
  'inform',
  'newLeader',
  'upToDate',
  'ping',
  'dismiss',
])

export function isFromLeader(message: LeaderMessage | LearnerMessage): message is LeaderMessage {
  return LEADER_KINDS.has(message.kind)
}
