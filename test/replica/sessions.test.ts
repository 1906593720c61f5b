import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ByteReader } from '../../lib/base/bytes.ts'
import { SESSION_TIMEOUT_TICKS_MIN } from '../../lib/base/limits.ts'
import type { WriteRequest } from '../../lib/base/request.ts'
import type { PreparedGroup } from '../../lib/replica/groups.ts'
import {
  attach,
  bytes,
  CLOSE,
  type Client,
  copyTree,
  create,
  PASSWORD,
  path,
  Solo,
  TICK_MS,
} from './support.ts'

/** The group of one write of a client. */
function prepared(solo: Solo, client: Client, request: WriteRequest): PreparedGroup {
  client.write(request)
  solo.replica.prepare(solo.replica.takeSubmissions()!, solo.nowMs)
  const [group, ...others] = solo.replica.takeGroups()
  assert.equal(others.length, 0)
  return group!
}

/** The shortest life a session may have. */
const LIFE_TICKS = SESSION_TIMEOUT_TICKS_MIN

test('closing a session answers, deletes its ephemeral nodes and ends the connection', () => {
  const solo = new Solo()
  const client = solo.join()
  const watcher = solo.join()
  watcher.read('exists', '/e', true)
  client.write(create('/e', { ephemeral: true }), 1)
  client.write(CLOSE, 2)
  client.write(create('/late', { ephemeral: true }), 3)
  solo.settle()
  assert.deepEqual(client.takeStory(), ['reply 1', 'reply 2'])
  assert.deepEqual(solo.closed, [client.connection])
  assert.deepEqual(watcher.takeStory(), ['reply 1 NO_NODE', 'event created /e'])
  assert.equal(solo.replica.tree.nodeCount, 1)
  assert.equal(solo.replica.tree.session(client.sessionId), undefined)
  solo.replica.disconnect(client.connection)
  assert.equal(solo.replica.takeSubmissions(), undefined)
})

test('a dead client is given up at once, one that leaves is not', () => {
  const solo = new Solo()
  const dead = solo.join()
  const leaving = solo.join()
  dead.call(create('/dead', { ephemeral: true }))
  leaving.call(create('/leaving', { ephemeral: true }))
  leaving.send({ kind: 'leave' })
  solo.replica.disconnect(leaving.connection)
  solo.replica.disconnect(dead.connection)
  solo.settle()
  assert.deepEqual(
    [...solo.replica.tree.sessions()].map(({ id }) => id),
    [leaving.sessionId],
  )
  assert.equal(solo.replica.tree.node(path('/dead')), undefined)
  assert.notEqual(solo.replica.tree.node(path('/leaving')), undefined)
})

test('a session is given up even if the leader dies before it hears of that', () => {
  const solo = new Solo()
  const dead = solo.join()
  const watcher = solo.join()
  watcher.read('exists', '/a', true)
  solo.replica.apply(solo.log.add(prepared(solo, dead, create('/a'))))
  solo.replica.disconnect(dead.connection)
  solo.replica.disconnect(watcher.connection)
  assert.deepEqual(solo.replica.takeFrames(), [], 'nobody is there to be told')
  assert.notEqual(solo.replica.takeSubmissions(), undefined, 'lost with the leader')
  solo.replica.resubmit()
  solo.settle()
  assert.deepEqual([...solo.replica.tree.sessions()], [])
  solo.replica.resubmit()
  assert.equal(solo.replica.takeSubmissions(), undefined, 'done')
})

test('a client that goes while its open is under way leaves no session behind', () => {
  for (const leaves of [true, false]) {
    const solo = new Solo()
    const client = solo.connect()
    client.send({ kind: 'open', timeoutMs: 10_000, password: PASSWORD })
    solo.propose()
    if (leaves) client.send({ kind: 'leave' })
    solo.replica.disconnect(client.connection)
    solo.settle()
    assert.deepEqual([...solo.replica.tree.sessions()], [])
  }
})

test('an open that was submitted twice makes one session that stays', () => {
  const solo = new Solo()
  const client = solo.connect()
  client.send({ kind: 'open', timeoutMs: 10_000, password: PASSWORD })
  solo.propose()
  solo.replica.resubmit()
  solo.propose()
  solo.settle()
  assert.deepEqual(client.takeStory(), ['welcome'])
  assert.deepEqual(
    [...solo.replica.tree.sessions()].map(({ id }) => id),
    [client.sessionId],
  )
})

test('an attach moves the session; the old connection hears it and its end means nothing', () => {
  const solo = new Solo()
  const old = solo.join()
  old.call(create('/e', { ephemeral: true }))
  old.takeStory()
  const moved = solo.connect()
  moved.send(attach(old.sessionId))
  solo.settle()
  assert.deepEqual(old.takeStory(), ['goodbye SESSION_MOVED'])
  assert.deepEqual(moved.takeStory(), ['welcome'])
  assert.deepEqual(solo.closed, [old.connection])
  solo.replica.disconnect(old.connection)
  solo.settle()
  assert.notEqual(solo.replica.tree.node(path('/e')), undefined)
})

