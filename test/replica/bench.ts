/** The leader's part alone, over a tree of its own. */

import assert from 'node:assert/strict'
import { ByteWriter } from '../../lib/base/bytes.ts'
import { SESSION_TIMEOUT_TICKS_MIN } from '../../lib/base/limits.ts'
import { encodeSubmission, type Submission, type WriteRequest } from '../../lib/base/request.ts'
import type { Txn } from '../../lib/base/txn.ts'
import { makeEpoch, makeSid, makeZxid, type Zxid } from '../../lib/base/zxid.ts'
import { Preparer } from '../../lib/replica/prepare.ts'
import { Tree } from '../../lib/tree/tree.ts'
import { decodePayload } from '../support/payload.ts'
import { DATA_BYTES_MAX, PASSWORD, TICK_MS } from './support.ts'

export const OWNER = makeSid(1)

export function encode(submissions: readonly Submission[]): Uint8Array {
  const out = new ByteWriter()
  for (const submission of submissions) encodeSubmission(out, submission)
  return out.take()
}

/** Ticks that a session of the bench lives without being touched: the least there is. */
export const LIFE_TICKS = SESSION_TIMEOUT_TICKS_MIN

/** A preparer over a tree of its own; what it prepared is applied when the test says so. */
export class Bench {
  readonly tree = new Tree()
  readonly preparer: Preparer
  readonly inFlight: { txn: Txn; zxid: Zxid; time: number }[] = []
  #zxid: Zxid

  constructor(last = makeZxid(makeEpoch(1), 0)) {
    this.#zxid = last
    const { tree } = this
    this.preparer = new Preparer({ tree, last, dataBytesMax: DATA_BYTES_MAX, tickMs: TICK_MS })
  }

  /** Prepares and returns the transactions that came of it. */
  prepare(...submissions: Submission[]): Txn[] {
    this.preparer.prepare(encode(submissions), 1000)
    return this.collect()
  }

  collect(): Txn[] {
    const before = this.inFlight.length
    for (const { payload, count } of this.preparer.takeGroups()) {
      const { time, txns } = decodePayload(payload)
      assert.equal(txns.length, count)
      for (const txn of txns) {
        this.#zxid = (this.#zxid + 1) as Zxid
        this.inFlight.push({ txn, zxid: this.#zxid, time })
      }
    }
    return this.inFlight.slice(before).map(({ txn }) => txn)
  }

  apply(count = this.inFlight.length): void {
    for (const { txn, zxid, time } of this.inFlight.splice(0, count)) {
      this.tree.apply(txn, zxid, time)
      this.preparer.applied(zxid)
    }
  }

  open(connection = 1): Session {
    const timeoutMs = LIFE_TICKS * TICK_MS
    const [txn] = this.prepare({
      kind: 'open',
      owner: OWNER,
      connection,
      timeoutMs,
      password: PASSWORD,
    })
    return new Session(this, txn!.sessionId)
  }
}

export class Session {
  readonly bench: Bench
  readonly id: Txn['sessionId']
  cxid = 0

  constructor(bench: Bench, id: Txn['sessionId']) {
    this.bench = bench
    this.id = id
  }

  submission(request: WriteRequest): Submission {
    return { kind: 'write', sessionId: this.id, cxid: ++this.cxid, unanswered: 1, request }
  }

  /** Prepares a request and tells what became of it: an error code, or the type and path of the transaction. */
  ask(request: WriteRequest): string {
    const txns = this.bench.prepare(this.submission(request))
    assert.equal(txns.length, 1)
    const { body } = txns[0]!
    if (body.type === 'error') return body.code
    return 'path' in body ? `${body.type} ${body.path}` : body.type
  }
}
