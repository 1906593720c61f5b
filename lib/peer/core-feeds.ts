/**
 * The feeds of local observers: replicas that live in application threads and follow what this peer has applied. An
 * observer is joined by what memory still holds of the log, or else by the store's newest snapshot and the log after
 * it, and is told every committed group from then on.
 *
 * A feed is paced by its observer: no more than a window of bytes is under way. One that falls behind is brought up
 * to date from the log again, or by a snapshot when that does not reach back so far, so nothing is kept for it here.
 */

import { assert, unreachable } from '../base/assert.ts'
import { ByteReader, ByteWriter, MalformedError } from '../base/bytes.ts'
import { decodeObserverMessage, encodeFeedMessage, type FeedMessage } from '../base/feed.ts'
import { type Group, LOG_START, type LogPoint, pointOf } from '../base/group.ts'
import { FEED_FRAME_BYTES, FEED_WINDOW_BYTES } from '../base/limits.ts'
import { epochOf, ZXID_ZERO } from '../base/zxid.ts'
import type { History } from '../zab/history.ts'
import type { Load, Loaded } from '../zab/types.ts'
import type { StoreTask } from './core-tasks.ts'

type Phase =
  /** Connected; where the observer is was not said yet. */
  | 'new'
  /** It is ahead of what is committed here, as far as we know. */
  | 'waiting'
  /** Committed groups are sent as they come. */
  | 'following'
  /** The store reads: groups or a snapshot for this feed. */
  | 'loading'
  /** A snapshot is open; its next chunk goes when the window has room. */
  | 'snapshot'

type Asked = Exclude<Load, { kind: 'release' }>

/** A load's id says whom its outcome is for: those of agreement count upwards from 1. */
export function isForFeeds(loadId: number): boolean {
  return loadId < 0
}

/** What was read before the log was cut is not of our log behind the end of its reign. */
function ofOurLog(groups: readonly Group[], { epochEnds }: History): readonly Group[] {
  const cut = groups.findIndex(({ last }) => {
    const end = epochEnds.findLast(({ zxid }) => epochOf(zxid) === epochOf(last))
    return end === undefined || last > end.zxid
  })
  return cut === -1 ? groups : groups.slice(0, cut)
}

class Feed {
  readonly connection: number
  phase: Phase = 'new'
  /** Up to where the observer is, with all that was sent. */
  sent: LogPoint = LOG_START
  /** Bytes sent and not taken in yet. */
  underWay = 0
  /** It was told whether it goes on from where it is. */
  joined = false
  live = false
  asked: Asked | undefined
  /** The snapshot that the store holds open for it. */
  snapshotId: number | undefined

  constructor(connection: number) {
    this.connection = connection
  }
}

export class Feeds {
  readonly #feeds = new Map<number, Feed>()
  readonly #out = new ByteWriter(1024)
  #frames: { to: number; frame: Uint8Array }[] = []
  #closings: number[] = []
  #tasks: StoreTask[] = []
  #lastLoadId = 0
  readonly #windowBytes: number
  /** The store cannot read the past any more: a new snapshot of the tree is to stand in for it. */
  #wantsSnapshot = false

  constructor(windowBytes = FEED_WINDOW_BYTES) {
    this.#windowBytes = windowBytes
  }

  connect(connection: number): void {
    this.#feeds.set(connection, new Feed(connection))
  }

  receive(connection: number, frame: Uint8Array): void {
    const feed = this.#feeds.get(connection)
    // What crosses our end of it is for nobody.
    if (feed === undefined) return
    try {
      const from = new ByteReader(frame)
      while (!from.done) this.#receiveOne(feed, from)
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error
      this.#end(feed)
    }
  }

  /** The connection's port closed. */
  disconnect(connection: number): void {
    const feed = this.#feeds.get(connection)
    if (feed !== undefined) this.#forget(feed)
  }

  /** This peer has no leader for too long: its observers are to follow another peer. */
  sendAway(): void {
    for (const feed of [...this.#feeds.values()]) this.#end(feed)
  }

  onLoaded(loadId: number, loaded: Loaded, history: History): void {
    const feed = this.#waitingFor(loadId)
    if (feed === undefined) {
      if (loaded.kind === 'snapshot') this.#release(loadId)
      return
    }
    switch (loaded.kind) {
      case 'groups':
        feed.phase = 'following'
        this.#joins(feed)
        return this.#tell(feed, ofOurLog(loaded.groups, history), history)
      case 'snapshot': {
        const { point, digest } = loaded.head
        this.#beginSnapshot(feed, point, digest)
        feed.snapshotId = loadId
        return
      }
      case 'chunk':
        this.#say(feed, { kind: 'chunk', bytes: loaded.bytes, last: loaded.last })
        if (loaded.last) this.#closeSnapshot(feed)
        feed.phase = loaded.last ? 'following' : 'snapshot'
        return
      case 'missing':
        return this.#onMissing(feed, history)
      default:
        return unreachable(loaded)
    }
  }

  /** Sends what is due, as far as the windows have room. Once a turn, when everything committed is applied. */
  advance(history: History): void {
    for (const feed of this.#feeds.values()) {
      if (feed.phase === 'waiting' && feed.sent.zxid <= history.committed) this.#join(feed, history)
      if (feed.underWay >= this.#windowBytes) continue
      if (feed.phase === 'snapshot') this.#loadChunk(feed)
      else if (feed.phase === 'following') this.#follow(feed, history)
    }
  }

  takeFrames(): readonly { readonly to: number; readonly frame: Uint8Array }[] {
    const frames = this.#frames
    if (frames.length > 0) this.#frames = []
    return frames
  }

  takeClosings(): readonly number[] {
    const closings = this.#closings
    if (closings.length > 0) this.#closings = []
    return closings
  }

  takeTasks(): readonly StoreTask[] {
    const tasks = this.#tasks
    if (tasks.length > 0) this.#tasks = []
    return tasks
  }

  takeWantsSnapshot(): boolean {
    const wants = this.#wantsSnapshot
    this.#wantsSnapshot = false
    return wants
  }

  #receiveOne(feed: Feed, from: ByteReader): void {
    const message = decodeObserverMessage(from)
    if (message.kind === 'taken') {
      if (message.bytes > feed.underWay) throw new MalformedError('more taken than was sent')
      feed.underWay -= message.bytes
      return
    }
    if (feed.phase !== 'new') throw new MalformedError('an observer says once where it is')
    feed.phase = 'waiting'
    feed.sent = message.point
  }

  /** What is committed is the same everywhere: a replica that is not ahead of us can only be at a place of our log. */
  #join(feed: Feed, history: History): void {
    const { sent } = feed
    if (history.pointAt(sent.zxid)?.chain === sent.chain) {
      feed.phase = 'following'
      this.#joins(feed)
    } else if (sent.zxid === ZXID_ZERO || sent.zxid < history.logStart.zxid) {
      this.#loadSnapshot(feed)
    } else {
      this.#loadGroups(feed)
    }
  }

  #joins(feed: Feed): void {
    if (feed.joined) return
    feed.joined = true
    this.#say(feed, { kind: 'continue' })
  }

