/** Each step of a store has its failpoint, told from the records that are written: what is not named is not tested. */

import assert from 'node:assert/strict'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { type LogPoint, pointOf } from '../../lib/base/group.ts'
import { readIdentity } from '../../lib/storage/directory.ts'
import type { Store } from '../../lib/storage/store.ts'
import { batch, epochs, headAt, LogMaker, NO_IMAGE, SID, takeSnapshot } from '../storage/support.ts'
import { temporaryDirectory } from '../temporary.ts'
import { Failpoints } from './failpoints.ts'
import { openWatched } from './open-watched.ts'
import { STORE_POINTS } from './points.ts'
import { spoil } from './spoil.ts'

/** Opens, recovers, uses and closes a store; returns the points that were passed, without repetition. */
async function pointsOf(
  place: string,
  use: (store: Store) => Promise<unknown>,
  segmentBytes: number,
): Promise<string[]> {
  const passages = join(place, 'passages')
  const failpoints = new Failpoints(passages, SID, undefined)
  const options = {
    sid: SID,
    dataDir: join(place, 'peer'),
    snapshotsKept: 2,
    segmentBytes,
  } as const
  const store = await openWatched({ ...options, durability: 'power' }, failpoints, false)
  await store.recover(NO_IMAGE)
  await use(store)
  await store.close()
  const lines = (await readFile(passages, 'utf8')).trim().split('\n')
  await rm(passages)
  return lines
    .map(line => line.replace(/^pass /, ''))
    .filter((name, at, all) => name !== all[at - 1])
}

const MIB = 1024 * 1024

test('the steps of a store are told apart', async t => {
  const place = await temporaryDirectory(t)
  const log = new LogMaker()
  const passed = new Set<string>()
  const expect = async (
    use: (store: Store) => Promise<unknown>,
    expected: readonly string[],
    segmentBytes = MIB,
  ): Promise<void> => {
    const points = await pointsOf(place, use, segmentBytes)
    const opening = ['open segment', 'recover']
    if (!passed.has('first record')) opening.splice(1, 0, 'first record')
    assert.deepEqual(points, [...opening, ...expected])
    for (const point of points) passed.add(point)
  }
  const read = ['open snapshot', 'close snapshot']
  const own = ['own begin', 'open snapshot', 'own chunk', 'close snapshot', 'own head']
  const snapshots =
    (...texts: readonly string[]) =>
    async (store: Store) => {
      for (const text of texts) {
        await takeSnapshot(store, log.point, 'full', text)
        await store.write(batch({ groups: log.many(1) }))
      }
    }

  await expect(async () => undefined, ['close segment'])
  await expect(
    async store => {
      await store.write(batch({ epochs: epochs(1, 0) }))
      await store.write(batch({ groups: log.many(2) }))
      await store.write(batch({ groups: log.many(2) }))
    },
    ['promise', 'epoch', 'groups', 'close segment'],
  )
  await expect(snapshots('one', 'two', 'three'), [
    ...[...own, 'groups', ...own, 'purge', 'groups', ...own, 'purge', 'groups'],
    'close segment',
  ])
  await expect(
    store => store.write(batch({ truncateAfter: pointOf(log.made.at(-2)!) })),
    ['truncation', 'close segment'],
  )
  log.made.pop()
  log.point = pointOf(log.made.at(-1)!)
  assert.ok(await spoil(join(place, 'peer'), 'chunk'))
  await expect(
    store => store.write(batch({ groups: log.many(4) })),
    [...read, 'useless heads', 'groups', 'close segment'],
  )
  assert.ok(await spoil(join(place, 'peer'), 'group'))
  await expect(
    async store => {
      await store.write(batch({ epochs: epochs(2, 1) }))
      await store.stage(Buffer.from('chunk'))
      const install = headAt(log.point)
      await store.write(batch({ epochs: epochs(2), install, committed: install.point.zxid }))
    },
    [
      'damage',
      'open snapshot',
      'staged chunk',
      'close snapshot',
      'open segment',
      'install',
      'close segment',
    ],
  )
  assert.deepEqual(
    STORE_POINTS.filter(name => !passed.has(name)),
    ['switch'],
  )
})

test('it is told why a segment of the log is left', async t => {
  const place = await temporaryDirectory(t)
  const log = new LogMaker()
  /** Steps that write to the log, and the number of the last segment after them. */
  const expect = async (
    use: (store: Store) => Promise<unknown>,
    ...expected: readonly (string | number | undefined)[]
  ): Promise<void> => {
    const points = await pointsOf(place, use, 1)
    const steps = points.filter(name => !/^(?:open|close|own) |^recover$/.test(name))
    assert.deepEqual([...steps, (await readIdentity(join(place, 'peer')))?.segment], expected)
  }
  const pointAt = (count: number): LogPoint => pointOf(log.made[count - 1]!)

  await expect(
    async store => {
      await store.write(batch({ groups: log.many(4) }))
      await takeSnapshot(store, pointAt(1), 'full', 'one')
      await store.write(batch({ groups: log.many(4) }))
    },
    ...['first record', 'epoch', 'switch', 'groups', 2],
  )
  await expect(store => store.write(batch({ truncateAfter: pointAt(7) })), 'truncation', 2)
  await expect(store => store.write(batch({ truncateAfter: pointAt(3) })), 'truncation', 3)
  await expect(
    async store => {
      await store.write(batch({ groups: new LogMaker(pointAt(3)).many(1) }))
      await takeSnapshot(store, pointAt(2), 'full', 'two')
      const truncateAfter = pointAt(2)
      await store.write(batch({ truncateAfter, groups: new LogMaker(truncateAfter).many(9) }))
    },
    ...['groups', 'switch', 'truncation', 5],
  )
  const end = new LogMaker(pointAt(2))
  end.many(9)
  await expect(
    async store => {
      await store.write(batch({ groups: end.many(1) }))
      await takeSnapshot(store, pointAt(2), 'full', 'three')
      await store.write(batch({ groups: end.many(2) }))
    },
    ...['groups', 'switch', 'groups', 6],
  )
  // The last segment has too few groups for that.
  assert.ok(await spoil(join(place, 'peer'), 'group'))
  await expect(store => store.write(batch({ epochs: epochs(2) })), 'damage', 7)
})