test('an attach is refused when the password is wrong or the session over', () => {
  const solo = new Solo()
  const client = solo.join()
  const stranger = solo.connect()
  stranger.send(attach(client.sessionId, bytes('guess')))
  solo.settle()
  assert.deepEqual(stranger.takeStory(), ['goodbye SESSION_EXPIRED'])
  client.call(CLOSE)
  const late = solo.connect()
  late.send(attach(client.sessionId))
  solo.settle()
  assert.deepEqual(late.takeStory(), ['goodbye SESSION_EXPIRED'])
  assert.deepEqual(solo.closed, [stranger.connection, client.connection, late.connection])
})

test('an attach behind a proposed close is refused', () => {
  const solo = new Solo()
  const client = solo.join()
  client.write(CLOSE)
  solo.propose()
  const late = solo.connect()
  late.send(attach(client.sessionId))
  solo.propose()
  solo.apply()
  assert.deepEqual(late.takeStory(), ['goodbye SESSION_EXPIRED'])
})

test('sessions expire by the leader alone, when nobody reports them', () => {
  const solo = new Solo()
  const alive = solo.join(LIFE_TICKS * TICK_MS)
  const owner = solo.join(LIFE_TICKS * TICK_MS)
  owner.call(create('/e', { ephemeral: true }))
  owner.send({ kind: 'leave' })
  alive.read('exists', '/e', true)
  solo.deliver()
  alive.takeStory()
  const report = new Uint8Array(8)
  new DataView(report.buffer).setUint32(0, owner.sessionId % 2 ** 32, true)
  new DataView(report.buffer).setUint32(4, Math.floor(owner.sessionId / 2 ** 32), true)
  solo.replica.touch(report)
  for (let ticks = 0; ticks < LIFE_TICKS; ticks++) solo.replica.tick()
  solo.settle()
  assert.deepEqual(alive.takeStory(), [])
  solo.replica.tick()
  solo.settle()
  assert.deepEqual(alive.takeStory(), ['event deleted /e'])
  assert.deepEqual(
    [...solo.replica.tree.sessions()].map(({ id }) => id),
    [alive.sessionId],
  )
})

test('a session that expires while its client is connected elsewhere ends with a goodbye', () => {
  const solo = new Solo()
  const client = solo.join(LIFE_TICKS * TICK_MS)
  const leader = new Solo(copyTree(solo.replica.tree), 1, 2)
  for (let ticks = 0; ticks <= LIFE_TICKS; ticks++) leader.replica.tick()
  leader.propose()
  assert.equal(leader.proposed.length, 1, 'the new leader had nobody to report it')
  solo.replica.unlead()
  client.write(create('/late', { ephemeral: true }))
  solo.replica.apply(leader.proposed[0]!)
  solo.deliver()
  assert.deepEqual(client.takeStory(), ['goodbye SESSION_EXPIRED'])
})

test('a tree that jumps back sends everybody elsewhere, and shows nobody the past', () => {
  const solo = new Solo()
  const client = solo.join()
  const past = copyTree(solo.replica.tree)
  client.call(create('/a'))
  client.read('exists', '/a', true)
  solo.deliver()
  client.takeStory()
  solo.replica.unlead()
  client.write(create('/b'))
  client.read('exists', '/a')
  solo.replica.replaceTree(past)
  solo.deliver()
  assert.deepEqual(client.takeStory(), ['goodbye SESSION_MOVED'])
  assert.deepEqual(solo.closed, [client.connection])
})

test("a client's nonsense ends that client and nothing else", () => {
  const solo = new Solo()
  const good = solo.join()
  const bad = solo.join()
  bad.call(create('/bad', { ephemeral: true }))
  good.read('exists', '/bad', true)
  solo.deliver()
  good.takeStory()
  solo.replica.receive(bad.connection, Uint8Array.of(1, 2, 3))
  solo.settle()
  assert.deepEqual(solo.closed, [bad.connection])
  assert.deepEqual(good.takeStory(), ['event deleted /bad'])
})

test('all sessions opened by then are closed when no client can come back', () => {
  const solo = new Solo()
  const clients = [solo.join(), solo.join()]
  clients[0]!.call(create('/e', { ephemeral: true }))
  solo.deliver()
  for (const client of clients) client.takeStory()
  const upTo = solo.replica.tree.zxid
  const late = solo.join()
  late.takeStory()
  solo.replica.closeSessions(upTo)
  solo.settle()
  assert.deepEqual(late.takeStory(), [], 'one that came since is not meant')
  solo.replica.closeSessions(solo.replica.tree.zxid)
  solo.settle()
  assert.deepEqual(late.takeStory(), ['goodbye SESSION_EXPIRED'])
  for (const client of clients) assert.deepEqual(client.takeStory(), ['goodbye SESSION_EXPIRED'])
  assert.equal([...solo.replica.tree.sessions()].length, 0)
  assert.equal(solo.replica.tree.nodeCount, 1)
  for (let ticks = 0; ticks <= LIFE_TICKS; ticks++) solo.replica.tick()
  assert.deepEqual(solo.replica.takeGroups(), [], 'none is closed again')
})

test('the list of connected sessions is what the leader is told', () => {
  const solo = new Solo()
  const clients = [solo.join(), solo.join(), solo.join()]
  clients[1]!.send({ kind: 'leave' })
  const from = new ByteReader(solo.replica.connectedSessions())
  const ids: number[] = []
  while (!from.done) ids.push(from.u53())
  assert.deepEqual(ids, [clients[0]!.sessionId, clients[2]!.sessionId])
})
