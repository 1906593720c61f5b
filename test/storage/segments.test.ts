/** The log as a row of segments: what goes, what stays, and what is missed when one is lost or spoilt. */

import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { logKey } from '../../lib/storage/keys.ts'
import { temporaryDirectory } from '../temporary.ts'
import {
  batch,
  copyOf,
  epochs,
  headAt,
  LogMaker,
  openLevel,
  partsOf,
  pointAfter,
  recover,
  session,
  takeSnapshot,
  textsOf,
  withDatabase,
  withLevel,
} from './support.ts'
import { openWatched } from './watched-store.ts'

async function reopen(directory: string): ReturnType<typeof recover> {
  return session(
    () => openLevel(directory),
    async (_, recovered) => recovered,
  )
}

test('a segment goes when no snapshot that is kept needs its log', async t => {
  const { directory, store } = await openWatched(t, { segmentBytes: 0 })
  await recover(store)
  const log = new LogMaker()
  for (let round = 0; round < 6; round++) {
    await store.write(batch({ groups: log.many(2, `round-${round}`) }))
    await takeSnapshot(store, log.point, 'full', `image-${round}`)
  }
  await store.write(batch({ groups: [log.next('last')] }))
  const logStart = { zxid: log.made[9]!.last, chain: log.made[9]!.chain }
  assert.deepEqual(textsOf(await store.loadGroups(logStart, 1e6)), [
    'round-5-0',
    'round-5-1',
    'last',
  ])
  assert.equal(await store.loadGroups(pointAfter(9), 1e6), undefined)
  await store.close()
  assert.equal((await partsOf(directory, 'log')).length, 2)
  const { damage, chunks, groups } = await session(
    () => openLevel(directory),
    async (_, recovered) => recovered,
  )
  assert.deepEqual([damage, chunks], [undefined, ['image-5']])
  assert.deepEqual(textsOf(groups), ['last'])
})

test('a cut reaches back over segments, and what was cut off stays out of sight', async t => {
  const { directory, store } = await openWatched(t, { segmentBytes: 0 })
  await recover(store)
  const log = new LogMaker()
  await store.write(batch({ groups: log.many(4) }))
  const [start, cut] = [pointAfter(1), pointAfter(2)]
  // A segment is left with the commit of a snapshot, whatever is not committed by then.
  await takeSnapshot(store, start, 'full', 'image')
  await store.write(batch({ groups: log.many(1, 'lost too') }))
  await takeSnapshot(store, cut, 'delta', 'a little more')
  await store.write(batch({ groups: log.many(1, 'lost as well') }))
  await store.write(batch({ truncateAfter: cut, epochs: epochs(2, 1) }))
  assert.deepEqual(textsOf(await store.loadGroups(start, 1e6)), ['group-1'])
  assert.deepEqual(await store.loadGroups(cut, 1e6), [])
  const next = new LogMaker(cut)
  await store.write(batch({ groups: [next.next('kept', { epoch: 2 })], epochs: epochs(2) }))
  assert.deepEqual(textsOf(await store.loadGroups(start, 1e6)), ['group-1', 'kept'])
  await store.close()
  await session(
    () => openLevel(directory),
    async (again, { damage, groups }) => {
      assert.deepEqual([damage, textsOf(groups)], [undefined, ['kept']])
      assert.deepEqual(textsOf(await again.loadGroups(start, 1e6)), ['group-1', 'kept'])
    },
  )
})

for (const sync of [true, false]) {
  const title = sync ? 'synced' : 'not synced'
  test(`the log is not kept in one segment by a snapshot that takes long, ${title}`, async t => {
    const { directory, store } = await openWatched(t, { sync, segmentBytesMax: 100 })
    await recover(store)
    const log = new LogMaker()
    await store.write(batch({ groups: log.many(1, 'before') }))
    store.beginSnapshot(headAt(log.point), 'full')
    for (let round = 0; round < 3; round++) {
      await store.write(batch({ groups: log.many(2, `meanwhile-${round}`) }))
      await store.appendSnapshot(Buffer.from(`chunk-${round}`))
    }
    assert.equal((await partsOf(directory, 'log')).length, 4)
    // As in a crash: what was under way is of no use, and nothing of the log is lost.
    const crashed = await reopen(await copyOf(t, directory))
    assert.deepEqual([crashed.damage, crashed.chunks, crashed.groups.length], [undefined, [], 7])

    await store.commitSnapshot()
    assert.equal((await partsOf(directory, 'log')).length, 4)
    await store.write(batch({ groups: log.many(1, 'after') }))
    await store.close()
    const { damage, chunks, groups } = await reopen(directory)
    assert.deepEqual([damage, chunks], [undefined, ['chunk-0', 'chunk-1', 'chunk-2']])
    assert.deepEqual([groups.length, textsOf(groups)?.at(-1)], [7, 'after-0'])
  })
}

