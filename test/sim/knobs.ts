/**
 * What kind of world a seed makes. Every seed draws its own extremes: with all faults always on and all delays always
 * average, the rare orders of events would stay rare.
 */

import {
  FEED_WINDOW_BYTES,
  HISTORY_GROUPS_MAX,
  SNAPSHOT_CHUNK_BYTES,
} from '../../lib/base/limits.ts'
import { Prng } from '../support/prng.ts'

/** From and to, both included. */
export interface Range {
  readonly low: number
  readonly high: number
}

export const FAULT_CLASSES = [
  // Peers.
  'crash',
  'crashAll',
  'crashInSync',
  'crashInSnapshot',
  'crashAtStart',
  'pause',
  // Links.
  'isolate',
  'oneWayCut',
  'split',
  'ring',
  'clog',
  'swizzle',
  'rewire',
  // Disks.
  'diskStall',
  'slowDisk',
  'failedCall',
  'failingDisk',
  'rotLog',
  'rotSnapshot',
  'rotMeta',
  'lostRecord',
  'lostTail',
  'wipe',
  // Clocks and clients.
  'clockJump',
  'clientMoves',
  'clientDies',
  'clientStalls',
] as const
/** `leaveBehind` strikes in hurried worlds only, so that all others stay as they were before there was such a fault. */
export type FaultClass = (typeof FAULT_CLASSES)[number] | 'leaveBehind'

/**
 * `long`: some two thousand ticks, in which faults come in clusters with time between them to recover in. `dense`: a
 * tenth of that, and no rest: the most trouble for the time a machine has.
 */
export type Profile = 'long' | 'dense'

/** One seed in so many is of the long kind, unless one kind is asked for. */
const LONG_EVERY = 16
/** Share of the dense seeds whose worlds are hurried. */
const HURRIED = 1 / 64

export function profileOf(seed: number): Profile {
  return seed % LONG_EVERY === 0 ? 'long' : 'dense'
}

export function isProfile(name: string): name is Profile {
  return Object.hasOwn(PACES, name)
}

export interface Knobs {
  readonly voters: number
  readonly observers: number
  readonly clients: number
  readonly initLimitTicks: number
  readonly syncLimitTicks: number
  /** A peer's tick as a share of what it should be, drawn for each peer. */
  readonly tickPercent: Range
  /** By how much a tick may be late; each peer has one of these. */
  readonly tickJitterUs: readonly number[]
  /** All times are whole multiples of this: what then comes at one moment is taken in one turn. */
  readonly grainUs: number
  /** Time a frame is on its way, in microseconds. */
  readonly linkUs: Range
  /** Time a turn of a peer takes; what arrives meanwhile is taken together by the next one. */
  readonly turnUs: Range
  readonly diskUs: Range
  readonly snapshotLogBytes: number
  readonly snapshotChunkBytes: number
  readonly snapshotsKept: number
  /** Deltas upon one full snapshot before the store asks for another. */
  readonly deltasMax: number
  /** Bytes of groups that one load from the store returns. */
  readonly loadBytes: number
  readonly historyGroupsMax: number
  readonly dataBytesMax: number
  readonly sessionTimeoutMs: Range
  /** Share of the clients whose threads keep a replica of the tree to read from. */
  readonly localReads: number
  readonly feedWindowBytes: number
  /** By how much a frame of a feed is later than any other. */
  readonly feedLagUs: Range
  /** Time a client thinks before its next burst of calls. */
  readonly thinkUs: Range
  readonly burstMax: number
  readonly windowMax: number
  readonly faults: readonly FaultClass[]
  readonly faultEveryTicks: Range
  /** Chance that a fault is followed by a lull, and how long that is. */
  readonly lull: number
  readonly lullTicks: Range
  readonly faultLastsTicks: Range
  /** Chance that a write under way when its peer dies is on disk all the same, and not torn. */
  readonly survival: number
  /** Chance that a death is noticed only by silence. */
  readonly silence: number
  readonly safetyTicks: number
  /** Chance that in the end not everybody is healed, but only a core that must do without the others. */
  readonly coreOnly: number
}

export const TICK_US = 50_000
export const TICK_MS = TICK_US / 1000

export function within(prng: Prng, range: Range): number {
  return prng.between(range.low, range.high)
}

/** A generator for each part of the world, so that a change in one part's use of chance leaves the others alone. */
export function stream(seed: number, part: number): Prng {
  return new Prng(seed + (part + 1) * 2 ** 32)
}

function range(low: number, high: number): Range {
  return { low, high }
}

const LINK_US = [range(20, 200), range(100, 3_000), range(1_000, 30_000), range(50, 120_000)]
const DISK_US = [range(50, 400), range(500, 10_000), range(5_000, 80_000), range(100, 200_000)]
const TURN_US = [range(0, 0), range(10, 200), range(200, 8_000)]

/** Shorter than the shortest patience of a client, whose answers wait for it. */
const FEED_LAG_US = [range(0, 0), range(0, 2_000), range(1_000, 40_000), range(0, 150_000)]

/** How much happens in how long. */
const PACES = {
  long: {
    thinkUs: [range(100_000, 800_000), range(300_000, 3_000_000), range(20_000, 2_000_000)],
    faultEveryTicks: [range(2, 20), range(5, 60), range(20, 120)],
    lull: [0.1, 0.3],
    lullTicks: range(50, 300),
    faultLastsTicks: [range(1, 10), range(5, 40), range(20, 80), range(40, 200)],
    safetyTicks: range(1_600, 2_400),
  },
  dense: {
    thinkUs: [range(1_000, 60_000), range(20_000, 300_000)],
    faultEveryTicks: [range(2, 10), range(5, 30), range(20, 60)],
    lull: [0],
    lullTicks: range(0, 0),
    faultLastsTicks: [range(1, 10), range(5, 40), range(20, 80)],
    safetyTicks: range(100, 240),
  },
} as const

