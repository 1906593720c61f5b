/** Groups, and places between them, as bytes. */

import type { ByteReader, ByteWriter } from './bytes.ts'
import type { Group, LogPoint } from './group.ts'
import type { Zxid } from './zxid.ts'

export function writePoint(out: ByteWriter, point: LogPoint): void {
  out.u53(point.zxid)
  out.u32(point.chain)
}

export function readPoint(from: ByteReader): LogPoint {
  return { zxid: from.u53() as Zxid, chain: from.u32() }
}

export function writeGroup(out: ByteWriter, group: Group): void {
  out.u53(group.first)
  out.u53(group.last)
  out.u32(group.crc)
  out.u32(group.chain)
  out.bytes(group.payload)
}

/** The payload is a view on the frame. */
export function readGroup(from: ByteReader): Group {
  return {
    first: from.u53() as Zxid,
    last: from.u53() as Zxid,
    crc: from.u32(),
    chain: from.u32(),
    payload: from.bytes(),
  }
}
