/**
 * The records in LevelDB as bytes. LevelDB is not trusted to notice damage, so each value begins with a CRC-32 over all
 * that follows it, then the format and the record's kind; this beginning stays as it is in every later format. A
 * group's sum covers the header only: the header holds the sum of the payload, which came with the group and is not
 * taken again.
 */

import { ByteReader, ByteWriter, MalformedError } from '../base/bytes.ts'
import { type Group, LOG_START, type LogPoint } from '../base/group.ts'
import { readPoint, writePoint } from '../base/group-codec.ts'
import type { Sid, Zxid } from '../base/zxid.ts'
import type { Epochs, SnapshotHead } from '../zab/types.ts'
import { checksum } from './checksum.ts'

/** Raised when older code could not read what newer code writes. */
export const FORMAT = 1

const KINDS = { group: 1, meta: 2, chunk: 3, head: 4, mark: 5 } as const
type Kind = keyof typeof KINDS

const SUM_BYTES = 4

/** What a peer knows besides its log. */
export interface Meta {
  readonly sid: Sid
  /** Counts the writes of this record. Groups carry it too: one with a higher count proves that this one is stale. */
  readonly revision: number
  readonly epochs: Epochs
  readonly committed: Zxid
  /** What precedes this point is in snapshots only. */
  readonly logStart: LogPoint
  /** Where the log ended when this was written, with the same write; it is cut only together with this record. */
  readonly tail: LogPoint
  /** Damage was found and no leader's snapshot has replaced the data since. */
  readonly damaged: boolean
}

/** Where the log ended at a moment when all of it was durable. */
export interface Mark {
  /** Of the meta record at that moment: the log was not cut as long as it has the same. */
  readonly revision: number
  readonly tail: LogPoint
}

export interface GroupRecord {
  readonly group: Group
  readonly committed: Zxid
  readonly metaRevision: number
}

/** A snapshot made visible. */
export interface StoredSnapshot {
  readonly id: number
  /** The snapshot this one is a delta of; 0 for a full image. */
  readonly base: number
  readonly chunks: number
  readonly bytes: number
  readonly head: SnapshotHead
}

function begin(kind: Kind, bodyBytes: number): ByteWriter {
  const out = new ByteWriter(SUM_BYTES + 2 + bodyBytes)
  out.u32(0)
  out.u8(FORMAT)
  out.u8(KINDS[kind])
  return out
}

function seal(out: ByteWriter): Uint8Array {
  const value = out.view()
  out.setU32(0, checksum(value.subarray(SUM_BYTES)))
  return value
}

function verifySum(value: Uint8Array, end = value.length): void {
  if (value.length < end) throw new MalformedError('record cut short')
  const sum = new ByteReader(value).u32()
  if (sum !== checksum(value.subarray(SUM_BYTES, end))) throw new MalformedError('bad checksum')
}

/** The format a value was written in, known even when the rest cannot be read. */
export function formatOf(value: Uint8Array): number {
  verifySum(value)
  return new ByteReader(value.subarray(SUM_BYTES)).u8()
}

/** The body of a value whose sum is right. */
function open(kind: Kind, value: Uint8Array): ByteReader {
  const from = new ByteReader(value)
  from.skip(SUM_BYTES)
  const format = from.u8()
  if (format !== FORMAT) throw new MalformedError(`record of the unknown format ${format}`)
  if (from.u8() !== KINDS[kind]) throw new MalformedError(`not a ${kind} record`)
  return from
}

const GROUP_HEADER_BYTES = SUM_BYTES + 2 + 8 + 8 + 4 + 8 + 4 + 4 + 4

export function encodeGroup({ group, committed, metaRevision }: GroupRecord): Uint8Array {
  const out = begin('group', GROUP_HEADER_BYTES + group.payload.length)
  out.u53(group.first)
  out.u53(group.last)
  out.u32(group.chain)
  out.u53(committed)
  out.u32(metaRevision)
  out.u32(group.crc)
  out.u32(group.payload.length)
  seal(out)
  out.raw(group.payload)
  return out.view()
}

