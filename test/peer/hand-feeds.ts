/** The feeds of one peer by hand: a log, how far it is committed and purged, and a store that answers when told to. */

import assert from 'node:assert/strict'
import { ByteReader, ByteWriter } from '../../lib/base/bytes.ts'
import { crc32 } from '../../lib/base/crc32.ts'
import {
  decodeFeedMessage,
  encodeObserverMessage,
  type FeedMessage,
  type ObserverMessage,
} from '../../lib/base/feed.ts'
import { type Group, LOG_START, type LogPoint, makeGroup, pointOf } from '../../lib/base/group.ts'
import { advanceZxid, counterOf, makeEpoch, makeZxid, type Zxid } from '../../lib/base/zxid.ts'
import { Feeds } from '../../lib/peer/core-feeds.ts'
import { History } from '../../lib/zab/history.ts'
import type { Load, Loaded } from '../../lib/zab/types.ts'

export function frameOf(...messages: readonly ObserverMessage[]): Uint8Array {
  const out = new ByteWriter()
  for (const message of messages) encodeObserverMessage(out, message)
  return out.take()
}

/** Words for a message of a feed: groups and places by the counter of their last zxid. */
function wordOf(message: FeedMessage): string {
  switch (message.kind) {
    case 'snapshot':
      return `snapshot ${counterOf(message.point.zxid)}`
    case 'chunk':
      return `chunk ${message.bytes.length}${message.last ? ' last' : ''}`
    case 'group':
      return `group ${counterOf(message.group.last)}`
    default:
      return message.kind
  }
}

/** Words for what the store is asked; loads are told apart by their ids, which count down from -1. */
function taskOf(load: Load): string {
  switch (load.kind) {
    case 'groups':
      return `groups after ${counterOf(load.after.zxid)}`
    case 'snapshot':
      return 'snapshot'
    case 'chunk':
      return `chunk of ${load.snapshotId}`
    case 'release':
      return `release ${load.snapshotId}`
  }
}

export class HandFeeds {
  readonly feeds: Feeds
  readonly history: History
  /** All groups of the reign, whatever memory and store still hold; the n-th ends at counter n. */
  readonly log: Group[] = []
  /** What each connection was sent, in words, since it was last looked at. */
  readonly said = new Map<number, string[]>()
  /** Bytes each connection was ever sent. */
  readonly bytes = new Map<number, number>()
  /** All messages each connection was ever sent. */
  readonly messages = new Map<number, FeedMessage[]>()
  /** Sizes of the frames, in order. */
  readonly frames: number[] = []
  readonly #taken = new Map<number, number>()
  readonly #groupBytes: number
  #asked: Exclude<Load, { kind: 'release' }> | undefined

  constructor({ windowBytes = 100_000, groupBytes = 10, groupsMax = 4096 } = {}) {
    this.feeds = new Feeds(windowBytes)
    this.#groupBytes = groupBytes
    const recovered = { logStart: LOG_START, base: LOG_START, groups: [], epochEnds: [] }
    this.history = new History(recovered, groupsMax)
  }

  /** Proposed and logged, not committed. */
  append(count: number, epoch = 1): void {
    for (let at = 0; at < count; at++) {
      const { last } = this.history
      const isNew = last.zxid < makeZxid(makeEpoch(epoch), 0)
      const first = isNew ? makeZxid(makeEpoch(epoch), 1) : advanceZxid(last.zxid, 1)
      const payload = new Uint8Array(this.#groupBytes).fill(counterOf(first))
      const group = makeGroup(last, first, first, payload, crc32(payload))
      this.log.push(group)
      this.history.append(group)
    }
  }

  /** So many groups more are logged and committed. */
  grow(count: number): void {
    this.append(count)
    this.history.commit(this.history.lastZxid)
  }

  /** Memory forgets all it may: groups beyond `groupsMax`. */
  trim(): void {
    this.history.trim(this.history.committed)
  }

  /** The place after the n-th group. */
  at(counter: number): LogPoint {
    return counter === 0 ? LOG_START : pointOf(this.log[counter - 1]!)
  }

  /** An observer comes and says where it is. */
  observe(connection: number, point: LogPoint): void {
    this.feeds.connect(connection)
    this.tell(connection, { kind: 'observe', point })
  }

  tell(connection: number, ...messages: readonly ObserverMessage[]): void {
    this.feeds.receive(connection, frameOf(...messages))
  }

  /** A turn ends: returns what the store is asked. */
  turn(): string[] {
    this.feeds.advance(this.history)
    for (const { to, frame } of this.feeds.takeFrames()) {
      this.frames.push(frame.length)
      this.bytes.set(to, (this.bytes.get(to) ?? 0) + frame.length)
      const from = new ByteReader(frame)
      while (!from.done) {
        const message = decodeFeedMessage(from)
        listOf(this.messages, to).push(message)
        listOf(this.said, to).push(wordOf(message))
      }
    }
    return this.feeds.takeTasks().map(task => {
      assert.equal(task.kind, 'load')
      if (task.load.kind !== 'release') this.#asked = task.load
      return taskOf(task.load)
    })
  }

  /** What a connection was told since the last call. */
  heard(connection = 1): string[] {
    return this.said.get(connection)?.splice(0) ?? []
  }

  /** The last load asked for. */
  get loadId(): number {
    assert.ok(this.#asked !== undefined, 'something was asked for')
    return this.#asked.loadId
  }

  /** The store has read, by default what was asked last. */
  loaded(loaded: Loaded, loadId = this.loadId): void {
    this.feeds.onLoaded(loadId, loaded, this.history)
  }

  loadedGroups(from: number, to: number): void {
    this.loaded({ kind: 'groups', groups: this.log.slice(from - 1, to) })
  }

  loadedSnapshot(counter: number): void {
    const point = this.at(counter)
    this.loaded({ kind: 'snapshot', head: { point, digest: 7, epochEnds: [point] } })
  }

  loadedChunk(last: boolean, bytes = 5): void {
    this.loaded({ kind: 'chunk', bytes: new Uint8Array(bytes), last })
  }

  missing(): void {
    this.loaded({ kind: 'missing' })
  }

  /** Bytes that were sent and not taken in. */
  underWay(connection = 1): number {
    return (this.bytes.get(connection) ?? 0) - (this.#taken.get(connection) ?? 0)
  }

  /** The observer takes in so much of what was sent, by default all. */
  take(connection = 1, bytes = this.underWay(connection)): void {
    this.#taken.set(connection, (this.#taken.get(connection) ?? 0) + bytes)
    this.tell(connection, { kind: 'taken', bytes })
  }
}

function listOf<Item>(lists: Map<number, Item[]>, at: number): Item[] {
  const list = lists.get(at) ?? []
  lists.set(at, list)
  return list
}

export function zxidAt(counter: number, epoch = 1): Zxid {
  return makeZxid(makeEpoch(epoch), counter)
}

/** A peer with a log of so many groups, whose memory holds the last `held` and whose store all after `purged`. */
export function peerWith(
  groups: number,
  held: number,
  purged = 0,
  windowBytes = 100_000,
): HandFeeds {
  const peer = new HandFeeds({ groupsMax: held, windowBytes })
  peer.grow(groups)
  peer.trim()
  if (purged > 0) peer.history.purged(peer.at(purged))
  return peer
}

/** Nothing is asked of the store and no connection is closed. */
export function isQuiet(peer: HandFeeds): void {
  assert.deepEqual(peer.turn(), [])
  assert.deepEqual(peer.feeds.takeClosings(), [])
}
