/**
 * What kind of world a seed makes. Every seed draws its own extremes: with all faults always on and all delays always
 * average, the rare orders of events would stay rare.
 */

import { Prng } from '../support/prng.ts'

/** From and to, both included. */
export interface Range {
  readonly low: number
  readonly high: number
}

export const FAULT_CLASSES = [
  'crash',
  'crashAll',
  'pause',
  'isolate',
  'oneWayCut',
  'split',
  'ring',
  'clog',
  'rewire',
  'diskStall',
  'damage',
  'wipe',
  'clockJump',
  'clientMoves',
  'clientDies',
  'clientStalls',
] as const
export type FaultClass = (typeof FAULT_CLASSES)[number]

export interface Knobs {
  readonly voters: number
  readonly observers: number
  readonly clients: number
  readonly initLimitTicks: number
  readonly syncLimitTicks: number
  /** Time a frame is on its way, in microseconds. */
  readonly linkUs: Range
  /** Time a turn of a peer takes; what arrives meanwhile is taken together by the next one. */
  readonly turnUs: Range
  readonly diskUs: Range
  readonly snapshotLogBytes: number
  readonly snapshotsKept: number
  /** Deltas upon one full snapshot before the store asks for another. */
  readonly deltasMax: number
  /** Bytes of groups that one load from the store returns. */
  readonly loadBytes: number
  readonly dataBytesMax: number
  readonly sessionTimeoutMs: Range
  /** Time a client thinks before its next burst of calls. */
  readonly thinkUs: Range
  readonly burstMax: number
  readonly windowMax: number
  readonly faults: readonly FaultClass[]
  readonly faultEveryTicks: Range
  readonly faultLastsTicks: Range
  /** Chance that the unsynced layer of a crashed peer's disk survives, wholly or in part. */
  readonly survival: number
  /** Chance that a death is noticed only by silence. */
  readonly silence: number
  readonly safetyTicks: number
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

const LINK_US: readonly Range[] = [
  { low: 20, high: 200 },
  { low: 100, high: 3_000 },
  { low: 1_000, high: 30_000 },
  { low: 50, high: 120_000 },
]
const DISK_US: readonly Range[] = [
  { low: 50, high: 400 },
  { low: 500, high: 10_000 },
  { low: 5_000, high: 80_000 },
  { low: 100, high: 200_000 },
]
const TURN_US: readonly Range[] = [
  { low: 0, high: 0 },
  { low: 10, high: 200 },
  { low: 200, high: 8_000 },
]
const FAULT_EVERY_TICKS: readonly Range[] = [
  { low: 2, high: 10 },
  { low: 5, high: 30 },
  { low: 20, high: 60 },
]

export function drawKnobs(seed: number): Knobs {
  const prng = stream(seed, 0)
  const voters = prng.pick([1, 3, 3, 3, 3, 5])
  const observers = prng.pick([0, 0, 0, 1, 1, 2])
  const syncLimitTicks = prng.between(3, 10)
  const quiet = prng.chance(0.03)
  const faultShare = prng.pick([0.2, 0.5, 1])
  return {
    voters,
    observers: voters === 5 ? Math.min(observers, 1) : observers,
    clients: prng.between(1, 4),
    initLimitTicks: syncLimitTicks + prng.between(6, 40),
    syncLimitTicks,
    linkUs: prng.pick(LINK_US),
    turnUs: prng.pick(TURN_US),
    diskUs: prng.pick(DISK_US),
    snapshotLogBytes: prng.pick([200, 1_000, 5_000, 20_000, 1_000_000]),
    snapshotsKept: prng.between(1, 3),
    deltasMax: prng.between(0, 4),
    loadBytes: prng.pick([1, 500, 1_000_000]),
    dataBytesMax: 64,
    sessionTimeoutMs: prng.pick([
      { low: 600, high: 1_500 },
      { low: 1_000, high: 3_000 },
      { low: 3_000, high: 6_000 },
    ]),
    thinkUs: prng.pick([
      { low: 1_000, high: 60_000 },
      { low: 20_000, high: 300_000 },
    ]),
    burstMax: prng.pick([1, 2, 6]),
    windowMax: prng.pick([1, 4, 12]),
    faults: quiet ? [] : FAULT_CLASSES.filter(() => prng.chance(faultShare)),
    faultEveryTicks: prng.pick(FAULT_EVERY_TICKS),
    faultLastsTicks: prng.pick([
      { low: 1, high: 10 },
      { low: 5, high: 40 },
      { low: 20, high: 80 },
    ]),
    survival: prng.pick([0, 0.5, 1]),
    silence: prng.pick([0, 0.3, 1]),
    safetyTicks: prng.between(100, 240),
  }
}