type Ticking = Pick<Knobs, 'tickPercent' | 'tickJitterUs'>

/** How long a tick may take. */
export function slowestTickUs({ tickPercent, tickJitterUs }: Ticking): number {
  return (TICK_US * tickPercent.high) / 100 + Math.max(...tickJitterUs)
}

/** Less would be too little for the fastest of these peers to bear with the slowest. */
function syncTicksMin(ticking: Ticking): number {
  const fastestTickUs = (TICK_US * ticking.tickPercent.low) / 100
  return Math.ceil(slowestTickUs(ticking) / fastestTickUs) + 1
}

export function drawKnobs(seed: number, profile = profileOf(seed)): Knobs {
  const prng = stream(seed, 0)
  const pace = PACES[profile]
  const voters = prng.pick([1, 3, 3, 5, 5, 5, 5, 5, 5, 7])
  const observers = prng.pick([0, 0, 0, 1, 1, 2])
  const tickPercent = prng.pick([range(100, 100), range(100, 100), range(95, 105), range(90, 120)])
  const tickJitterUs = prng.pick([[0], [500], [0, 500, 20_000], [50_000]])
  const syncLimitTicks = Math.max(prng.between(3, 10), syncTicksMin({ tickPercent, tickJitterUs }))
  const quiet = prng.chance(0.03)
  const faultShare = prng.pick([0.2, 0.5, 1])
  const drawn: Knobs = {
    voters,
    observers: voters > 3 ? Math.min(observers, 1) : observers,
    clients: prng.between(1, 4),
    initLimitTicks: syncLimitTicks + prng.between(6, 40),
    syncLimitTicks,
    tickPercent,
    tickJitterUs,
    grainUs: prng.pick([1, 1, 200, 1_000, 5_000]),
    linkUs: prng.pick(LINK_US),
    turnUs: prng.pick(TURN_US),
    diskUs: prng.pick(DISK_US),
    snapshotLogBytes: prng.pick([1, 200, 1_000, 5_000, 20_000, 1_000_000]),
    snapshotChunkBytes: prng.pick([1, 100, 1_000, SNAPSHOT_CHUNK_BYTES]),
    snapshotsKept: prng.between(1, 3),
    deltasMax: prng.between(0, 4),
    loadBytes: prng.pick([1, 500, 1_000_000]),
    historyGroupsMax: prng.pick([128, HISTORY_GROUPS_MAX]),
    dataBytesMax: 64,
    sessionTimeoutMs: prng.pick([range(600, 1_500), range(1_000, 3_000), range(3_000, 6_000)]),
    thinkUs: prng.pick(pace.thinkUs),
    burstMax: prng.pick([1, 2, 6]),
    windowMax: prng.pick([1, 4, 12]),
    faults: quiet ? [] : FAULT_CLASSES.filter(() => prng.chance(faultShare)),
    faultEveryTicks: prng.pick(pace.faultEveryTicks),
    lull: prng.pick(pace.lull),
    lullTicks: pace.lullTicks,
    faultLastsTicks: prng.pick(pace.faultLastsTicks),
    survival: prng.pick([0, 0.1, 0.5, 1]),
    silence: prng.pick([0, 0.3, 1]),
    safetyTicks: within(prng, pace.safetyTicks),
    coreOnly: 0.5,
    localReads: 0,
    feedWindowBytes: FEED_WINDOW_BYTES,
    feedLagUs: range(0, 0),
  }
  const local = { ...drawn, ...drawLocal(seed, drawn) }
  return profile === 'dense' && stream(seed, 5).chance(HURRIED) ? hurried(local) : local
}

/**
 * From a stream of its own, and for a part of the worlds: the others stay as they were before there were observers. A
 * feed that is late has answers wait for it and events for answers; a peer that forgets soon leaves observers behind.
 */
function drawLocal(seed: number, { historyGroupsMax }: Knobs): Partial<Knobs> {
  const prng = stream(seed, 6)
  const localReads = prng.pick([0, 0, 0.5, 1])
  const feedWindowBytes = prng.pick([1, 1_000, 100_000])
  if (localReads === 0) return {}
  return {
    localReads,
    feedWindowBytes,
    feedLagUs: prng.pick(FEED_LAG_US),
    historyGroupsMax: prng.pick([24, historyGroupsMax]),
  }
}

/**
 * Everybody takes snapshots and purges as fast as can be, and learners are left behind while they serve: their clients
 * see how a snapshot takes the place of a tree. In other worlds that comes to pass where nobody looks.
 */
function hurried(drawn: Knobs): Knobs {
  return {
    ...drawn,
    clients: 4,
    grainUs: 1,
    linkUs: LINK_US[0]!,
    turnUs: TURN_US[0]!,
    diskUs: DISK_US[0]!,
    snapshotLogBytes: 1,
    thinkUs: PACES.dense.thinkUs[0],
    faults: ['leaveBehind', 'leaveBehind', 'rewire', 'clientMoves', 'clientDies'],
    faultEveryTicks: PACES.dense.faultEveryTicks[0],
  }
}
