/**
 * A local observer: a replica of the tree in an application's thread, fed by one peer at a time (base/feed.ts). It
 * answers the reads of all sessions of the thread that this peer serves, and holds their watches. It orders nothing
 * and stores nothing: what it loses, the next feed brings again.
 */

import { assert, unreachable } from '../base/assert.ts'
import { ByteReader, ByteWriter, MalformedError } from '../base/bytes.ts'
import { decodeFeedMessage, encodeObserverMessage, type FeedMessage } from '../base/feed.ts'
import { follows, type Group, LOG_START, type LogPoint, pointOf } from '../base/group.ts'
import { FEED_WINDOW_BYTES } from '../base/limits.ts'
import type { ZPath } from '../base/path.ts'
import type { WatchEvent } from '../base/reply.ts'
import type { ReadRequest } from '../base/request.ts'
import { ZXID_ZERO, type Zxid } from '../base/zxid.ts'
import { TreeLoader } from '../tree/loader.ts'
import { Tree } from '../tree/tree.ts'
import type { Znode } from '../tree/znode.ts'
import { applyGroup } from './apply.ts'
import { fireWatches, type Held, mayRead, type ReadResult, read, resumeWatches } from './reads.ts'
import { Watches } from './watches.ts'

/** A session that reads here. */
export interface Reader {
  /** A watch fired. What caused it is applied: whatever is read from now on shows it. */
  told(event: WatchEvent): void
  /** More is applied now. */
  advanced(): void
  /** Nothing can be read here any more, and what it watched was forgotten. */
  unseated(): void
}

/** What was taken in is told when it is this much of a window, so that the next frames come while there is work. */
const TAKEN_SHARE = 1 / 8

interface Incoming {
  readonly point: LogPoint
  readonly digest: number
  readonly loader: TreeLoader
}

export class Observer {
  #tree = new Tree()
  /** Up to where the tree is. */
  #point: LogPoint = LOG_START
  #zxid: Zxid = ZXID_ZERO
  #watches = new Watches<Reader>()
  readonly #readers = new Set<Reader>()
  readonly #out = new ByteWriter(64)
  #incoming: Incoming | undefined
  #linked = false
  #live = false
  #ended = false
  #untold = 0
  readonly #takenBytes: number

  /** `windowBytes`: what its peers send before it takes some in. */
  constructor(windowBytes = FEED_WINDOW_BYTES) {
    this.#takenBytes = windowBytes * TAKEN_SHARE
  }

  /** Has once been level with the peer that feeds it, and follows it since. */
  get live(): boolean {
    return this.#live
  }

  /** The peer that feeds it has ended that. */
  get ended(): boolean {
    return this.#ended
  }

  /** Of the last transaction that was applied, and told of; not of one that the tree broke at. */
  get zxid(): Zxid {
    return this.#zxid
  }

  get tree(): Tree {
    return this.#tree
  }

  /** A feed was opened: says where the replica is. */
  connected(): void {
    assert(!this.#linked, 'one feed at a time')
    this.#linked = true
    this.#ended = false
    this.#untold = 0
    encodeObserverMessage(this.#out, { kind: 'observe', point: this.#point })
  }

  /** The feed is gone. The tree stays as it is until the next one. */
  disconnected(): void {
    this.#linked = false
    this.#incoming = undefined
    this.#out.reset()
    this.#unseatAll()
  }

  /** Forgets all: the next feed begins with nothing. */
  reset(): void {
    assert(!this.#linked, 'a feed goes on from where the replica is')
    this.#tree = new Tree()
    this.#point = LOG_START
    this.#zxid = ZXID_ZERO
  }

  receive(frame: Uint8Array): void {
    assert(this.#linked, 'frames come by a feed')
    const from = new ByteReader(frame)
    while (!from.done) this.#hear(decodeFeedMessage(from))
    this.#took(frame.length)
    for (const reader of this.#readers) reader.advanced()
  }

  takeFrame(): Uint8Array | undefined {
    return this.#out.length > 0 ? this.#out.take() : undefined
  }

  /** A session reads here from now on, and watches what it has watched elsewhere as it is here now. */
  seat(reader: Reader, held: Held): void {
    assert(this.#live, 'only a live observer is read')
    this.#readers.add(reader)
    for (const event of resumeWatches(this.#tree, this.#watches, reader, held)) reader.told(event)
  }

  unseat(reader: Reader): void {
    this.#readers.delete(reader)
    this.#watches.drop(reader)
  }

  /** A znode that may be read, true until more is taken in. */
  node(path: ZPath): Znode | undefined {
    const node = this.#tree.node(path)
    return node !== undefined && mayRead(node) ? node : undefined
  }

  /** Reads, and leaves a watch if the request asks for one. */
  read(reader: Reader, request: ReadRequest): ReadResult {
    return read(this.#tree, this.#watches, reader, request)
  }

  #hear(message: FeedMessage): void {
    switch (message.kind) {
      case 'continue':
        return
      case 'snapshot': {
        const { point, digest } = message
        this.#unseatAll()
        this.#incoming = { point, digest, loader: new TreeLoader() }
        return
      }
      case 'chunk':
        return this.#load(message.bytes, message.last)
      case 'group':
        return this.#apply(message.group)
      case 'live':
        this.#live = true
        return
      case 'end':
        this.#ended = true
        return
      default:
        return unreachable(message)
    }
  }

  #load(bytes: Uint8Array, last: boolean): void {
    const incoming = this.#incoming
    if (incoming === undefined) throw new MalformedError('a chunk belongs to a snapshot')
    const { point, digest, loader } = incoming
    loader.load(bytes)
    if (!last) return
    this.#incoming = undefined
    this.#tree = loader.finish(point.zxid, digest)
    // No image is ever made of it, so that what changes need not be remembered.
    this.#tree.abandonImage()
    this.#point = point
    this.#zxid = this.#tree.zxid
  }

  #apply(group: Group): void {
    if (!follows(this.#point, group)) throw new MalformedError('a group of a feed follows the last')
    applyGroup(this.#tree, group, (_, { changes }, zxid) => {
      this.#zxid = zxid
      fireWatches(this.#tree, this.#watches, changes, (reader, { type, path }) =>
        reader.told({ type, path, zxid }),
      )
    })
    this.#point = pointOf(group)
  }

  #took(bytes: number): void {
    this.#untold += bytes
    if (this.#untold < this.#takenBytes) return
    encodeObserverMessage(this.#out, { kind: 'taken', bytes: this.#untold })
    this.#untold = 0
  }

  #unseatAll(): void {
    this.#live = false
    const readers = [...this.#readers]
    this.#readers.clear()
    this.#watches = new Watches()
    for (const reader of readers) reader.unseated()
  }
}
