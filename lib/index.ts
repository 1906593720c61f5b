/** The public surface of quorumtree: everything else is internal and may change. */

export { type Acl, type AclEntry, OPEN_ACL, PERMISSIONS } from './base/acl.ts'
export { type ErrorCode, TreeError } from './base/errors.ts'
export type { Durability } from './base/ports.ts'
export type { EventType, WatchEvent } from './base/reply.ts'
export type { Stat } from './base/stat.ts'
export type { SessionId, Sid, Zxid } from './base/zxid.ts'
export type { GetResult } from './client/answers.ts'
export { connect, connectSync } from './client/connect.ts'
export type { SessionState } from './client/core.ts'
export type { Watcher } from './client/core-watches.ts'
export type {
  ConnectOptions,
  CreateOptions,
  Data,
  VersionOptions,
  WatchOptions,
} from './client/options.ts'
export type { TreePromises } from './client/promises.ts'
export type { Tree } from './client/tree.ts'
export type { Ensemble } from './ensemble/ensemble.ts'
export type {
  DelayOptions,
  Direction,
  PauseOptions,
  PeerSet,
} from './ensemble/fault-arguments.ts'
export type { Faults } from './ensemble/faults.ts'
export { openEnsemble } from './ensemble/open.ts'
export type {
  EnsembleOptions,
  PeerFailure,
  PeerOptions,
  PeerRole,
  RestartOptions,
  RestartPolicy,
} from './ensemble/options.ts'
export type { EnsembleStatus, PeerState, PeerSummary } from './ensemble/status.ts'
