/** The checks against histories that are wrong on purpose: each must be found, and by its own name. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { OPEN_ACL } from '../../lib/base/acl.ts'
import { type Group, LOG_START, pointOf } from '../../lib/base/group.ts'
import type { ZPath } from '../../lib/base/path.ts'
import type { Reply } from '../../lib/base/reply.ts'
import type { ReadRequest, WriteRequest } from '../../lib/base/request.ts'
import { PayloadWriter, type Txn, type TxnBody } from '../../lib/base/txn.ts'
import {
  type Epoch,
  makeEpoch,
  makeSid,
  makeZxid,
  type SessionId,
  ZXID_ZERO,
  type Zxid,
} from '../../lib/base/zxid.ts'
import { History } from '../../lib/zab/history.ts'
import { broken } from './broken.ts'
import { Chronicle, type Stand } from './chronicle.ts'
import { Execution } from './execution.ts'
import { groupAfter } from './groups.ts'
import { type HeldWatch, SessionCheck, type Witness } from './session-check.ts'
import { SimCall } from './sim-call.ts'

const [P1, P2, P3] = [makeSid(1), makeSid(2), makeSid(3)]
const [E1, E2, E3, E4] = [1, 2, 3, 4].map(makeEpoch) as [Epoch, Epoch, Epoch, Epoch]
const NOBODY = new Uint8Array(0)

function historyOf(...groups: Group[]): History {
  const history = new History({ logStart: LOG_START, base: LOG_START, groups: [], epochEnds: [] })
  for (const group of groups) history.append(group)
  return history
}

function leading(epoch: Epoch): Stand {
  return { epoch, leads: true }
}

describe('the chronicle', () => {
  const a1 = groupAfter(LOG_START, E1)
  const a2 = groupAfter(pointOf(a1), E1)

  function chronicleAfter(...delivered: Group[]): Chronicle {
    const chronicle = new Chronicle(() => undefined)
    chronicle.observe(P1, 1, leading(E1), historyOf())
    chronicle.observe(P1, 1, leading(E1), historyOf(a1, a2))
    chronicle.delivered(P1, ZXID_ZERO, delivered)
    return chronicle
  }

  test('takes an order in which everybody agrees', () => {
    const chronicle = chronicleAfter(a1, a2)
    chronicle.delivered(P2, ZXID_ZERO, [a1])
    chronicle.delivered(P2, a1.last, [a2])
    chronicle.digested(P1, a2.last, 5)
    chronicle.digested(P2, a2.last, 5)
    assert.deepEqual(chronicle.end, pointOf(a2))
  })

  test('knows one leader for an epoch', () => {
    const chronicle = chronicleAfter()
    const again = (): void => chronicle.observe(P2, 1, leading(E1), historyOf())
    assert.throws(again, broken('Leadership'))
    const anotherLife = (): void => chronicle.observe(P1, 2, leading(E1), historyOf())
    assert.throws(anotherLife, broken('Leadership'))
  })

  test('compares what is delivered at the same place', () => {
    const other = groupAfter(LOG_START, E1, 9)
    assert.throws(() => chronicleAfter(a1).delivered(P2, ZXID_ZERO, [other]), broken('Agreement'))
    const skipping = (): void => chronicleAfter(a1, a2).delivered(P2, ZXID_ZERO, [a2])
    assert.throws(skipping, broken('TotalOrder'))
  })

  test('knows who proposed what is delivered', () => {
    const unknown = groupAfter(pointOf(a2), E1)
    assert.throws(() => chronicleAfter(a1, a2, unknown), broken('Integrity'))
  })

  test('finds a gap in what is delivered', () => {
    assert.throws(() => chronicleAfter(a2), broken('LocalPrimaryOrder'))
  })

  test('finds what is delivered upon another past', () => {
    const b1 = groupAfter(pointOf(a1), E2)
    const chronicle = chronicleAfter(a1)
    chronicle.observe(P2, 1, leading(E2), historyOf(a1, b1))
    const past = groupAfter(LOG_START, E1, 9)
    const c1 = groupAfter(pointOf(past), E3)
    chronicle.observe(P1, 2, leading(E3), historyOf(a1))
    chronicle.observe(P1, 2, leading(E3), historyOf(past, c1))
    assert.throws(() => chronicle.delivered(P1, a1.last, [c1]), broken('PrefixConsistency'))
    const held = (): void => chronicle.matches(P2, LOG_START, [a1, b1], b1.last)
    assert.throws(held, broken('PrefixConsistency'))
    const other = (): void => chronicle.matches(P2, LOG_START, [past], past.last)
    assert.throws(other, broken('Agreement'))
    chronicle.matches(P2, LOG_START, [a1, b1], a1.last)
  })

  test('finds a return to an earlier epoch', () => {
    const b1 = groupAfter(pointOf(a1), E2)
    const chronicle = chronicleAfter(a1)
    chronicle.observe(P2, 1, leading(E2), historyOf(a1, b1))
    chronicle.delivered(P2, a1.last, [b1])
    const late = (): void => chronicle.delivered(P1, b1.last, [groupAfter(pointOf(a1), E1)])
    assert.throws(late, broken('GlobalPrimaryOrder'))
  })

  test('finds a leader that begins without what was delivered', () => {
    const without = (): void => chronicleAfter(a1, a2).observe(P2, 1, leading(E2), historyOf(a1))
    assert.throws(without, broken('PrimaryIntegrity'))
  })

  test('a leader that hears late of its reign may lack what later ones delivered', () => {
    const chronicle = chronicleAfter(a1)
    const c1 = groupAfter(pointOf(a1), E3)
    chronicle.observe(P1, 1, leading(E3), historyOf(a1, c1))
    chronicle.delivered(P1, a1.last, [c1])
    chronicle.observe(P2, 1, leading(E2), historyOf(a1))
    const without = (): void => chronicle.observe(P3, 1, leading(E4), historyOf(a1))
    assert.throws(without, broken('PrimaryIntegrity'))
  })

  test('finds what is delivered although a leader had begun without it', () => {
    const chronicle = chronicleAfter(a1)
    chronicle.observe(P2, 1, leading(E2), historyOf(a1))
    assert.throws(() => chronicle.delivered(P1, a1.last, [a2]), broken('PrimaryIntegrity'))
  })

  test('finds a leader that logs what is not of its epoch', () => {
    const chronicle = chronicleAfter(a1)
    chronicle.observe(P2, 1, leading(E2), historyOf(a1))
    const wrong = groupAfter(pointOf(a1), E3)
    const logging = (): void => chronicle.observe(P2, 1, leading(E2), historyOf(a1, wrong))
    assert.throws(logging, broken('LocalPrimaryOrder'))
  })

  test('finds trees that differ, and a snapshot with another past', () => {
    const chronicle = chronicleAfter(a1)
    chronicle.digested(P1, a1.last, 5)
    assert.throws(() => chronicle.digested(P2, a1.last, 6), broken('DigestEquality'))
    const elsewhere = { zxid: a1.last, chain: 1 }
    assert.throws(() => chronicle.jumped(P2, elsewhere), broken('PrefixConsistency'))
  })
})

const SESSION = makeZxid(E1, 1) as number as SessionId
const PATH = '/a' as ZPath
const at = (counter: number): Zxid => makeZxid(E1, counter)
const TIME_MS = 1_000

function create(data: string, ephemeral = false): WriteRequest {
  const bytes = Buffer.from(data)
  return {
    kind: 'create',
    path: PATH,
    data: bytes,
    acl: OPEN_ACL,
    ephemeral,
    sequential: false,
    parents: false,
  }
}

function created(data: string, ephemeral = false): TxnBody {
  const body = { data: Buffer.from(data), acl: OPEN_ACL, ephemeral, parents: 0 }
  return { type: 'create', path: PATH, ...body }
}

function open(): TxnBody {
  return { type: 'open', owner: P1, connection: 1, timeoutMs: TIME_MS, password: NOBODY }
}

/** What was committed after the session's opening, and what its client had asked for. */
function execute(asked: readonly WriteRequest[], done: readonly [number, TxnBody][]): Execution {
  const execution = new Execution((_, cxid) => asked[cxid - 1], 64)
  const payload = new PayloadWriter()
  payload.begin(TIME_MS)
  for (const [cxid, body] of [[0, open()] as const, ...done]) {
    const txn: Txn = { sessionId: SESSION, cxid, unanswered: cxid === 0 ? 0 : 1, digest: 0, body }
    payload.add(txn)
  }
  const last = at(done.length + 1)
  execution.apply({ first: at(1), last, crc: 0, chain: 0, payload: payload.take() })
  return execution
}