/** The payload is a view on `value`. */
export function decodeGroup(value: Uint8Array): GroupRecord {
  verifySum(value, GROUP_HEADER_BYTES)
  const from = open('group', value)
  const first = from.u53() as Zxid
  const last = from.u53() as Zxid
  const chain = from.u32()
  const committed = from.u53() as Zxid
  const metaRevision = from.u32()
  const crc = from.u32()
  const payload = from.bytes()
  if (!from.done || checksum(payload) !== crc) throw new MalformedError('bad checksum')
  return { group: { first, last, crc, chain, payload }, committed, metaRevision }
}

export function encodeMeta(meta: Meta): Uint8Array {
  const out = begin('meta', 80)
  out.u8(meta.sid)
  out.u32(meta.revision)
  out.u32(meta.epochs.acceptedEpoch)
  out.u32(meta.epochs.currentEpoch)
  out.u53(meta.committed)
  writePoint(out, meta.logStart)
  out.bool(meta.damaged)
  writePoint(out, meta.tail)
  return seal(out)
}

export function decodeMeta(value: Uint8Array): Meta {
  verifySum(value)
  const from = open('meta', value)
  return {
    sid: from.u8() as Sid,
    revision: from.u32(),
    epochs: {
      acceptedEpoch: from.u32() as Epochs['acceptedEpoch'],
      currentEpoch: from.u32() as Epochs['currentEpoch'],
    },
    committed: from.u53() as Zxid,
    logStart: readPoint(from),
    damaged: from.bool(),
    // The first records of this format end here.
    tail: from.done ? LOG_START : readPoint(from),
  }
}

/** All marks are of this size. */
export const MARK_BYTES = SUM_BYTES + 2 + 4 + 8 + 4

export function encodeMark({ revision, tail }: Mark): Uint8Array {
  const out = begin('mark', MARK_BYTES)
  out.u32(revision)
  writePoint(out, tail)
  return seal(out)
}

export function decodeMark(value: Uint8Array): Mark {
  verifySum(value)
  const from = open('mark', value)
  return { revision: from.u32(), tail: readPoint(from) }
}

export function encodeChunk(snapshotId: number, at: number, bytes: Uint8Array): Uint8Array {
  const out = begin('chunk', 8 + bytes.length)
  out.u32(snapshotId)
  out.u32(at)
  out.raw(bytes)
  return seal(out)
}

/** The chunk's bytes, as a view on `value`. Its place is part of the record, so that no other can stand in for it. */
export function decodeChunk(snapshotId: number, at: number, value: Uint8Array): Uint8Array {
  verifySum(value)
  const from = open('chunk', value)
  if (from.u32() !== snapshotId || from.u32() !== at) throw new MalformedError('misplaced chunk')
  return from.raw(from.remaining)
}

export function encodeHead({ id, base, chunks, bytes, head }: StoredSnapshot): Uint8Array {
  const out = begin('head', 64 + head.epochEnds.length * 12)
  out.u32(id)
  out.u32(base)
  out.u32(chunks)
  out.u53(bytes)
  writePoint(out, head.point)
  out.u53(head.digest)
  out.u32(head.epochEnds.length)
  for (const end of head.epochEnds) writePoint(out, end)
  return seal(out)
}

export function decodeHead(snapshotId: number, value: Uint8Array): StoredSnapshot {
  verifySum(value)
  const from = open('head', value)
  const id = from.u32()
  if (id !== snapshotId) throw new MalformedError('misplaced head')
  const base = from.u32()
  const chunks = from.u32()
  const bytes = from.u53()
  const point = readPoint(from)
  const digest = from.u53()
  const epochEnds = Array.from({ length: from.u32() }, () => readPoint(from))
  return { id, base, chunks, bytes, head: { point, digest, epochEnds } }
}