test('nothing is purged amid a snapshot: where the log begins is told at its end', async t => {
  const directory = await temporaryDirectory(t)
  const options = { snapshotsKept: 2, segmentBytes: 0, segmentBytesMax: 100 }
  await session(
    () => openLevel(directory, options),
    async store => {
      const log = new LogMaker()
      await store.write(batch({ groups: log.many(2, 'first') }))
      const { point } = log
      await takeSnapshot(store, point, 'full', 'image-first')
      const reader = await store.openSnapshot()
      for (const name of ['second', 'third']) {
        await store.write(batch({ groups: log.many(2, name) }))
        await takeSnapshot(store, log.point, 'full', `image-${name}`)
      }
      store.beginSnapshot(headAt(log.point), 'full')
      // Kept so far because it was read.
      reader!.close()
      await store.write(batch({ groups: log.many(2, 'fourth') }))
      await store.appendSnapshot(Buffer.from('chunk'))
      assert.equal(textsOf(await store.loadGroups(point, 1e6))?.[0], 'second-0')
      assert.ok((await store.commitSnapshot()).zxid > point.zxid)
      assert.equal(await store.loadGroups(point, 1e6), undefined)
    },
  )
})

/**
 * Segments of two groups, each left with a snapshot; the first one is gone, since nothing needs it, and the last one
 * has one group.
 */
async function makeSegments(
  t: TestContext,
  kinds: readonly ('full' | 'delta')[],
): Promise<{ directory: string; log: LogMaker; segments: readonly string[] }> {
  const directory = await temporaryDirectory(t)
  const log = new LogMaker()
  await session(
    () => openLevel(directory, { segmentBytes: 0, snapshotsKept: 9 }),
    async store => {
      for (const [at, kind] of kinds.entries()) {
        await store.write(batch({ groups: log.many(2, `before-${at}`) }))
        await takeSnapshot(store, log.point, kind, `${kind}-${at}`)
      }
      await store.write(batch({ groups: [log.next('last')] }))
    },
  )
  const segments = await partsOf(directory, 'log')
  assert.equal(segments.length, kinds.length)
  return { directory, log, segments }
}

test('a segment or a snapshot that is lost is passed over while it is not needed', async t => {
  const { directory, segments } = await makeSegments(t, ['full', 'delta', 'delta'])
  await rm(segments[0]!, { recursive: true })
  const whole = await reopen(directory)
  assert.deepEqual([whole.damage, whole.chunks.length], [undefined, 3])
  const snapshots = await partsOf(directory, 'snapshot')
  await rm(snapshots[2]!, { recursive: true })
  const recovered = await reopen(directory)
  assert.equal(recovered.damage, undefined)
  assert.deepEqual(recovered.chunks, ['full-0', 'delta-1'])
  assert.deepEqual(textsOf(recovered.groups), ['before-2-0', 'before-2-1', 'last'])
  assert.match(recovered.findings.join(), /snapshot 3 at .* directory is missing/)
})

test('a segment lost in the middle of the log is damage', async t => {
  const { directory, segments } = await makeSegments(t, ['full', 'full', 'full'])
  for (const snapshot of (await partsOf(directory, 'snapshot')).slice(1)) {
    await rm(snapshot, { recursive: true })
  }
  await rm(segments[0]!, { recursive: true })
  const recovered = await reopen(directory)
  assert.match(recovered.damage ?? '', /hole after 0x100000002: next comes 0x100000005/)
  assert.deepEqual([recovered.chunks, recovered.groups], [['full-0'], []])
})

test('a segment that LevelDB cannot open is damage where it is needed', async t => {
  const { directory, segments } = await makeSegments(t, ['full', 'full', 'full'])
  await writeFile(join(segments[1]!, 'CURRENT'), 'MANIFEST-999999\n')
  const whole = await reopen(directory)
  assert.deepEqual([whole.damage, whole.chunks], [undefined, ['full-2']])
  await rm((await partsOf(directory, 'snapshot'))[2]!, { recursive: true })
  const recovered = await reopen(directory)
  assert.match(recovered.damage ?? '', /after 0x100000004 cannot be read/)
  assert.deepEqual(recovered.chunks, ['full-1'])
})

test('the end of a segment that was left long ago is missed', async t => {
  const { directory, log, segments } = await makeSegments(t, ['full', 'full'])
  await rm((await partsOf(directory, 'snapshot'))[1]!, { recursive: true })
  await withLevel(segments[0]!, database => database.del(logKey(log.made[3]!.first)))
  await withDatabase(directory, database => database.del(logKey(log.made[4]!.first)))
  await rm(join(directory, 'quorumtree.tail'))
  assert.match((await reopen(directory)).damage ?? '', /ends at 0x100000003, though|cannot be used/)
})

test('the last segment lost is never a fresh start', async t => {
  const { directory, segments } = await makeSegments(t, ['full', 'full'])
  await rm(segments[1]!, { recursive: true })
  await assert.rejects(openLevel(directory), { code: 'DIRECTORY_DAMAGED', path: directory })
})