describe('the execution', () => {
  test('takes what follows from the requests', () => {
    const execution = execute(
      [create('x'), create('y')],
      [
        [1, created('x')],
        [2, { type: 'error', code: 'NODE_EXISTS' }],
      ],
    )
    assert.equal(execution.book.at(PATH, at(1)), undefined)
    assert.equal(execution.book.at(PATH, at(2))?.stat.czxid, at(2))
    assert.equal(execution.sessions.get(SESSION)?.outcomes[1]?.code, 'NODE_EXISTS')
  })

  test('finds a write that is done twice, or that nobody asked for', () => {
    const twice = (): Execution =>
      execute(
        [create('x')],
        [
          [1, created('x')],
          [1, created('x')],
        ],
      )
    assert.throws(twice, broken('ExactlyOnce'))
    assert.throws(() => execute([], [[1, created('x')]]), broken('Integrity'))
  })

  test('finds a request that came to the wrong end', () => {
    const wrongData = (): Execution => execute([create('x')], [[1, created('y')]])
    assert.throws(wrongData, broken('Resolution'))
    const refused: TxnBody = { type: 'error', code: 'NO_NODE' }
    assert.throws(() => execute([create('x')], [[1, refused]]), broken('Resolution'))
  })

  test('finds a close that leaves an ephemeral node, and life after a close', () => {
    const close: TxnBody = { type: 'close', ephemerals: [] }
    const leaving = (): Execution =>
      execute(
        [create('x', true)],
        [
          [1, created('x', true)],
          [0, close],
        ],
      )
    assert.throws(leaving, broken('EphemeralOwner'))
    const after = (): Execution =>
      execute(
        [create('x')],
        [
          [0, close],
          [1, created('x')],
        ],
      )
    assert.throws(after, broken('SessionLife'))
  })
})

