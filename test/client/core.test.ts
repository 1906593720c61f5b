/** The pure core, driven by hand: what it says to a peer, frame by frame, and what it makes of the answers. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InvariantError } from '../../lib/base/assert.ts'
import { ByteReader, ByteWriter } from '../../lib/base/bytes.ts'
import type { ErrorCode } from '../../lib/base/errors.ts'
import { SESSION_WINDOW } from '../../lib/base/limits.ts'
import { parsePath } from '../../lib/base/path.ts'
import {
  type EventType,
  encodeEvent,
  encodeGoodbye,
  encodeReply,
  encodeWelcome,
  type Outcome,
} from '../../lib/base/reply.ts'
import { type ClientMessage, decodeClientMessage } from '../../lib/base/request.ts'
import type { SessionId, Zxid } from '../../lib/base/zxid.ts'
import { noAnswer } from '../../lib/client/answers.ts'
import { ClientCore, type Delivery } from '../../lib/client/core.ts'
import { type AnyCall, Call } from '../../lib/client/core-call.ts'
import type { Watcher } from '../../lib/client/core-watches.ts'

const PATH = parsePath('/a')
const SESSION = 77 as SessionId
const PASSWORD = new Uint8Array([1, 2, 3])

function get(watcher?: Watcher): AnyCall {
  return new Call({ kind: 'get', path: PATH, watch: watcher !== undefined }, noAnswer, watcher)
}

function exists(watcher: Watcher): AnyCall {
  return new Call({ kind: 'exists', path: PATH, watch: true }, noAnswer, watcher)
}

function set(bytes = 1): AnyCall {
  return new Call({ kind: 'set', path: PATH, data: new Uint8Array(bytes), version: -1 }, noAnswer)
}

function closeSession(): AnyCall {
  return new Call({ kind: 'closeSession' }, noAnswer)
}

/** A call that can be sent so many times; then putting it into bytes fails halfway. */
function breaking(sends: number): AnyCall {
  let left = sends
  const entry = {
    scheme: 'world',
    id: 'anyone',
    get permissions(): number {
      if (left-- > 0) return 31
      throw new RangeError('no bytes for this')
    },
  }
  const flags = { ephemeral: false, sequential: false, parents: false }
  const data = new Uint8Array(10)
  const acl = [{ permissions: 1, scheme: 'world', id: 'anyone' }, entry]
  return new Call({ kind: 'create', path: PATH, data, acl, ...flags }, noAnswer)
}

/** What the core has to say, as `kind#xid/cxid` words. */
function said(core: ClientCore): string[] {
  return messages(core).map(message => {
    if (message.kind === 'write') {
      return `${message.request.kind}#${message.xid}/${message.cxid}-${message.unanswered}`
    }
    return message.kind === 'read' ? `${message.request.kind}#${message.xid}` : message.kind
  })
}

function messages(core: ClientCore): ClientMessage[] {
  const all: ClientMessage[] = []
  for (let frame = core.takeFrame(); frame !== undefined; frame = core.takeFrame()) {
    const from = new ByteReader(frame)
    while (!from.done) all.push(decodeClientMessage(from))
  }
  return all
}

function tell(core: ClientCore, write: (out: ByteWriter) => void): void {
  const out = new ByteWriter()
  write(out)
  core.receive(out.take())
}

function welcome(core: ClientCore): void {
  tell(core, out => encodeWelcome(out, SESSION, 1000, 500 as Zxid))
}

function goodbye(core: ClientCore, code: ErrorCode): void {
  tell(core, out => encodeGoodbye(out, code))
}

function answer(core: ClientCore, xid: number, outcome: Partial<Outcome> = {}): void {
  tell(core, out => encodeReply(out, xid, { zxid: xid as Zxid, ...outcome }))
}

function event(core: ClientCore, type: EventType): void {
  tell(core, out => encodeEvent(out, { type, path: PATH, zxid: 9 as Zxid }))
}

function deliveries(core: ClientCore): Delivery[] {
  const all: Delivery[] = []
  for (let next = core.takeDelivery(); next !== undefined; next = core.takeDelivery()) {
    all.push(next)
  }
  return all
}

/** Runs what is delivered as a driver would; returns how each call ended. */
function settle(core: ClientCore): string[] {
  const ends: string[] = []
  for (const delivery of deliveries(core)) {
    if (delivery.kind === 'firing') delivery.watcher(delivery.event)
    else if (delivery.kind === 'call') ends.push(endOf(delivery))
  }
  return ends
}

function endOf(call: AnyCall): string {
  try {
    call.result()
    return 'done'
  } catch (error) {
    return (error as { code: string }).code
  }
}

