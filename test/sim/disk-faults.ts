/**
 * Faults of disks. Those that take data ask the atlas first. What LevelDB drops without a word from the very end of its
 * log cannot be told from a write that never happened, unless the end was noted; so a record that is `gone` is one that
 * others follow which will never be cut off, or the log had been noted to go further.
 */

import type { Zxid } from '../../lib/base/zxid.ts'
import { DiskImage, type Flaw } from './disk-image.ts'
import { TICK_US, within } from './knobs.ts'
import type { SimPeer } from './peer.ts'
import type { Inflict, Strike } from './strike.ts'

export type DiskFault =
  | 'diskStall'
  | 'slowDisk'
  | 'failedCall'
  | 'failingDisk'
  | 'rotLog'
  | 'rotSnapshot'
  | 'rotMeta'
  | 'lostRecord'
  | 'lostTail'
  | 'wipe'

/** Harms the data of one peer, living or not; returns undefined when there is nothing to harm. */
type Harm = (strike: Strike, peer: SimPeer) => string | undefined

function onDisk(strike: Strike, inflict: (peer: SimPeer) => void): string | undefined {
  const peer = strike.anyPeer()
  if (peer !== undefined) inflict(peer)
  return peer && `P${peer.sid}`
}

/** The Nth call from now on fails: the store is given up, the peer dies and starts again from its disk. */
function failCalls(strike: Strike, badForUs: number): string | undefined {
  const { prng } = strike
  const goodCalls = prng.pick([0, 1, 2, prng.between(0, 30)])
  const writesThrough = prng.chance(0.5)
  const hit = onDisk(strike, ({ disk }) => disk.failAfter(goodCalls, badForUs, writesThrough))
  return hit && `${hit} after ${goodCalls} calls`
}

function onData(strike: Strike, harm: Harm): string | undefined {
  const { peers, prng, atlas } = strike
  const harmable = peers.filter(peer => atlas.mayHarm(peer))
  if (harmable.length === 0) return undefined
  const peer = strike.leader() ?? prng.pick(harmable)
  if (!harmable.includes(peer)) return undefined
  // It comes to light at a start, or when a learner needs it.
  const dies = prng.chance(0.5)
  const detail = harm(strike, peer)
  if (detail === undefined) return undefined
  if (dies && peer.up) strike.crash(peer)
  return `P${peer.sid} ${detail}`
}

function flawLog(flaw: Flaw): Harm {
  return ({ prng }, { disk, zab }) => {
    const { log } = disk.safe
    // Nothing that is committed is ever cut off, so what comes before that never becomes the end.
    const committed = zab === undefined ? disk.safe.committed : zab.history.committed
    const end =
      flaw === 'bad' ? log.length : log.findLastIndex(({ group }) => group.last <= committed)
    if (end <= 0) return undefined
    const record = log[prng.between(0, end - 1)]!
    record.flaw = flaw
    return `the group at ${record.group.first} is ${flaw}`
  }
}

function flawHead(flaw: Flaw): Harm {
  return ({ prng }, { disk }) => {
    const { heads } = disk.safe
    if (heads.length === 0) return undefined
    const head = prng.pick(heads)
    head.flaw = flaw
    return `the head of snapshot ${head.snapshot.id} is ${flaw}`
  }
}

const rotChunk: Harm = ({ prng }, { disk }) => {
  const { heads, chunks } = disk.safe
  const stored = heads.flatMap(({ snapshot }) => chunks.get(snapshot.id) ?? [])
  if (stored.length === 0) return undefined
  prng.pick(stored).flaw = 'bad'
  return 'a chunk of a snapshot is bad'
}

const rotMeta: Harm = (_, { disk }) => {
  const { meta } = disk.safe
  if (meta === undefined) return undefined
  meta.flaw = 'bad'
  return 'the record of epochs is bad'
}

/** LevelDB finds the end of its log spoilt and drops it, some of it before where the log was noted to end. */
const lostTail: Harm = (strike, peer) => {
  const { meta, mark, log, snapshotted } = peer.disk.safe
  // What precedes the meta record, or the head of a snapshot, in LevelDB's log cannot be lost without it.
  if (meta === undefined || mark?.revision !== meta.revision) return undefined
  const first = peer.disk.safe.indexAfter(Math.max(meta.tail.zxid, snapshotted.zxid) as Zxid)
  const end = peer.disk.safe.indexAfter(mark.tail.zxid)
  if (first >= end) return undefined
  if (peer.up) strike.crash(peer, false)
  const kept = strike.prng.between(first, end - 1)
  const lost = log.length - kept
  log.length = kept
  return `the last ${lost} groups of the log are gone`
}

const wipe: Harm = (strike, peer) => {
  if (peer.up) strike.crash(peer)
  peer.disk.replace(new DiskImage())
  return 'has an empty disk'
}

export const DISK_FAULTS: Readonly<Record<DiskFault, Inflict>> = {
  diskStall: strike => onDisk(strike, ({ disk }) => disk.stall(strike.later())),
  slowDisk: strike => {
    const times = strike.prng.pick([3, 20])
    return onDisk(strike, ({ disk }) => disk.slow(times, strike.later()))
  },
  failedCall: strike => failCalls(strike, 0),
  failingDisk: strike => {
    return failCalls(strike, within(strike.prng, strike.world.knobs.faultLastsTicks) * TICK_US)
  },
  rotLog: strike => onData(strike, flawLog('bad')),
  rotSnapshot: strike => {
    return onData(strike, strike.prng.chance(0.3) ? flawHead('bad') : rotChunk)
  },
  rotMeta: strike => onData(strike, rotMeta),
  lostRecord: strike => {
    return onData(strike, strike.prng.chance(0.3) ? flawHead('gone') : flawLog('gone'))
  },
  lostTail: strike => onData(strike, lostTail),
  wipe: strike => onData(strike, wipe),
}
