/** Each step of a store has its failpoint, told from the records that are written: what is not named is not tested. */

import assert from 'node:assert/strict'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { pointOf } from '../../lib/base/group.ts'
import type { Store } from '../../lib/storage/store.ts'
import {
  batch,
  epochs,
  headAt,
  LogMaker,
  SID,
  takeSnapshot,
  temporaryDirectory,
} from '../storage/support.ts'
import { Failpoints } from './failpoints.ts'
import { openWatched } from './open-watched.ts'
import { STORE_POINTS } from './points.ts'
import { spoil } from './spoil.ts'

/** Opens, recovers, uses and closes a store; returns the points that were passed, without repetition. */
async function pointsOf(place: string, use: (store: Store) => Promise<unknown>): Promise<string[]> {
  const passages = join(place, 'passages')
  const failpoints = new Failpoints(passages, SID, undefined)
  const options = { sid: SID, dataDir: join(place, 'peer'), snapshotsKept: 2 } as const
  const store = await openWatched({ ...options, durability: 'process' }, failpoints, false)
  await store.recover(() => undefined)
  await use(store)
  await store.close()
  const lines = (await readFile(passages, 'utf8')).trim().split('\n')
  await rm(passages)
  return lines
    .map(line => line.replace(/^pass /, ''))
    .filter((name, at, all) => name !== all[at - 1])
}

test('the steps of a store are told apart', async t => {
  const place = await temporaryDirectory(t)
  const log = new LogMaker()
  const passed = new Set<string>()
  const expect = async (
    use: (store: Store) => Promise<unknown>,
    ...expected: readonly string[]
  ): Promise<void> => {
    const points = await pointsOf(place, use)
    assert.deepEqual(points, expected)
    for (const point of points) passed.add(point)
  }

  await expect(async () => undefined, 'open', 'first record', 'recover', 'close')
  await expect(
    async store => {
      await store.write(batch({ epochs: epochs(1, 0) }))
      await store.write(batch({ groups: log.many(2) }))
      await store.write(batch({ groups: log.many(2) }))
    },
    ...['open', 'recover', 'promise', 'epoch', 'groups', 'close'],
  )
  const own = ['own begin', 'own chunk', 'own head']
  await expect(
    async store => {
      for (const text of ['one', 'two', 'three']) {
        await takeSnapshot(store, log.point, 'full', text)
        await store.write(batch({ groups: log.many(1) }))
      }
    },
    ...['open', 'recover', ...own, 'groups', ...own, 'purge', 'clear log', 'groups'],
    ...[...own, 'purge', 'clear chunks', 'clear log', 'groups', 'close'],
  )
  await expect(
    store => store.write(batch({ truncateAfter: log.made.at(-2) && pointOf(log.made.at(-2)!) })),
    ...['open', 'recover', 'truncation', 'close'],
  )
  assert.ok(await spoil(join(place, 'peer'), 'chunk'))
  await expect(
    store => store.write(batch({ groups: new LogMaker(pointOf(log.made.at(-2)!)).many(4) })),
    ...['open', 'recover', 'useless heads', 'clear chunks', 'groups', 'close'],
  )
  assert.ok(await spoil(join(place, 'peer'), 'group'))
  await expect(
    async store => {
      await store.write(batch({ epochs: epochs(2, 1) }))
      await store.stage(Buffer.from('chunk'))
      const install = headAt(log.point)
      await store.write(batch({ epochs: epochs(2), install, committed: install.point.zxid }))
    },
    ...['open', 'recover', 'damage', 'staged chunk', 'install', 'close'],
  )
  assert.deepEqual(
    STORE_POINTS.filter(name => !passed.has(name)),
    [],
  )
})
