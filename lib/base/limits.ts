/**
 * Every limit of the system in one place, checked against each other when the module loads. What a user may change is
 * an option of `openEnsemble`; these are the defaults and the hard bounds.
 */

import { assert } from './assert.ts'

/** Length of a tick, the unit of all protocol time-outs. */
export const TICK_MS = 50
/** Ticks a peer may spend in discovery and synchronisation before it looks for a leader again (ZooKeeper initLimit). */
export const INIT_LIMIT_TICKS = 200
/** Ticks of silence after which a leader and a learner give each other up (ZooKeeper syncLimit). */
export const SYNC_LIMIT_TICKS = 20
/** Ticks an election waits for a better vote once a quorum agrees (ZooKeeper finalizeWait, 200 ms). */
export const FINALIZE_WAIT_TICKS = 4
/** First and largest pause between repeated notifications of a peer that looks for a leader. */
export const NOTIFY_TICKS_MIN = 4
export const NOTIFY_TICKS_MAX = 16
/** Ticks after which a round that elected nobody is followed by another, in which only who is still there has a say. */
export const ROUND_TICKS_MAX = 32
/** Ticks between two reports of the sessions connected to a peer; they ride on its answer to a ping. */
export const TOUCH_TICKS = 2

export const SESSION_TIMEOUT_MS_DEFAULT = 10_000
/** A report may just have been missed, and the next is on its way for a tick or two: less would expire the living. */
export const SESSION_TIMEOUT_TICKS_MIN = 2 * TOUCH_TICKS + 2
export const SESSION_TIMEOUT_MS_MIN = SESSION_TIMEOUT_TICKS_MIN * TICK_MS
export const SESSION_TIMEOUT_MS_MAX = 600_000

/** Largest data of one znode, as ZooKeeper's jute.maxbuffer. */
export const DATA_BYTES_MAX_DEFAULT = 0xfffff
export const DATA_BYTES_MAX_CEILING = 64 * 1024 * 1024
/** Longest path in UTF-8 bytes. */
export const PATH_BYTES_MAX = 32_767
/** Nodes above one that is created with `parents`: all that are missing are made in one turn of each peer. */
export const PARENTS_MAX = 256
/** Last number a sequential node may take; ZooKeeper's counter is a signed 32-bit integer too. */
export const SEQUENCE_MAX = 0x7fffffff

/** A group is closed when its payload passes this size; one oversized transaction still makes a group of its own. */
export const GROUP_BYTES_MAX = 512 * 1024
/** A group of this size is proposed although all disks are busy. */
export const GROUP_BYTES_EAGER = 128 * 1024

/** Groups of so much take a while to be applied: other peers are told of their commit before that. */
export const COMMIT_BYTES_FIRST = 16 * 1024

/** A voter that stands by is told of so many groups at once. */
export const HELD_GROUPS_MAX = 4
/** A group with a larger payload is told to all at once: many have written, or one so much that it takes its time. */
export const HELD_BYTES_MAX = 4 * 1024
/** It is told of them with the next tick at the latest: with ticks longer than this no voter stands by. */
export const HELD_MS_MAX = 100

/** Payload bytes and groups of recent history kept in memory to bring learners up to date without the disk. */
export const HISTORY_BYTES_MAX = 16 * 1024 * 1024
export const HISTORY_GROUPS_MAX = 4096

/** Bytes of log after which a peer takes a snapshot. */
export const SNAPSHOT_LOG_BYTES = 32 * 1024 * 1024
/** Size of the chunks a snapshot is written, sent and loaded in. */
export const SNAPSHOT_CHUNK_BYTES = 128 * 1024
/** Snapshots kept after a purge (ZooKeeper autopurge.snapRetainCount). */
export const SNAPSHOTS_KEPT = 3

/** Bytes a peer sends to a local observer before it takes some in; what it sends next may pass that by a group. */
export const FEED_WINDOW_BYTES = 8 * 1024 * 1024
/** Size from which a frame of a feed is sent, however much more there is to tell. */
export const FEED_FRAME_BYTES = 256 * 1024

/** Writes one session may have under way towards its peer; more wait in the client. Bounds the kept results. */
export const SESSION_WINDOW = 4096

assert(TOUCH_TICKS < SYNC_LIMIT_TICKS, 'sessions are reported before their peer is given up')
assert(TOUCH_TICKS * TICK_MS * 4 < SESSION_TIMEOUT_MS_DEFAULT, 'a session is reported often')
assert(
  SYNC_LIMIT_TICKS * TICK_MS < SESSION_TIMEOUT_MS_DEFAULT,
  'peers fail over before sessions expire',
)
assert(FINALIZE_WAIT_TICKS < INIT_LIMIT_TICKS, 'an election ends before it is given up')
assert(
  FEED_FRAME_BYTES + GROUP_BYTES_MAX < FEED_WINDOW_BYTES,
  'an observer takes in what it was sent, and is sent more meanwhile',
)
assert(SNAPSHOT_CHUNK_BYTES < HISTORY_BYTES_MAX, 'a chunk fits in memory')
