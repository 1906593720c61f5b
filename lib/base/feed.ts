/**
 * The feed of a local observer: how an application's thread keeps a replica of the tree. It tells a peer up to where
 * its replica is, and the peer tells it what was committed since, in order, or sends a snapshot first. What was sent
 * and not taken in yet is bounded: a thread that stands still costs its peer nothing more.
 */

import { type ByteReader, type ByteWriter, MalformedError } from './bytes.ts'
import type { Group, LogPoint } from './group.ts'
import { readGroup, readPoint, writeGroup, writePoint } from './group-codec.ts'

/** Observer → peer. */
export type ObserverMessage =
  /** Said first, and once: the replica holds everything up to this point. */
  | { readonly kind: 'observe'; readonly point: LogPoint }
  /** So many bytes of frames were taken in since this was last said. */
  | { readonly kind: 'taken'; readonly bytes: number }

/** Peer → observer. */
export type FeedMessage =
  /** The replica goes on from where it is. */
  | { readonly kind: 'continue' }
  /** The replica is too old, or parts from ours: a snapshot with this place and digest takes its place. */
  | { readonly kind: 'snapshot'; readonly point: LogPoint; readonly digest: number }
  | { readonly kind: 'chunk'; readonly bytes: Uint8Array; readonly last: boolean }
  /** A committed group, the next one. */
  | { readonly kind: 'group'; readonly group: Group }
  /** Everything that is committed as far as this peer knows was told. */
  | { readonly kind: 'live' }
  /** Nothing follows: a thread that blocks does not see the port close. */
  | { readonly kind: 'end' }

const OBSERVE = 1
const TAKEN = 2

const CONTINUE = 1
const SNAPSHOT = 2
const CHUNK = 3
const GROUP = 4
const LIVE = 5
const END = 6

export function encodeObserverMessage(out: ByteWriter, message: ObserverMessage): void {
  if (message.kind === 'observe') {
    out.u8(OBSERVE)
    writePoint(out, message.point)
  } else {
    out.u8(TAKEN)
    out.u32(message.bytes)
  }
}

export function decodeObserverMessage(from: ByteReader): ObserverMessage {
  const code = from.u8()
  if (code === OBSERVE) return { kind: 'observe', point: readPoint(from) }
  if (code === TAKEN) return { kind: 'taken', bytes: from.u32() }
  throw new MalformedError(`unknown observer message ${code}`)
}

export function encodeFeedMessage(out: ByteWriter, message: FeedMessage): void {
  switch (message.kind) {
    case 'continue':
      return out.u8(CONTINUE)
    case 'snapshot':
      out.u8(SNAPSHOT)
      writePoint(out, message.point)
      return out.u53(message.digest)
    case 'chunk':
      out.u8(CHUNK)
      out.bool(message.last)
      return out.bytes(message.bytes)
    case 'group':
      out.u8(GROUP)
      return writeGroup(out, message.group)
    case 'live':
      return out.u8(LIVE)
    case 'end':
      return out.u8(END)
  }
}

/** Byte arrays in the result are views on the frame. */
export function decodeFeedMessage(from: ByteReader): FeedMessage {
  const code = from.u8()
  switch (code) {
    case CONTINUE:
      return { kind: 'continue' }
    case SNAPSHOT:
      return { kind: 'snapshot', point: readPoint(from), digest: from.u53() }
    case CHUNK: {
      const last = from.bool()
      return { kind: 'chunk', bytes: from.bytes(), last }
    }
    case GROUP:
      return { kind: 'group', group: readGroup(from) }
    case LIVE:
      return { kind: 'live' }
    case END:
      return { kind: 'end' }
    default:
      throw new MalformedError(`unknown feed message ${code}`)
  }
}
