/**
 * Images: the tree as it was at one zxid (the cut), written while transactions go on being applied. What a transaction
 * is about to change is written first, as it still is; the walk over the rest passes by whatever was changed since.
 * So nothing is copied at the cut, and a delta costs what changed since the cut before it.
 */

import { assert } from '../base/assert.ts'
import { ByteWriter } from '../base/bytes.ts'
import type { ZPath } from '../base/path.ts'
import type { SessionId, Zxid } from '../base/zxid.ts'
import { NodeRecords, SessionRecords } from './image-codec.ts'
import { type ImageKind, Ledger } from './ledger.ts'
import type { Nodes } from './nodes.ts'
import type { MutableSession } from './sessions.ts'

/** Names an image: whoever loads it ends at this zxid with this digest. */
export interface ImageHead {
  readonly kind: ImageKind
  readonly zxid: Zxid
  readonly digest: number
}

/** Makes the images of one tree, which reports every change to `nodes` or `sessions` before it makes it. */
export class Imager {
  readonly nodes: Ledger<number, ZPath>
  readonly sessions: Ledger<MutableSession, SessionId>
  readonly #out = new ByteWriter(4096)
  #needsFull: boolean
  /** What is left of the image under way; each step writes one record. */
  #steps: Iterator<void> | undefined

  /** `cut` is the zxid of an image that is already kept elsewhere: the one the tree was loaded from. */
  constructor(
    nodes: Nodes,
    sessions: ReadonlyMap<SessionId, MutableSession>,
    cut: Zxid | undefined,
  ) {
    this.nodes = new Ledger(new NodeRecords(nodes), this.#out, cut)
    this.sessions = new Ledger(new SessionRecords(sessions), this.#out, cut)
    this.#needsFull = cut === undefined
  }

  get needsFull(): boolean {
    return this.#needsFull
  }

  begin(kind: ImageKind, cut: Zxid): void {
    assert(this.#steps === undefined, 'one image at a time')
    assert(kind === 'full' || !this.#needsFull, 'a delta needs an image before it')
    this.#needsFull = false
    this.#steps = inTurn(this.sessions.cut(kind, cut), this.nodes.cut(kind, cut))
  }

  nextChunk(maxBytes: number): Uint8Array | undefined {
    assert(this.#steps !== undefined, 'an image is under way')
    while (this.#out.length < maxBytes && this.#steps.next().done !== true);
    if (this.#out.length > 0) return this.#out.take()
    this.#steps = undefined
    return undefined
  }

  abandon(): void {
    this.#steps = undefined
    this.#needsFull = true
    this.#out.reset()
    this.nodes.abandon()
    this.sessions.abandon()
  }
}

function* inTurn(...walks: Iterable<void>[]): Generator<void> {
  for (const walk of walks) yield* walk
}
