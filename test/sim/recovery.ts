/**
 * What a peer finds on its model disk when it starts: the counterpart of `recoverFrom` in lib/storage and of
 * `recoverPeer` in lib/peer, which notices the same damage and keeps the same of what is left.
 */

import { follows, type Group, LOG_START, type LogPoint, pointOf } from '../../lib/base/group.ts'
import { type Epoch, epochOf, ZXID_ZERO, type Zxid } from '../../lib/base/zxid.ts'
import { epochEndsOf } from '../../lib/storage/log.ts'
import type { Mark, StoredSnapshot } from '../../lib/storage/records.ts'
import { type Chain, chainOf } from '../../lib/storage/snapshots.ts'
import { TreeLoader } from '../../lib/tree/loader.ts'
import { Tree } from '../../lib/tree/tree.ts'
import type { Epochs } from '../../lib/zab/types.ts'
import type { RecoveredPeer } from '../../lib/zab/zab.ts'
import { blankMeta, type DiskImage, type StoredMeta } from './disk-image.ts'
import { Violation } from './violation.ts'

/** What an image proves to hold. */
export interface Findings {
  /** Undefined when it cannot be read. */
  readonly meta: StoredMeta | undefined
  readonly base: Chain | undefined
  readonly groups: readonly Group[]
  readonly tail: LogPoint
  readonly metaRevision: number
  readonly epochs: Epochs
  readonly committed: Zxid
  readonly damage: string | undefined
  readonly usable: readonly StoredSnapshot[]
  readonly useless: readonly number[]
}

export interface RecoveredDisk {
  readonly peer: RecoveredPeer
  readonly tree: Tree
  readonly damage: string | undefined
}

interface Bases {
  readonly base: Chain | undefined
  readonly usable: readonly StoredSnapshot[]
  readonly readable: readonly StoredSnapshot[]
  readonly unreadable: readonly number[]
}

interface LogPart {
  readonly groups: readonly Group[]
  readonly committed: Zxid
  readonly metaRevision: number
  readonly fault: string | undefined
}

function findBase({ heads, chunks }: DiskImage): Bases {
  const there = heads.filter(({ flaw }) => flaw !== 'gone')
  const readable = there.filter(({ flaw }) => flaw === undefined).map(({ snapshot }) => snapshot)
  const unreadable = there
    .filter(({ flaw }) => flaw !== undefined)
    .map(({ snapshot }) => snapshot.id)
  const bad = new Set<number>()
  const verify = ({ id, chunks: count }: StoredSnapshot): boolean => {
    const found = chunks.get(id) ?? []
    const good = found.length === count && found.every(({ flaw }) => flaw === undefined)
    if (!good) bad.add(id)
    return good
  }
  const isGood = ({ id }: StoredSnapshot): boolean => !bad.has(id)
  let base: Chain | undefined
  for (const { id } of readable.toReversed()) {
    base = chainOf(id, readable, isGood)
    if (base?.every(verify)) break
    base = undefined
  }
  const usable = readable.filter(({ id }) => chainOf(id, readable, isGood) !== undefined)
  return { base, usable, readable, unreadable }
}

function readLog(image: DiskImage, start: LogPoint): LogPart {
  const groups: Group[] = []
  let point = start
  let committed = ZXID_ZERO
  let metaRevision = 0
  let fault: string | undefined
  for (let at = image.indexAfter(start.zxid); at < image.log.length; at++) {
    const record = image.log[at]!
    if (record.flaw === 'gone') continue
    if (record.flaw === 'bad') fault = `the group after ${point.zxid} cannot be read`
    else if (!follows(point, record.group)) fault = `the log has a hole after ${point.zxid}`
    if (fault !== undefined) break
    groups.push(record.group)
    point = pointOf(record.group)
    if (record.committed > committed) committed = record.committed
    metaRevision = Math.max(metaRevision, record.metaRevision)
  }
  return { groups, committed, metaRevision, fault }
}

/** Up to where it was seen to end the log must be there, unless it was cut since. */
function endsEarly(meta: StoredMeta, mark: Mark | undefined, tail: LogPoint): boolean {
  if (mark !== undefined && mark.revision > meta.revision) return true
  const noted = mark?.revision === meta.revision ? mark.tail.zxid : ZXID_ZERO
  return Math.max(noted, meta.tail.zxid) > tail.zxid
}

