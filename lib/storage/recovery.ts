/**
 * Reading back what a peer had. LevelDB drops records it cannot read from the middle of its own log without a word, so
 * everything is proved here: sums, the chain of hashes from the snapshot to the last group, the count of meta writes.
 * What cannot be proved is damage, except at the very end of the log, where it looks like a write that never happened:
 * there the meta record and the note of the log's end tell how far it reached at least.
 */

import { MalformedError } from '../base/bytes.ts'
import { follows, type Group, LOG_START, type LogPoint, pointOf } from '../base/group.ts'
import { type Epoch, epochOf, formatZxid, ZXID_ZERO, type Zxid } from '../base/zxid.ts'
import type { Epochs } from '../zab/types.ts'
import type { Entry } from './disk.ts'
import { ALL_HEADS, chunkKey, chunksOf, isSameKey, snapshotIdOf } from './keys.ts'
import type { Shelves } from './level-store.ts'
import { endOf, epochEndsOf } from './log.ts'
import type { Part } from './part.ts'
import {
  decodeChunk,
  decodeGroup,
  decodeHead,
  type Mark,
  type Meta,
  type StoredSnapshot,
} from './records.ts'
import { type Chain, chainOf } from './snapshots.ts'
import type { ImageSink, Recovered } from './store.ts'
import { readUnopenedLog } from './unopened-log.ts'

export interface Recovery {
  readonly recovered: Recovered
  /** Snapshots that can be restored as far as is known, by ascending id. */
  readonly snapshots: readonly StoredSnapshot[]
  /** Ids of all other heads. */
  readonly useless: readonly number[]
  readonly tail: LogPoint
  /** The greatest count of meta writes that a group knows of. */
  readonly metaRevision: number
  /** Greater than every id in use, visible or not. */
  readonly nextId: number
}

interface Heads {
  readonly snapshots: readonly StoredSnapshot[]
  readonly unreadable: readonly number[]
}

interface LogPart {
  readonly groups: readonly Group[]
  readonly committed: Zxid
  readonly metaRevision: number
  readonly fault: string | undefined
}

/** What went wrong with a record, as a clause; other errors pass. */
function faultOf(error: unknown): string {
  if (error instanceof MalformedError) return error.message
  throw error
}

async function readHeads({ disk, segments }: Shelves, findings: string[]): Promise<Heads> {
  const snapshots: StoredSnapshot[] = []
  const unreadable: number[] = []
  for await (const slice of disk.scan(segments.database, ALL_HEADS)) {
    for (const [key, value] of slice) {
      const id = snapshotIdOf(key) ?? 0
      try {
        snapshots.push(decodeHead(id, value))
      } catch (error) {
        findings.push(`the head of snapshot ${id} cannot be read: ${faultOf(error)}`)
        unreadable.push(id)
      }
    }
  }
  return { snapshots, unreadable }
}

/** With the help of LevelDB, whose word counts, or without where that will do, which is quicker. */
type Access = 'opened' | 'unopened'

/** What LevelDB gives out of a snapshot, in the order of its chunks. */
async function* entriesOf({ disk }: Shelves, part: Part, id: number): AsyncGenerator<Entry> {
  const database = await part.acquire()
  try {
    for await (const slice of disk.scan(database, chunksOf(id))) yield* slice
  } finally {
    await part.release()
  }
}

/**
 * Hands out the chunks of one snapshot, up to the first that is not as it was written; returns what is wrong.
 * @param log where they can be read without LevelDB
 */
async function readChunks(
  shelves: Shelves,
  part: Part | undefined,
  { id, chunks }: StoredSnapshot,
  image: ImageSink,
  log: string | undefined,
): Promise<string | undefined> {
  let count = 0
  // A delta of nothing has none.
  if (chunks === 0) return undefined
  if (part === undefined) return `its directory is missing`
  try {
    const entries = log === undefined ? entriesOf(shelves, part, id) : readUnopenedLog(log)
    for await (const [key, value] of entries) {
      if (!isSameKey(key, chunkKey(id, count))) throw new MalformedError('another is in its place')
      image.chunk(decodeChunk(id, count++, value))
    }
  } catch (error) {
    return `chunk ${count} of ${chunks}: ${faultOf(error)}`
  }
  return count === chunks ? undefined : `${count} of ${chunks} chunks are there`
}

