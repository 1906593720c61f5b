import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Acl, PERMISSIONS } from '../../lib/base/acl.ts'
import {
  GROUP_BYTES_MAX,
  PARENTS_MAX,
  SEQUENCE_MAX,
  SESSION_TIMEOUT_MS_MAX,
  SESSION_TIMEOUT_MS_MIN,
} from '../../lib/base/limits.ts'
import { COUNTER_MAX, makeEpoch, makeZxid } from '../../lib/base/zxid.ts'
import { nextVersion } from '../../lib/replica/resolve.ts'
import { decodePayload } from '../support/payload.ts'
import { Bench, encode, LIFE_TICKS, OWNER } from './bench.ts'
import {
  CLOSE,
  create,
  DATA_BYTES_MAX,
  PASSWORD,
  path,
  remove,
  Solo,
  SYNC,
  set,
} from './support.ts'

function allBut(permission: number): Acl {
  return [{ permissions: PERMISSIONS.ALL & ~permission, scheme: 'world', id: 'anyone' }]
}

test('create is checked in the order of ZooKeeper', () => {
  const session = new Bench().open()
  assert.equal(session.ask(create('/a/b')), 'NO_NODE')
  assert.equal(
    session.ask(create('/closed', { acl: allBut(PERMISSIONS.CREATE) })),
    'create /closed',
  )
  assert.equal(session.ask(create('/closed/a')), 'NO_AUTH')
  assert.equal(session.ask(create('/closed/a/b/c', { parents: true })), 'NO_AUTH')
  assert.equal(session.ask(create('/e', { ephemeral: true })), 'create /e')
  assert.equal(session.ask(create('/e')), 'NODE_EXISTS')
  assert.equal(session.ask(create('/')), 'NODE_EXISTS')
  assert.equal(session.ask(create('/e/a')), 'NO_CHILDREN_FOR_EPHEMERALS')
  assert.equal(session.ask(create('/e/a/b', { parents: true })), 'NO_CHILDREN_FOR_EPHEMERALS')
  const tooLarge = new Uint8Array(DATA_BYTES_MAX + 1)
  assert.equal(session.ask(create('/x/y', { data: tooLarge })), 'DATA_TOO_LARGE')
  assert.equal(session.ask(create('/p/q/r', { parents: true })), 'create /p/q/r')
  assert.equal(session.ask(create('/p/q/s', { parents: true })), 'create /p/q/s')
  assert.equal(session.ask(create('/p/q', { parents: true })), 'NODE_EXISTS')
  session.bench.apply()
})

test('a create makes so many ancestors that are missing, and no more', () => {
  const session = new Bench().open()
  const deep = (nodes: number): string => '/d'.repeat(nodes)
  const parents = true
  assert.equal(session.ask(create(deep(PARENTS_MAX + 2), { parents })), 'BAD_ARGUMENTS')
  assert.equal(session.ask(create(deep(PARENTS_MAX + 2))), 'NO_NODE')
  const last = deep(PARENTS_MAX + 1)
  assert.equal(session.ask(create(last, { parents })), `create ${last}`)
  const further = last + last
  assert.equal(session.ask(create(further, { parents })), `create ${further}`)
  session.bench.apply()
})

test('sequential names count creations under the parent, pending ones too', () => {
  const bench = new Bench()
  const session = bench.open()
  const sequential = (at: string): string => session.ask(create(at, { sequential: true }))
  assert.equal(session.ask(create('/q')), 'create /q')
  assert.equal(sequential('/q/n-'), 'create /q/n-0000000000')
  assert.equal(session.ask(remove('/q/n-0000000000')), 'delete /q/n-0000000000')
  assert.equal(sequential('/q/n-'), 'create /q/n-0000000001')
  assert.equal(sequential('/q/'), 'create /q/0000000002')
  assert.equal(sequential('/'), 'create /0000000001')
  assert.equal(session.ask(remove('/q/n-0000000001')), 'delete /q/n-0000000001')
  assert.equal(session.ask(remove('/q/0000000002')), 'delete /q/0000000002')
  assert.equal(session.ask(remove('/q')), 'delete /q')
  const parents = create('/q/n-', { sequential: true, parents: true })
  assert.equal(session.ask(parents), 'create /q/n-0000000000')
  bench.apply()
  assert.equal(sequential('/q/n-'), 'create /q/n-0000000001')
})