function findDamage(
  { mark }: DiskImage,
  meta: StoredMeta | undefined,
  { base, readable, unreadable }: Bases,
  log: LogPart,
  tail: LogPoint,
): string | undefined {
  if (meta === undefined) return 'the record of epochs cannot be read'
  if (log.fault !== undefined) return log.fault
  const baseId = base?.at(-1)?.id ?? 0
  const lost = readable.find(({ id, head }) => id > baseId && head.point.zxid > tail.zxid)
  if (lost !== undefined) return 'a snapshot beyond the log cannot be used'
  if (unreadable.some(id => id > baseId)) return 'the head of a newer snapshot cannot be read'
  if (log.metaRevision > meta.revision || epochOf(tail.zxid) > meta.epochs.currentEpoch) {
    return 'the record of epochs is older than the log'
  }
  if (meta.logStart.zxid > tail.zxid)
    return 'everything from the beginning of the log on is missing'
  if (endsEarly(meta, mark, tail)) return 'the end of the log is missing'
  return meta.damaged ? 'data were lost earlier' : undefined
}

function epochsOf(meta: StoredMeta | undefined, tail: LogPoint): Epochs {
  const { acceptedEpoch, currentEpoch } = (meta ?? blankMeta(false)).epochs
  const current = Math.max(currentEpoch, epochOf(tail.zxid)) as Epoch
  return { currentEpoch: current, acceptedEpoch: Math.max(acceptedEpoch, current) as Epoch }
}

/** `founding`: no leader ever served, so that a disk without anything on it is as good as any. */
export function examine(image: DiskImage, founding: boolean): Findings {
  const stored = image.meta ?? blankMeta(!founding)
  const meta = stored.flaw === undefined ? stored : undefined
  const bases = findBase(image)
  const { base, usable, readable, unreadable } = bases
  const start = base?.at(-1)?.head.point ?? LOG_START
  const log = readLog(image, start)
  const last = log.groups.at(-1)
  const tail = last === undefined ? start : pointOf(last)
  const known = Math.max(meta?.committed ?? 0, log.committed, start.zxid)
  return {
    meta,
    base,
    groups: log.groups,
    tail,
    metaRevision: log.metaRevision,
    epochs: epochsOf(meta, tail),
    committed: Math.min(known, tail.zxid) as Zxid,
    damage: findDamage(image, meta, bases, log, tail),
    usable,
    useless: [...readable.map(({ id }) => id), ...unreadable].filter(
      id => !usable.some(snapshot => snapshot.id === id),
    ),
  }
}

/** Whether a peer that starts from these findings has a vote. */
export function mayVote({ damage, epochs }: Findings, founding: boolean): boolean {
  return damage === undefined && (founding || epochs.currentEpoch > 0)
}

/** From findings to what a peer begins with. */
export function begin(image: DiskImage, found: Findings, founding: boolean): RecoveredDisk {
  const { meta, base, groups, epochs, committed, damage } = found
  if (meta === undefined || !mayVote(found, founding)) {
    const history = { logStart: LOG_START, base: LOG_START, groups: [], epochEnds: [] }
    const peer = { epochs, history, committed: ZXID_ZERO, trusted: false }
    return { peer, tree: new Tree(), damage }
  }
  const head = base?.at(-1)?.head
  const history = {
    logStart: meta.logStart,
    base: head?.point ?? LOG_START,
    groups,
    epochEnds: epochEndsOf(head, groups),
  }
  const peer = { epochs, history, committed, trusted: true }
  return { peer, tree: base === undefined ? new Tree() : loadTree(image, base), damage }
}

export function recover(image: DiskImage, founding: boolean): RecoveredDisk {
  return begin(image, examine(image, founding), founding)
}

function loadTree({ chunks }: DiskImage, base: Chain): Tree {
  const loader = new TreeLoader()
  const { head } = base.at(-1)!
  try {
    for (const { id } of base) for (const { bytes } of chunks.get(id) ?? []) loader.load(bytes)
    return loader.finish(head.point.zxid, head.digest)
  } catch (error) {
    throw new Violation('Recovery', `the snapshot at ${head.point.zxid} cannot be loaded`, error)
  }
}
