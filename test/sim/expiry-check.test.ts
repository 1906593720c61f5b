import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Txn, TxnBody } from '../../lib/base/txn.ts'
import { makeEpoch, makeSid, makeZxid, type SessionId, type Zxid } from '../../lib/base/zxid.ts'
import type { PeerInput, TurnOutput } from '../../lib/peer/core-turn.ts'
import { broken } from './broken.ts'
import { ExpiryCheck } from './expiry-check.ts'

const [P1, P2] = [makeSid(1), makeSid(2)]
const E1 = makeEpoch(1)
const SESSION = makeZxid(E1, 1) as number as SessionId
const NOTHING: TurnOutput = {
  peerFrames: [],
  feedFrames: [],
  clientFrames: [],
  closings: [],
  tasks: [],
}
const TICK: PeerInput = { kind: 'tick' }
/** Ten ticks, and one more. */
const TIMEOUT_MS = 500

/** A reign of P1 in which P2 is the home of one session. */
class Reign {
  readonly check = new ExpiryCheck()
  #last = makeZxid(E1, 0)

  constructor() {
    this.turn()
    const body = { type: 'open', owner: P2, connection: 7, timeoutMs: TIMEOUT_MS } as const
    this.proposes({ ...body, password: new Uint8Array(0) })
  }

  turn(inputs: readonly PeerInput[] = [], heard: readonly SessionId[] = [], busy = false): void {
    this.check.turned(P1, inputs, NOTHING)
    this.check.led(E1, heard, this.#last, busy)
  }

  ticks(count: number): void {
    for (let i = 0; i < count; i++) this.turn([TICK])
  }

  /** In a turn with these inputs; it is committed afterwards. */
  proposes(
    body: TxnBody,
    inputs: readonly PeerInput[] = [],
    heard: readonly SessionId[] = [],
  ): void {
    this.#last = (this.#last + 1) as Zxid
    this.turn(inputs, heard)
    const txn: Txn = { sessionId: SESSION, cxid: 0, unanswered: 0, digest: 0, body }
    this.check.committed(this.#last, [txn])
  }

  expires(inputs: readonly PeerInput[] = [TICK], heard: readonly SessionId[] = []): void {
    this.proposes({ type: 'close', ephemerals: [] }, inputs, heard)
  }
}

test('a session that was silent for its time-out is expired', () => {
  const reign = new Reign()
  reign.ticks(5)
  reign.turn([], [SESSION])
  reign.ticks(10)
  reign.expires()
  assert.equal(reign.check.expiries, 1)
})

test('finds an expiry too soon after a report, or after the reign began', () => {
  const soon = new Reign()
  soon.ticks(8)
  soon.turn([], [SESSION])
  soon.ticks(5)
  assert.throws(() => soon.expires(), broken('NoRetroactiveExpiry'))
  const begun = new Reign()
  begun.ticks(3)
  assert.throws(() => begun.expires(), broken('NoRetroactiveExpiry'))
})

test('finds a leader that makes up for the ticks it missed', () => {
  const reign = new Reign()
  reign.ticks(3)
  const missed = Array.from({ length: 20 }, () => TICK)
  assert.throws(() => reign.expires(missed), broken('NoRetroactiveExpiry'))
})

test('a report that comes with the very turn of the expiry may come too late', () => {
  const reign = new Reign()
  reign.ticks(10)
  reign.expires([TICK], [SESSION])
})

test('a report that comes while the expiry waits for a disk comes too late', () => {
  const reign = new Reign()
  reign.ticks(10)
  reign.turn([TICK], [], true)
  reign.turn([TICK], [SESSION], true)
  reign.turn([TICK], [], true)
  reign.expires()
  assert.equal(reign.check.expiries, 1)
})

test('a session whose client is gone is ended at once', () => {
  const reign = new Reign()
  reign.ticks(2)
  reign.check.turned(P2, [{ kind: 'disconnect', connection: 7 }], NOTHING)
  reign.expires()
  assert.equal(reign.check.expiries, 0)
})

test('time runs from when a session was heard of, though it is proposed later', () => {
  const attach: TxnBody = { type: 'attach', owner: P2, connection: 8, granted: true }
  const expiresAfter = (busyTicks: number): void => {
    const reign = new Reign()
    for (let i = 0; i < 3; i++) reign.turn([TICK], [], i < busyTicks)
    reign.proposes(attach)
    reign.ticks(7)
    reign.expires()
  }
  expiresAfter(3)
  assert.throws(() => expiresAfter(0), broken('NoRetroactiveExpiry'))
})