/**
 * The newest snapshot that can be restored, which `image` has then, and all that can as far as is known. Chunks are
 * handed out as they are read, since nearly always all are good, and a large tree is long to read. Those older than the
 * newest good one are not read.
 */
async function restoreNewest(
  shelves: Shelves,
  snapshots: readonly StoredSnapshot[],
  findings: string[],
  image: ImageSink,
): Promise<{ base: Chain | undefined; usable: readonly StoredSnapshot[] }> {
  const bad = new Set<number>()
  const isGood = ({ id }: StoredSnapshot): boolean => !bad.has(id)
  const restore = async (chain: Chain, access: Access): Promise<boolean> => {
    for (const link of chain) {
      const part = shelves.snapshots.get(link.id)
      const log = access === 'unopened' ? await part?.unopenedLog() : undefined
      const fault = await readChunks(shelves, part, link, image, log)
      if (fault === undefined) continue
      if (log !== undefined) {
        image.restart()
        return restore(chain, 'opened')
      }
      bad.add(link.id)
      const at = formatZxid(link.head.point.zxid)
      findings.push(`snapshot ${link.id} at ${at} cannot be used: ${fault}`)
      image.restart()
      return false
    }
    return true
  }
  let base: Chain | undefined
  for (const { id } of snapshots.toReversed()) {
    const chain = chainOf(id, snapshots, isGood)
    if (chain === undefined || !(await restore(chain, 'unopened'))) continue
    base = chain
    break
  }
  const usable = snapshots.filter(({ id }) => chainOf(id, snapshots, isGood) !== undefined)
  return { base, usable }
}

/** Groups after `start`, if the log reaches back to it, up to the first that does not continue the chain. */
async function readLog(
  { segments }: Shelves,
  start: LogPoint,
  logStart: LogPoint | undefined,
): Promise<LogPart> {
  const groups: Group[] = []
  let point = start
  let committed = ZXID_ZERO
  let metaRevision = 0
  const end = (fault?: string): LogPart => ({ groups, committed, metaRevision, fault })
  // What is there from before was purged, or replaced by a leader's snapshot, and only waits to be deleted.
  if (logStart !== undefined && start.zxid < logStart.zxid) {
    const [after, beginning] = [formatZxid(start.zxid), formatZxid(logStart.zxid)]
    return end(`the log has a hole after ${after}: next comes its beginning at ${beginning}`)
  }
  try {
    for await (const slice of segments.scan(start.zxid)) {
      for (const [, value] of slice) {
        const record = decodeGroup(value)
        const { group } = record
        if (!follows(point, group)) {
          const next = formatZxid(group.first)
          return end(`the log has a hole after ${formatZxid(point.zxid)}: next comes ${next}`)
        }
        groups.push(group)
        point = pointOf(group)
        if (record.committed > committed) committed = record.committed
        metaRevision = Math.max(metaRevision, record.metaRevision)
      }
    }
  } catch (error) {
    const after = `after ${formatZxid(point.zxid)}`
    return end(`the group of the log ${after} cannot be read: ${faultOf(error)}`)
  }
  return end()
}

/** A snapshot that was passed over stood for a part of the log: that part must be there. */
function findUnreached(heads: Heads, base: Chain | undefined, tail: LogPoint): string | undefined {
  const baseId = base?.at(-1)?.id ?? 0
  const lost = heads.snapshots.find(({ id, head }) => id > baseId && head.point.zxid > tail.zxid)
  if (lost !== undefined) {
    const at = formatZxid(lost.head.point.zxid)
    return `the snapshot at ${at} cannot be used and the log ends at ${formatZxid(tail.zxid)}`
  }
  const unknown = heads.unreadable.find(id => id > baseId)
  return unknown === undefined ? undefined : `the head of snapshot ${unknown} cannot be read`
}

function findStaleMeta(meta: Meta, log: LogPart, tail: LogPoint): string | undefined {
  const isOlder = log.metaRevision > meta.revision || epochOf(tail.zxid) > meta.epochs.currentEpoch
  return isOlder ? 'the record of epochs is older than the log' : undefined
}