describe('the check of a session', () => {
  const GET: ReadRequest = { kind: 'get', path: PATH, watch: true }
  const SET: WriteRequest = { kind: 'set', path: PATH, data: Buffer.from('y'), version: -1 }
  const CREATE = create('x')
  /** Opened, created, set. */
  const execution = execute(
    [CREATE, SET],
    [
      [1, created('x')],
      [2, { type: 'set', path: PATH, data: Buffer.from('y'), version: 1 }],
    ],
  )
  const outcomes = execution.sessions.get(SESSION)!.outcomes

  function watched() {
    const witness: Witness = { execution, knownZxid: ZXID_ZERO, acknowledged: () => undefined }
    const check = new SessionCheck('C1', witness)
    const answer = (call: SimCall, reply: Omit<Reply, 'xid'>, watch?: HeldWatch): void => {
      call.reply = { xid: 0, ...reply }
      check.settled(call, SESSION, watch)
    }
    const ask = (request: ReadRequest | WriteRequest, cxid = 0, known = ZXID_ZERO): SimCall => {
      const call = new SimCall(request, known, check.breaks, undefined)
      call.cxid = cxid
      check.called(call)
      return call
    }
    return { check, ask, answer }
  }

  function shown(counter: number): Omit<Reply, 'xid'> {
    const node = execution.book.at(PATH, at(counter))
    if (node === undefined) return { zxid: at(counter), code: 'NO_NODE' }
    return { zxid: at(counter), data: node.data, stat: node.stat }
  }

  function watchOnPath(): HeldWatch {
    const watch = { path: PATH, kind: 'node', missing: false, since: undefined } as const
    return { ...watch, breaks: 0, fired: false }
  }

  test('takes what is true', () => {
    const { check, ask, answer } = watched()
    const watch = watchOnPath()
    answer(ask(CREATE, 1), outcomes[0]!)
    answer(ask(GET), shown(2), watch)
    check.fired(watch, { type: 'dataChanged', path: PATH, zxid: at(3) })
    answer(ask(SET, 2), outcomes[1]!)
  })

  test('finds a read that shows another state, or an earlier one than before', () => {
    const { ask, answer } = watched()
    assert.throws(() => answer(ask(GET), { ...shown(2), zxid: at(3) }), broken('ReadsMatchHistory'))
    const other = watched()
    other.answer(other.ask(GET), shown(3))
    assert.throws(() => other.answer(other.ask(GET), shown(2)), broken('SessionOrder'))
  })

  test('finds a write that ended otherwise than it was committed', () => {
    const { ask, answer } = watched()
    const wrong = { ...outcomes[0]!, zxid: at(3) }
    assert.throws(() => answer(ask(CREATE, 1), wrong), broken('WriteOutcome'))
    const unknown = watched()
    const early = (): void => unknown.answer(unknown.ask(CREATE, 3), outcomes[0]!)
    assert.throws(early, broken('WriteOutcome'))
  })

  test('finds answers out of turn, and a write that took place before it was asked for', () => {
    const { ask, answer } = watched()
    ask(CREATE, 1)
    assert.throws(() => answer(ask(SET, 2), outcomes[1]!), broken('SessionOrder'))
    const later = watched()
    const past = (): void => later.answer(later.ask(SET, 2, at(3)), outcomes[1]!)
    assert.throws(past, broken('RealTimeOrder'))
  })

  test('finds data shown before the watch is told', () => {
    const { ask, answer } = watched()
    answer(ask(GET), shown(2), watchOnPath())
    assert.throws(() => answer(ask(GET), shown(3)), broken('WatchTold'))
  })

  test('finds a watch told twice, or of nothing', () => {
    const { check, ask, answer } = watched()
    const watch = watchOnPath()
    answer(ask(GET), shown(2), watch)
    const nothing = (): void =>
      check.fired(watchOnPath(), { type: 'deleted', path: PATH, zxid: at(3) })
    assert.throws(nothing, broken('WatchTruth'))
    const event = { type: 'dataChanged', path: PATH, zxid: at(3) } as const
    check.fired(watch, event)
    assert.throws(() => check.fired(watch, event), broken('WatchOnce'))
  })
})
