/**
 * What clients are told: events of their watches, then replies, each in order. Owns the watches and the frames going
 * out. An event is written when its transaction is applied, before anything that shows the change can be read.
 */

import { assert } from '../base/assert.ts'
import type { ErrorCode } from '../base/errors.ts'
import type { ZPath } from '../base/path.ts'
import {
  encodeEvent,
  encodeGoodbye,
  encodeReply,
  encodeWelcome,
  type Outcome,
} from '../base/reply.ts'
import type { Zxid } from '../base/zxid.ts'
import type { SessionRecord } from '../tree/sessions.ts'
import type { Change, Tree } from '../tree/tree.ts'
import type { Line, Look, Write } from './order.ts'
import { type Frame, Outbox } from './outbox.ts'
import { fireWatches, type Held, mayRead, read, resumeWatches } from './reads.ts'
import { Watches } from './watches.ts'

export class Answers {
  #tree: Tree
  readonly #watches = new Watches<Line>()
  readonly #outbox: Outbox

  constructor(tree: Tree, fullFrameBytes: number) {
    this.#tree = tree
    this.#outbox = new Outbox(fullFrameBytes)
  }

  welcome(line: Line, session: SessionRecord): void {
    const { id, timeoutMs } = session
    encodeWelcome(this.#outbox.to(line), id, timeoutMs, this.#tree.zxid)
  }

  goodbye(line: Line, code: ErrorCode): void {
    encodeGoodbye(this.#outbox.to(line), code)
  }

  /** Answers a request whose turn it is. */
  look(line: Line, message: Look): void {
    if (message.kind === 'setWatches') {
      this.#resume(line, message)
      return
    }
    const result = read(this.#tree, this.#watches, line, message.request)
    encodeReply(this.#outbox.to(line), message.xid, result)
  }

  /** Answers whatever stands before the line's first write that is not applied. */
  drain(line: Line): void {
    for (;;) {
      const message = line.waiting.first
      if (message === undefined) return
      if (message.kind !== 'write') this.look(line, message)
      else if (message.cxid > line.appliedCxid) return
      else this.#repeat(line, message)
      line.waiting.shift()
    }
  }

  /** A write of the line's session was applied; it is the line's first, unless this client never waited for it. */
  outcome(line: Line, cxid: number, outcome: Outcome): void {
    assert(cxid === line.appliedCxid + 1, 'a home sees every write of its sessions')
    line.appliedCxid = cxid
    this.outcomeOfFirst(line, cxid, outcome)
    this.drain(line)
    this.#outbox.closeIfFull(line)
  }

  /** Answers the line's first request if it is this write; tells whether it was. */
  outcomeOfFirst(line: Line, cxid: number, outcome: Outcome): boolean {
    const first = line.waiting.first
    if (first?.kind !== 'write' || first.cxid !== cxid) return false
    encodeReply(this.#outbox.to(line), first.xid, outcome)
    line.waiting.shift()
    return true
  }

  /** Fires the watches that a transaction's changes meet. */
  fire(changes: readonly Change[], zxid: Zxid): void {
    fireWatches(this.#tree, this.#watches, changes, (line, { type, path }) =>
      encodeEvent(this.#outbox.to(line), { type, path, zxid }),
    )
  }

  replaceTree(tree: Tree): void {
    this.#tree = tree
  }

  /** Fires what the line's watches missed between `before` and the tree that took its place. */
  resumeAfter(line: Line, before: Tree): void {
    const { onNode, onChildren } = this.#watches.drop(line)
    const data: ZPath[] = []
    const exist: ZPath[] = []
    for (const path of onNode) {
      const node = before.node(path)
      // One that may not be read was not there when the watch was left.
      const list = node !== undefined && mayRead(node) ? data : exist
      list.push(path)
    }
    this.#resume(line, { since: before.zxid, data, exist, child: onChildren })
  }

  /** The line ends; what it was told so far still goes out. */
  dropWatches(line: Line): void {
    this.#watches.drop(line)
  }

  /** The line's client is gone. */
  dropAll(line: Line): void {
    this.#watches.drop(line)
    this.#outbox.discard(line)
  }

  takeFrames(): Frame[] {
    return this.#outbox.take()
  }

  get hasFullFrames(): boolean {
    return this.#outbox.hasFull
  }

  takeFullFrames(): Frame[] {
    return this.#outbox.takeFull()
  }

  #resume(line: Line, held: Held): void {
    for (const event of resumeWatches(this.#tree, this.#watches, line, held)) {
      encodeEvent(this.#outbox.to(line), event)
    }
  }

  /** A write that was applied before it came to this peer ends as it did then. */
  #repeat(line: Line, write: Write): void {
    const outcome = this.#tree.session(line.sessionId)?.result(write.cxid)
    // Forgotten results are those the client said it had. A client that asks all the same hears that the end of its
    // write is unknown: its mistake must not take one peer after the other down.
    const known = outcome ?? { zxid: this.#tree.zxid, code: 'CONNECTION_LOSS' }
    encodeReply(this.#outbox.to(line), write.xid, known)
  }
}
