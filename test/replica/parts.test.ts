import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SessionId, Zxid } from '../../lib/base/zxid.ts'
import { Overlay } from '../../lib/replica/overlay.ts'
import { SessionTracker } from '../../lib/replica/tracker.ts'
import { Watches } from '../../lib/replica/watches.ts'
import { path } from './support.ts'

const id = (value: number): SessionId => value as SessionId
const zxid = (value: number): Zxid => value as Zxid

test('a session expires a tick after its time-out, counted from when it was last seen', () => {
  const tracker = new SessionTracker(50)
  tracker.add(id(1), 100)
  tracker.add(id(2), 101)
  assert.deepEqual(tracker.tick(), [])
  tracker.touch(id(1))
  tracker.touch(id(99))
  assert.deepEqual(tracker.tick(), [])
  assert.deepEqual(tracker.tick(), [])
  assert.deepEqual(new Set(tracker.tick()), new Set([id(1), id(2)]))
  assert.equal(tracker.size, 0)
})

test('a session that is removed does not expire', () => {
  const tracker = new SessionTracker(50)
  tracker.add(id(1), 100)
  tracker.add(id(2), 100)
  tracker.remove(id(1))
  tracker.remove(id(1))
  assert.equal(tracker.size, 1)
  assert.deepEqual([tracker.tick(), tracker.tick(), tracker.tick()], [[], [], [id(2)]])
})

test('an entry goes with its latest change, not with an earlier one', () => {
  const overlay = new Overlay<string, { key: string; changedBy: Zxid }>()
  const entry = { key: 'a', changedBy: zxid(0) }
  overlay.note(entry, zxid(1))
  overlay.note(entry, zxid(1))
  overlay.note({ key: 'b', changedBy: zxid(0) }, zxid(2))
  overlay.note(entry, zxid(3))
  overlay.settle(zxid(2))
  assert.equal(overlay.get('a'), entry)
  assert.equal(overlay.get('b'), undefined)
  assert.throws(() => overlay.note(entry, zxid(2)), /in order/)
  overlay.settle(zxid(9))
  assert.equal(overlay.size, 0)
})

test('keys that come and go leave nothing behind, however many they are', () => {
  const overlay = new Overlay<number, { key: number; changedBy: Zxid }>()
  const [keys, underWay] = [20_000, 300]
  const gone: number[] = []
  const entryOf = (key: number) => ({ key, changedBy: zxid(0) })
  for (let at = 1; at <= 3 * keys; at++) {
    const key = at % keys
    assert.equal(overlay.get(key), undefined)
    const entry = entryOf(key)
    overlay.note(entry, zxid(at))
    assert.equal(overlay.get(key), entry)
    overlay.settle(zxid(at - underWay), ({ key }) => gone.push(key))
    assert.equal(overlay.size, Math.min(at, underWay))
  }
  assert.deepEqual(
    gone,
    Array.from({ length: 3 * keys - underWay }, (_, at) => (at + 1) % keys),
  )
  assert.throws(() => overlay.note(entryOf(0), zxid(3 * keys + 1)), /one entry stands for a key/)
})

test('watches fire once, for each watcher of the path', () => {
  const watches = new Watches<{ name: string }>()
  const [one, two] = [{ name: 'one' }, { name: 'two' }]
  watches.watchNode(path('/a'), one)
  watches.watchNode(path('/a'), one)
  watches.watchNode(path('/a'), two)
  watches.watchChildren(path('/a'), one)
  watches.watchChildren(path('/b'), two)
  assert.deepEqual([...watches.fire('childrenChanged', path('/b'))], [two])
  assert.deepEqual([...watches.fire('created', path('/b'))], [])
  assert.deepEqual([...watches.fire('deleted', path('/a'))], [one, two])
  assert.deepEqual([...watches.fire('deleted', path('/a'))], [])
  assert.equal(watches.size, 0)
})

test('a watcher that goes leaves the watches of others', () => {
  const watches = new Watches<{ name: string }>()
  const [one, two] = [{ name: 'one' }, { name: 'two' }]
  for (const watcher of [one, two]) {
    watches.watchNode(path('/a'), watcher)
    watches.watchChildren(path('/b'), watcher)
  }
  watches.watchNode(path('/c'), one)
  const { onNode, onChildren } = watches.drop(one)
  assert.deepEqual([...onNode], ['/a', '/c'])
  assert.deepEqual([...onChildren], ['/b'])
  assert.deepEqual([...watches.fire('dataChanged', path('/a'))], [two])
  assert.deepEqual([...watches.fire('childrenChanged', path('/b'))], [two])
  assert.equal(watches.size, 0)
})