function openCore(): ClientCore {
  const core = new ClientCore({ timeoutMs: 1000, password: PASSWORD })
  core.connected()
  assert.deepEqual(said(core), ['open'])
  welcome(core)
  deliveries(core)
  return core
}

function submit(core: ClientCore, ...calls: AnyCall[]): void {
  for (const call of calls) core.submit(call)
}

test('nothing but the opening is sent before the session has a number', () => {
  const core = new ClientCore({ timeoutMs: 1000, password: PASSWORD })
  submit(core, set())
  core.connected()
  assert.deepEqual(said(core), ['open'])
  core.disconnected()
  core.connected()
  assert.deepEqual(said(core), ['open'], 'a second session, so nothing may have been done in one')
  welcome(core)
  assert.equal(core.sessionId, SESSION)
  assert.deepEqual(said(core), ['set#1/1-1'])
})

test('writes are counted apart from reads, and say how many are unanswered', () => {
  const core = openCore()
  submit(core, set(), get(), set())
  assert.deepEqual(said(core), ['set#1/1-1', 'get#2', 'set#3/2-2'])
  answer(core, 1)
  submit(core, set())
  assert.deepEqual(said(core), ['set#4/3-2'])
})

test('a full window holds calls back, in order, until answers come', () => {
  const core = openCore()
  for (let at = 0; at < SESSION_WINDOW; at++) submit(core, set())
  submit(core, get(), set())
  assert.equal(said(core).length, SESSION_WINDOW)
  answer(core, 1)
  assert.deepEqual(said(core), [`get#${SESSION_WINDOW + 1}`])
  answer(core, 2)
  assert.deepEqual(said(core), [
    `set#${SESSION_WINDOW + 2}/${SESSION_WINDOW + 1}-${SESSION_WINDOW - 1}`,
  ])
})

test('much data is held back too, and leaves in several frames', () => {
  const core = openCore()
  for (let at = 0; at < 20; at++) submit(core, set(1024 * 1024))
  const sizes: number[] = []
  for (let frame = core.takeFrame(); frame !== undefined; frame = core.takeFrame()) {
    sizes.push(frame.length)
  }
  assert.equal(sizes.length, 16)
  assert.ok(Math.max(...sizes) < 1.1 * 1024 * 1024)
  answer(core, 1)
  assert.deepEqual(said(core), ['set#17/17-16'])
})

test('one call larger than the window still goes', () => {
  const core = openCore()
  submit(core, set(20 * 1024 * 1024))
  assert.deepEqual(said(core), ['set#1/1-1'])
})

test('after a fail-over everything unanswered is sent again with its numbers', () => {
  const core = openCore()
  submit(core, set(), get(), set())
  said(core)
  answer(core, 1)
  core.disconnected()
  assert.equal(core.state, 'suspended')
  submit(core, set())
  assert.deepEqual(said(core), [])
  core.connected()
  assert.deepEqual(said(core), ['attach', 'get#2', 'set#3/2-1', 'set#4/3-2'])
})

test('a moved session is sent again elsewhere', () => {
  const core = openCore()
  submit(core, set())
  said(core)
  goodbye(core, 'SESSION_MOVED')
  assert.equal(core.linked, false)
  assert.equal(core.pending, 1)
  core.connected()
  assert.deepEqual(said(core), ['attach', 'set#1/1-1'])
})

test('departing leaves a word and keeps the calls', () => {
  const core = openCore()
  submit(core, set())
  const from = new ByteReader(core.depart())
  assert.equal(decodeClientMessage(from).kind, 'leave')
  assert.ok(from.done)
  core.connected()
  assert.deepEqual(said(core), ['attach', 'set#1/1-1'])
})

test('an unanswered call that timed out keeps its place, since writes have no gaps', () => {
  const core = openCore()
  submit(core, set(), get(), set())
  said(core)
  core.expire(0, 'OPERATION_TIMEOUT')
  assert.deepEqual(settle(core), Array(3).fill('OPERATION_TIMEOUT'))
  core.disconnected()
  core.connected()
  assert.deepEqual(said(core), ['attach', 'set#1/1-1', 'set#3/2-2'], 'the read is dropped')
  answer(core, 1)
  answer(core, 3)
  assert.deepEqual(settle(core), [], 'late answers concern nobody')
})

test('a call nobody heard of is taken back when it times out', () => {
  const core = openCore()
  core.disconnected()
  const young = set()
  young.startedAt = 50
  submit(core, set(), young)
  core.expire(10, 'CONNECTION_LOSS')
  assert.deepEqual(settle(core), ['CONNECTION_LOSS'])
  core.connected()
  assert.deepEqual(said(core), ['attach', 'set#1/1-1'])
})

