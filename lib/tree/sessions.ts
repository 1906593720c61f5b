/**
 * One session as all peers know it: who serves it, its ephemeral nodes, and the results of its latest writes. The
 * results make a write that is sent again after a fail-over end as it did the first time.
 */

import { assert } from '../base/assert.ts'
import type { ZPath } from '../base/path.ts'
import type { Outcome } from '../base/reply.ts'
import type { SessionId, Sid } from '../base/zxid.ts'
import type { SessionFacts } from './digest.ts'
import { Results } from './results.ts'

/** Facts of a session, true until the next transaction is applied. */
export interface SessionRecord extends SessionFacts {
  readonly password: Uint8Array
  readonly ephemerals: ReadonlySet<ZPath>
  /** What the session contributes to the tree's digest. */
  readonly digest: number
  /** How a write ended; undefined when it was not applied yet, or when its client has its answer for sure. */
  result(cxid: number): Outcome | undefined
}

export class MutableSession implements SessionRecord {
  readonly id: SessionId
  readonly timeoutMs: number
  readonly password: Uint8Array
  owner: Sid
  connection: number
  lastCxid = 0
  ephemerals: Set<ZPath> = new Set()
  digest = 0
  /** Last image that wrote this session, or change since: see `Ledger`. */
  mark = 0
  /** Up to that of `lastCxid`. */
  readonly #results = new Results()

  constructor(
    id: SessionId,
    timeoutMs: number,
    password: Uint8Array,
    owner: Sid,
    connection: number,
  ) {
    this.id = id
    this.timeoutMs = timeoutMs
    this.password = new Uint8Array(password)
    this.owner = owner
    this.connection = connection
  }

  result(cxid: number): Outcome | undefined {
    return this.#results.get(cxid)
  }

  /** The kept results, oldest first; the last one is that of `lastCxid`. */
  *results(): Generator<Outcome> {
    for (let cxid = this.#results.oldestCxid; cxid <= this.lastCxid; cxid++) {
      yield this.#results.get(cxid)!
    }
  }

  get resultCount(): number {
    return this.#results.size
  }

  /** Keeps the result of the next write and of the `unanswered - 1` before it; the client has the older ones. */
  remember(cxid: number, unanswered: number, outcome: Outcome): void {
    assert(cxid === this.lastCxid + 1, 'writes of a session are applied in order, each once')
    assert(unanswered >= 1, 'a write counts itself as unanswered')
    this.lastCxid = cxid
    this.#results.add(outcome)
    this.#results.forgetBefore(cxid - unanswered + 1)
  }

  /** Puts back what `results` and `lastCxid` held. */
  restore(lastCxid: number, outcomes: readonly Outcome[]): void {
    this.lastCxid = lastCxid
    this.#results.startAt(lastCxid - outcomes.length + 1)
    for (const outcome of outcomes) this.#results.add(outcome)
  }
}