  #follow(feed: Feed, history: History): void {
    const { committed } = history
    if (feed.sent.zxid < committed) {
      const groups = history.groupsAfter(feed.sent.zxid)
      if (groups === undefined) return this.#loadGroups(feed)
      this.#tell(feed, groups, history)
    }
    if (feed.live || feed.sent.zxid !== committed) return
    feed.live = true
    this.#say(feed, { kind: 'live' })
  }

  /** The groups may go on beyond what is committed: those on disk do. */
  #tell(feed: Feed, groups: readonly Group[], { committed }: History): void {
    for (const group of groups) {
      if (group.last > committed) break
      if (feed.underWay + this.#out.length >= this.#windowBytes) break
      encodeFeedMessage(this.#out, { kind: 'group', group })
      feed.sent = pointOf(group)
      if (this.#out.length >= FEED_FRAME_BYTES) this.#flush(feed)
    }
    this.#flush(feed)
  }

  #beginSnapshot(feed: Feed, point: LogPoint, digest: number): void {
    feed.phase = 'snapshot'
    feed.joined = true
    feed.live = false
    feed.sent = point
    this.#say(feed, { kind: 'snapshot', point, digest })
  }

  #onMissing(feed: Feed, history: History): void {
    const { asked, sent } = feed
    const isPurged = sent.zxid < history.logStart.zxid
    if (asked?.kind === 'groups' && (isPurged || !feed.joined)) return this.#loadSnapshot(feed)
    if (asked?.kind === 'snapshot' && history.logStart.zxid === ZXID_ZERO) {
      // Nothing was ever snapshotted: the empty tree and the whole log are as good.
      this.#beginSnapshot(feed, LOG_START, 0)
      this.#say(feed, { kind: 'chunk', bytes: new Uint8Array(0), last: true })
      feed.phase = 'following'
      return
    }
    // What should be there is damaged or gone. A new snapshot stands in for it when the observer comes again.
    if (asked?.kind !== 'chunk') this.#wantsSnapshot = true
    this.#end(feed)
  }

  #say(feed: Feed, message: FeedMessage): void {
    encodeFeedMessage(this.#out, message)
    this.#flush(feed)
  }

  #flush(feed: Feed): void {
    if (this.#out.length === 0) return
    const frame = this.#out.take()
    feed.underWay += frame.length
    this.#frames.push({ to: feed.connection, frame })
  }

  #loadSnapshot(feed: Feed): void {
    this.#load(feed, { kind: 'snapshot', loadId: this.#nextLoadId() })
  }

  #loadGroups(feed: Feed): void {
    this.#load(feed, { kind: 'groups', loadId: this.#nextLoadId(), after: feed.sent })
  }

  #loadChunk(feed: Feed): void {
    assert(feed.snapshotId !== undefined, 'a chunk is read of an open snapshot')
    const { snapshotId } = feed
    this.#load(feed, { kind: 'chunk', loadId: this.#nextLoadId(), snapshotId })
  }

  #load(feed: Feed, load: Asked): void {
    feed.phase = 'loading'
    feed.asked = load
    this.#tasks.push({ kind: 'load', load })
  }

  #nextLoadId(): number {
    return --this.#lastLoadId
  }

  #waitingFor(loadId: number): Feed | undefined {
    for (const feed of this.#feeds.values()) {
      if (feed.phase === 'loading' && feed.asked?.loadId === loadId) return feed
    }
    return undefined
  }

  #closeSnapshot(feed: Feed): void {
    if (feed.snapshotId === undefined) return
    this.#release(feed.snapshotId)
    feed.snapshotId = undefined
  }

  #release(snapshotId: number): void {
    this.#tasks.push({ kind: 'load', load: { kind: 'release', snapshotId } })
  }

  #forget(feed: Feed): void {
    this.#closeSnapshot(feed)
    this.#feeds.delete(feed.connection)
  }

  #end(feed: Feed): void {
    this.#say(feed, { kind: 'end' })
    this.#forget(feed)
    this.#closings.push(feed.connection)
  }
}
