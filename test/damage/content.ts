/** What the directories hold that are damaged, and how the ensemble that made them ended. */

/** How the last life of the ensemble ends. */
export type Ending =
  /** By `close`. */
  | 'closed'
  /** By SIGKILL, in the middle of writes. */
  | 'killed'
  /** By SIGKILL, after a rest. */
  | 'rested'

/** Path → data. */
export type Content = Readonly<Record<string, string>>

export const PEERS = 3
export const ROOT = '/damage'
/** Snapshots every few dozen writes, so that there are many of them. */
export const OPTIONS = {
  peers: PEERS,
  snapshotLogBytes: 24_000,
  snapshotsKept: 2,
  // On a busy machine the start of a thread takes its time.
  openTimeoutMs: 120_000,
} as const
