/** What feeds an observer in tests: a peer that keeps all it applies, and the frames it would send. */

import assert from 'node:assert/strict'
import { ByteWriter } from '../../lib/base/bytes.ts'
import { encodeFeedMessage, type FeedMessage } from '../../lib/base/feed.ts'
import { type Group, type LogPoint, pointOf } from '../../lib/base/group.ts'
import { Observer } from '../../lib/replica/observer.ts'
import type { Tree } from '../../lib/tree/tree.ts'
import { Solo } from './support.ts'

const CHUNK_BYTES = 64

/** A frame of a feed. */
export function feedFrame(...messages: readonly FeedMessage[]): Uint8Array {
  const out = new ByteWriter()
  for (const message of messages) encodeFeedMessage(out, message)
  return out.take()
}

export function groupFrame(...groups: readonly Group[]): Uint8Array {
  return feedFrame(...groups.map(group => ({ kind: 'group', group }) as const))
}

export const CONTINUE = feedFrame({ kind: 'continue' })
export const LIVE = feedFrame({ kind: 'live' })

/** The tree as a snapshot at its place in the log, one message for each frame. */
export function snapshotFrames(tree: Tree, point: LogPoint): Uint8Array[] {
  const { digest } = tree.beginImage('full')
  const frames = [feedFrame({ kind: 'snapshot', point, digest })]
  let bytes = tree.nextImageChunk(CHUNK_BYTES)
  while (bytes !== undefined) {
    const next = tree.nextImageChunk(CHUNK_BYTES)
    frames.push(feedFrame({ kind: 'chunk', bytes, last: next === undefined }))
    bytes = next
  }
  tree.abandonImage()
  return frames
}

/** A peer that leads an ensemble of itself, and keeps all that it applies. */
export class FeedingSolo extends Solo {
  readonly applied: Group[] = []

  /** After the last group that is applied. */
  get point(): LogPoint {
    return pointOf(this.applied.at(-1)!)
  }

  override apply(groups = this.proposed.length): void {
    this.applied.push(...this.proposed.slice(0, groups))
    super.apply(groups)
  }
}

/** A peer with a session that writes, and an observer of it. */
export class Pair {
  readonly solo = new FeedingSolo()
  readonly writer = this.solo.join()
  readonly observer: Observer
  #fed = 0

  constructor(windowBytes?: number) {
    this.observer = new Observer(windowBytes)
  }

  /** Follows the peer from the beginning, and is level with it. */
  follow(): void {
    this.observer.connected()
    this.observer.receive(CONTINUE)
    this.feed()
    this.observer.receive(LIVE)
    assert.ok(this.observer.live)
    isLevel(this)
  }

  /** The groups that it was not fed yet, in one frame. */
  feed(): void {
    const groups = this.solo.applied.slice(this.#fed)
    this.#fed = this.solo.applied.length
    if (groups.length > 0) this.observer.receive(groupFrame(...groups))
  }

  /** A snapshot of the peer as it is. */
  feedSnapshot(): void {
    const { replica, point } = this.solo
    this.#fed = this.solo.applied.length
    for (const frame of snapshotFrames(replica.tree, point)) this.observer.receive(frame)
  }
}

export function isLevel({ solo, observer }: Pair): void {
  const { zxid, digest } = solo.replica.tree
  assert.deepEqual([observer.zxid, observer.tree.digest], [zxid, digest])
}