/** Up to where it was seen to end the log must be there, unless it was cut since, which the meta record would know. */
function findLostEnd(meta: Meta, mark: Mark | undefined, tail: LogPoint): string | undefined {
  if (mark !== undefined && mark.revision > meta.revision) {
    return "the record of epochs is older than the note of the log's end"
  }
  const noted = mark?.revision === meta.revision ? mark.tail.zxid : ZXID_ZERO
  const known = noted > meta.tail.zxid ? noted : meta.tail.zxid
  if (known <= tail.zxid) return undefined
  return `the log ends at ${formatZxid(tail.zxid)}, though it reached ${formatZxid(known)} before`
}

/** Never less than what the log proves: a promise must not be forgotten with a lost record. */
function epochsOf(meta: Meta | undefined, tail: LogPoint): Epochs {
  const most = (a: Epoch, b: Epoch): Epoch => (a > b ? a : b)
  const { acceptedEpoch, currentEpoch } = meta?.epochs ?? { acceptedEpoch: 0, currentEpoch: 0 }
  const current = most(currentEpoch as Epoch, epochOf(tail.zxid))
  return { currentEpoch: current, acceptedEpoch: most(acceptedEpoch as Epoch, current) }
}

/** A commit known beyond the end of the log means that the whole log is committed. */
function committedOf(meta: Meta | undefined, log: LogPart, base: LogPoint, tail: LogPoint): Zxid {
  const known = Math.max(meta?.committed ?? 0, log.committed, base.zxid)
  return Math.min(known, tail.zxid) as Zxid
}

function allIds({ snapshots, unreadable }: Heads): readonly number[] {
  return [...snapshots.map(({ id }) => id), ...unreadable]
}

function findNextId({ snapshots }: Shelves, heads: Heads): number {
  return Math.max(0, ...snapshots.ids, ...allIds(heads)) + 1
}

/** What is known besides what is in the log and in snapshots. */
export interface Known {
  /** Undefined when it cannot be read. */
  readonly meta: Meta | undefined
  readonly mark: Mark | undefined
  /** What cannot be read of these, and why. */
  readonly fault: string | undefined
}

interface Found {
  readonly heads: Heads
  readonly base: Chain | undefined
  readonly log: LogPart
  readonly tail: LogPoint
}

function findDamage(
  { meta, mark, fault }: Known,
  { heads, base, log, tail }: Found,
): string | undefined {
  const specific =
    fault ??
    log.fault ??
    findUnreached(heads, base, tail) ??
    (meta && (findStaleMeta(meta, log, tail) ?? findLostEnd(meta, mark, tail)))
  if (specific !== undefined || !meta?.damaged) return specific
  return 'data were lost earlier, and no snapshot of a leader has replaced them yet'
}

/** @param image gets the newest snapshot that can be restored */
export async function recoverFrom(
  shelves: Shelves,
  known: Known,
  image: ImageSink,
): Promise<Recovery> {
  const { meta } = known
  const findings: string[] = []
  const heads = await readHeads(shelves, findings)
  const { base, usable } = await restoreNewest(shelves, heads.snapshots, findings, image)
  const snapshot = base?.at(-1)?.head
  const start = snapshot?.point ?? LOG_START
  const log = await readLog(shelves, start, meta?.logStart)
  const tail = endOf(start, log.groups)
  const damage = findDamage(known, { heads, base, log, tail })
  const epochs = epochsOf(meta, tail)
  const from = snapshot === undefined ? 'no snapshot' : `a snapshot at ${formatZxid(start.zxid)}`
  findings.push(`${from}, then ${log.groups.length} groups up to ${formatZxid(tail.zxid)}`)
  return {
    recovered: {
      epochs,
      snapshot,
      groups: log.groups,
      committed: committedOf(meta, log, start, tail),
      logStart: damage === undefined && meta !== undefined ? meta.logStart : start,
      epochEnds: epochEndsOf(snapshot, log.groups),
      damage,
      fresh: damage === undefined && tail.zxid === ZXID_ZERO && epochs.acceptedEpoch === 0,
      findings,
    },
    snapshots: usable,
    useless: allIds(heads).filter(id => !usable.some(snapshot => snapshot.id === id)),
    tail,
    metaRevision: log.metaRevision,
    nextId: findNextId(shelves, heads),
  }
}