test('expiry fails what is under way and what comes later', () => {
  const core = openCore()
  submit(core, set(), get())
  goodbye(core, 'SESSION_EXPIRED')
  submit(core, get())
  assert.deepEqual(settle(core), Array(3).fill('SESSION_EXPIRED'))
  assert.equal(core.state, 'expired')
})

test('a session that ends with its ensemble is closed, not expired', () => {
  const core = openCore()
  submit(core, set(), get())
  const out = new ByteWriter()
  encodeGoodbye(out, 'SESSION_EXPIRED')
  core.receive(out.take(), true)
  submit(core, get())
  assert.deepEqual(settle(core), Array(3).fill('CLOSED'))
  assert.equal(core.state, 'closed')
})

test('a closing session answers what it has and refuses the rest', () => {
  const core = openCore()
  submit(core, set(), closeSession(), get())
  assert.deepEqual(settle(core), ['CLOSED'])
  assert.deepEqual(said(core), ['set#1/1-1', 'closeSession#2/2-2'])
  answer(core, 1)
  answer(core, 2)
  assert.deepEqual(settle(core), ['done', 'done'])
  assert.equal(core.state, 'closed')
})

test('closing succeeds when the session turns out to be gone', () => {
  const core = openCore()
  submit(core, set(), closeSession())
  goodbye(core, 'SESSION_EXPIRED')
  assert.deepEqual(settle(core), ['SESSION_EXPIRED', 'done'])
  assert.equal(core.state, 'closed', 'nobody is told to connect again')
})

test('an event is delivered before the answer behind it', () => {
  const core = openCore()
  submit(
    core,
    get(() => {}),
    get(),
  )
  answer(core, 1)
  deliveries(core)
  event(core, 'dataChanged')
  answer(core, 2)
  assert.deepEqual(
    deliveries(core).map(({ kind }) => kind),
    ['firing', 'call'],
  )
})

test('a function that watches a path twice is called once', () => {
  const core = openCore()
  const told: string[] = []
  const watcher: Watcher = ({ type }) => told.push(type)
  submit(core, exists(watcher), get(watcher))
  answer(core, 1, { code: 'NO_NODE' })
  answer(core, 2)
  event(core, 'created')
  event(core, 'deleted')
  settle(core)
  assert.deepEqual(told, ['created'])
})

test('a failed get leaves no watch, a failed exists does', () => {
  const core = openCore()
  submit(
    core,
    get(() => assert.fail()),
    exists(() => assert.fail()),
  )
  answer(core, 1, { code: 'NO_NODE' })
  core.disconnected()
  core.connected()
  assert.ok(!said(core).includes('setWatches'))
  answer(core, 2, { code: 'NO_NODE' })
  core.disconnected()
  core.connected()
  const watches = messages(core)[1]
  assert.deepEqual(watches, { kind: 'setWatches', since: 2, data: [], exist: [PATH], child: [] })
})

test('what was seen is what answers showed: a welcome shows nothing', () => {
  const core = openCore()
  assert.equal(core.seenZxid, 0)
  submit(core, get())
  answer(core, 1, { zxid: 42 as Zxid })
  assert.equal(core.seenZxid, 42)
})

test('a call that cannot be put into bytes fails alone, and with its own error', () => {
  const core = openCore()
  const broken = breaking(0)
  submit(core, set(), broken, get(), set())
  assert.throws(() => broken.result(), { name: 'RangeError', message: 'no bytes for this' })
  assert.deepEqual(deliveries(core), [broken])
  assert.equal(core.pending, 3)
  assert.deepEqual(said(core), ['set#1/1-1', 'get#2', 'set#3/2-2'])
  for (const xid of [1, 2, 3]) answer(core, xid)
  assert.deepEqual(settle(core), ['done', 'done', 'done'])
})

test('so does one that waited for its turn', async () => {
  const core = new ClientCore({ timeoutMs: 1000, password: PASSWORD })
  const broken = breaking(0)
  const rejected = assert.rejects(broken.promise(), { name: 'RangeError' })
  submit(core, set(), broken, set())
  core.connected()
  said(core)
  welcome(core)
  assert.deepEqual(said(core), ['set#1/1-1', 'set#2/2-2'])
  for (const delivery of deliveries(core)) if (delivery.kind === 'call') delivery.deliver()
  await rejected
})

test('an event is delivered to one function at a time', () => {
  const core = openCore()
  submit(
    core,
    get(() => {}),
    get(() => {}),
  )
  answer(core, 1)
  answer(core, 2)
  deliveries(core)
  event(core, 'dataChanged')
  assert.deepEqual(
    deliveries(core).map(each => each.kind),
    ['firing', 'firing'],
  )
})

test('an answer out of order breaks the line', () => {
  const core = openCore()
  submit(core, set(), set())
  assert.throws(() => answer(core, 2), InvariantError)
})