test('the sequence ends at the last number ZooKeeper can count', () => {
  const bench = new Bench()
  const session = bench.open()
  session.ask(create('/q'))
  bench.apply()
  const node = bench.tree.node(path('/q')) as { creates: number }
  const sequential = create('/q/n-', { sequential: true })
  node.creates = SEQUENCE_MAX
  assert.equal(session.ask(sequential), `create /q/n-${SEQUENCE_MAX}`)
  assert.equal(session.ask(sequential), 'BAD_ARGUMENTS')
  assert.equal(session.ask(create('/q/named')), 'create /q/named')
})

test('delete is checked in the order of ZooKeeper', () => {
  const session = new Bench().open()
  assert.equal(session.ask(remove('/')), 'BAD_ARGUMENTS')
  assert.equal(session.ask(remove('/a/b')), 'NO_NODE')
  assert.equal(session.ask(remove('/a')), 'NO_NODE')
  session.ask(create('/kept', { acl: allBut(PERMISSIONS.DELETE) }))
  session.ask(create('/kept/a'))
  assert.equal(session.ask(remove('/kept/a')), 'NO_AUTH')
  assert.equal(session.ask(remove('/kept/b')), 'NO_AUTH')
  assert.equal(session.ask(remove('/kept', 7)), 'BAD_VERSION')
  assert.equal(session.ask(remove('/kept', 0)), 'NOT_EMPTY')
  session.ask(create('/b'))
  assert.equal(session.ask(remove('/b', 0)), 'delete /b')
  assert.equal(session.ask(remove('/b', 0)), 'NO_NODE')
  session.bench.apply()
})

test('set is checked in the order of ZooKeeper', () => {
  const session = new Bench().open()
  assert.equal(session.ask(set('/a', 'x')), 'NO_NODE')
  session.ask(create('/fixed', { acl: allBut(PERMISSIONS.WRITE) }))
  assert.equal(session.ask(set('/fixed', 'x', 7)), 'NO_AUTH')
  session.ask(create('/a'))
  assert.equal(session.ask(set('/a', 'x', 1)), 'BAD_VERSION')
  assert.equal(session.ask(set('/a', 'x', 0)), 'set /a')
  assert.equal(session.ask(set('/a', 'x', 1)), 'set /a')
  assert.equal(session.ask(set('/a', 'x'.repeat(DATA_BYTES_MAX + 1))), 'DATA_TOO_LARGE')
  assert.equal(session.ask(set('/', 'x')), 'set /')
  assert.equal(session.ask(SYNC), 'sync')
  session.bench.apply()
})

test('versions skip the number that stands for any version', () => {
  assert.equal(nextVersion(0), 1)
  assert.equal(nextVersion(0x7fffffff), -0x80000000)
  assert.equal(nextVersion(-2), 0)
})

test('only the next write of a living session is prepared', () => {
  const bench = new Bench()
  const session = bench.open()
  const [first, second, third] = [create('/a'), create('/b'), create('/c')].map(request =>
    session.submission(request),
  )
  assert.equal(bench.prepare(first!, third!, first!).length, 1)
  assert.equal(bench.prepare(second!).length, 1)
  bench.apply()
  assert.equal(bench.prepare(first!, second!).length, 0)
  assert.equal(bench.prepare(third!).length, 1)
  assert.equal(session.ask(CLOSE), 'close')
  const late = create('/late', { ephemeral: true })
  assert.equal(bench.prepare(session.submission(late)).length, 0)
  bench.apply()
  assert.equal(bench.prepare(session.submission(late)).length, 0)
  assert.equal(bench.preparer.pending, 0)
})

test('a close deletes the ephemeral nodes its session will have, no others', () => {
  const bench = new Bench()
  const one = bench.open(1)
  const other = bench.open(2)
  const ephemeral = { ephemeral: true }
  for (const at of ['/applied', '/deleted', '/retaken']) one.ask(create(at, ephemeral))
  bench.apply()
  one.ask(create('/pending', ephemeral))
  one.ask(create('/brief', ephemeral))
  one.ask(remove('/brief'))
  one.ask(remove('/applied'))
  one.ask(create('/applied', ephemeral))
  other.ask(remove('/deleted'))
  other.ask(remove('/retaken'))
  other.ask(create('/retaken', ephemeral))
  const [close] = bench.prepare(one.submission(CLOSE))
  assert(close?.body.type === 'close')
  assert.deepEqual([...close.body.ephemerals].sort(), ['/applied', '/pending'])
  bench.apply()
  assert.deepEqual(bench.tree.node(path('/'))!.childNames(), ['retaken'])
})

test('an expired session is closed before anything else is prepared', () => {
  const bench = new Bench()
  const session = bench.open()
  bench.apply()
  for (let ticks = 0; ticks <= LIFE_TICKS; ticks++) bench.preparer.tick()
  const { id } = session
  const txns = bench.prepare(
    session.submission(create('/late', { ephemeral: true })),
    { kind: 'attach', owner: OWNER, connection: 2, sessionId: id, password: PASSWORD },
    { kind: 'abandon', owner: OWNER, connection: 1, sessionId: id },
  )
  assert.deepEqual(
    txns.map(({ body, cxid }) => [body.type, cxid]),
    [
      ['close', 0],
      ['attach', 0],
    ],
  )
  assert.equal(txns[1]?.body.type === 'attach' && txns[1].body.granted, false)
  bench.apply()
})

test('an attach gives a session its full time-out again', () => {
  const bench = new Bench()
  const { id } = bench.open()
  for (let ticks = 0; ticks < LIFE_TICKS; ticks++) bench.preparer.tick()
  bench.prepare({
    kind: 'attach',
    owner: OWNER,
    connection: 2,
    sessionId: id,
    password: PASSWORD,
  })
  for (let ticks = 0; ticks < LIFE_TICKS; ticks++) bench.preparer.tick()
  assert.equal(bench.collect().length, 0)
  bench.preparer.tick()
  assert.equal(bench.collect().length, 1)
})

test('time-outs are kept within bounds', () => {
  const bench = new Bench()
  const open = { kind: 'open', owner: OWNER, connection: 1, password: PASSWORD } as const
  const txns = bench.prepare({ ...open, timeoutMs: 1 }, { ...open, timeoutMs: 2 ** 31 })
  assert.deepEqual(
    txns.map(({ body }) => body.type === 'open' && body.timeoutMs),
    [SESSION_TIMEOUT_MS_MIN, SESSION_TIMEOUT_MS_MAX],
  )
})

test('an expiry needs no submission to be proposed', () => {
  const bench = new Bench()
  bench.open()
  for (let ticks = 0; ticks <= LIFE_TICKS; ticks++) bench.preparer.tick()
  assert.deepEqual(
    bench.collect().map(({ body }) => body.type),
    ['close'],
  )
})

test('only the connection that holds a session can abandon it', () => {
  const bench = new Bench()
  const session = bench.open(1)
  const about = { owner: OWNER, sessionId: session.id }
  assert.equal(bench.prepare({ kind: 'abandon', connection: 2, ...about }).length, 0)
  bench.prepare({ kind: 'attach', connection: 2, password: PASSWORD, ...about })
  assert.equal(bench.prepare({ kind: 'abandon', connection: 1, ...about }).length, 0)
  assert.equal(bench.prepare({ kind: 'abandon', connection: 2, ...about }).length, 1)
  bench.apply()
})

test('groups are closed when they grow large, in order', () => {
  const bench = new Bench()
  const session = bench.open()
  bench.collect()
  const data = new Uint8Array(DATA_BYTES_MAX)
  const needed = Math.ceil((2.5 * GROUP_BYTES_MAX) / DATA_BYTES_MAX)
  const submissions = Array.from({ length: needed }, (_, n) =>
    session.submission(create(`/n${n}`, { data })),
  )
  bench.preparer.prepare(encode(submissions), 5)
  const groups = bench.preparer.takeGroups()
  assert.equal(groups.length, 3)
  assert.equal(
    groups.reduce((sum, { count }) => sum + count, 0),
    needed,
  )
  const names = groups.flatMap(({ payload }) =>
    decodePayload(payload).txns.map(({ body }) => 'path' in body && body.path),
  )
  assert.deepEqual(
    names,
    submissions.map((_, n) => `/n${n}`),
  )
  assert.deepEqual(bench.preparer.takeGroups(), [])
})

test('when the counter of the epoch is used up nothing more is prepared', () => {
  const bench = new Bench(makeZxid(makeEpoch(3), COUNTER_MAX - 2))
  const session = bench.open()
  assert.equal(session.ask(create('/a')), 'create /a')
  assert.equal(bench.prepare(session.submission(create('/b'))).length, 0)
})

test('facts of the clock come from the group, the same for the leader and everybody', () => {
  const solo = new Solo()
  const client = solo.join()
  client.write(create('/a'), 1)
  solo.replica.prepare(solo.replica.takeSubmissions()!, 5_000)
  client.write(create('/b'), 2)
  solo.replica.prepare(solo.replica.takeSubmissions()!, 6_000)
  solo.settle()
  assert.equal(solo.replica.tree.node(path('/a'))?.ctime, 5_000)
  assert.equal(solo.replica.tree.node(path('/b'))?.ctime, 5_000, 'one reading for the group')
})
