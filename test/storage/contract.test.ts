/** What every store does, on disk or in memory. */

import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { TreeError } from '../../lib/base/errors.ts'
import { LOG_START } from '../../lib/base/group.ts'
import { temporaryDirectory } from '../temporary.ts'
import { openFiles } from './open-files.ts'
import {
  batch,
  epochs,
  headAt,
  LogMaker,
  levelOpener,
  memoryOpener,
  NO_IMAGE,
  type Opener,
  pointAfter,
  readSnapshot,
  session,
  takeSnapshot,
  textOf,
  textsOf,
} from './support.ts'

const SUBJECTS: Record<string, (t: TestContext) => Promise<Opener>> = {
  LevelStore: async t => levelOpener(await temporaryDirectory(t), 'power'),
  JournaledStore: async t => levelOpener(await temporaryDirectory(t), 'process'),
  MemoryStore: async () => memoryOpener(),
}

for (const [name, makeOpener] of Object.entries(SUBJECTS)) {
  describe(name, () => {
    describeLog(makeOpener)
    describeSnapshots(makeOpener)
    describeInstall(makeOpener)
    describeEnd(makeOpener)
  })
}

function describeLog(makeOpener: (t: TestContext) => Promise<Opener>): void {
  test('a new store is fresh', async t => {
    await session(await makeOpener(t), async (store, recovered) => {
      assert.equal(recovered.fresh, true)
      assert.equal(recovered.damage, undefined)
      assert.equal(recovered.snapshot, undefined)
      assert.deepEqual(recovered.epochs, epochs(0))
      assert.deepEqual(recovered.logStart, LOG_START)
      assert.deepEqual([recovered.groups, recovered.epochEnds, recovered.committed], [[], [], 0])
      assert.deepEqual(await store.loadGroups(LOG_START, 1), [])
      assert.equal(await store.openSnapshot(), undefined)
      assert.equal(store.newestChain(), undefined)
    })
  })

  test('a promise alone is kept and makes it no longer fresh', async t => {
    const open = await makeOpener(t)
    await session(open, store => store.write(batch({ epochs: epochs(3, 0) })))
    await session(open, async (_, recovered) => {
      assert.equal(recovered.fresh, false)
      assert.deepEqual(recovered.epochs, epochs(3, 0))
    })
  })

  test('groups come back as they were written, with ends of epochs', async t => {
    const open = await makeOpener(t)
    const log = new LogMaker()
    await session(open, async store => {
      await store.write(batch({ groups: [log.next('a', { txns: 3 }), log.next('b')] }))
      const committed = log.point.zxid
      await store.write(
        batch({ groups: [log.next('c', { epoch: 2 })], epochs: epochs(2), committed }),
      )
    })
    const points = log.made.map(({ last, chain }) => ({ zxid: last, chain }))
    await session(open, async (_, recovered) => {
      assert.deepEqual(
        recovered.groups.map(group => ({ ...group, payload: textOf(group.payload) })),
        log.made.map(group => ({ ...group, payload: textOf(group.payload) })),
      )
      assert.equal(recovered.committed, points[1]!.zxid)
      assert.deepEqual(recovered.epochEnds, [points[1], points[2]])
      assert.deepEqual(recovered.epochs, epochs(2))
      assert.equal(recovered.fresh, false)
    })
  })

  test('a commit known beyond the log ends with the log', async t => {
    const open = await makeOpener(t)
    const log = new LogMaker()
    const [first, second] = log.many(2)
    await session(open, store => store.write(batch({ groups: [first!], committed: second!.last })))
    await session(open, async (_, { committed }) => assert.equal(committed, first!.last))
  })

  test('a log is cut, and goes on differently, in one write', async t => {
    const open = await makeOpener(t)
    const log = new LogMaker()
    const groups = log.many(5)
    const cut = { zxid: groups[1]!.last, chain: groups[1]!.chain }
    const other = new LogMaker(cut)
    await session(open, async store => {
      await store.write(batch({ groups }))
      await store.write(
        batch({
          truncateAfter: cut,
          groups: [other.next('other', { epoch: 4 })],
          epochs: epochs(4),
        }),
      )
      assert.deepEqual(textsOf(await store.loadGroups(LOG_START, 1e6)), [
        'group-0',
        'group-1',
        'other',
      ])
    })
    await session(open, async (_, recovered) => {
      assert.deepEqual(textsOf(recovered.groups), ['group-0', 'group-1', 'other'])
      assert.deepEqual(recovered.epochEnds, [cut, other.point])
      assert.equal(recovered.damage, undefined)
    })
  })

  test('a log can be cut to nothing', async t => {
    const open = await makeOpener(t)
    await session(open, async store => {
      await store.write(batch({ groups: new LogMaker().many(3) }))
      await store.write(batch({ truncateAfter: LOG_START }))
    })
    await session(open, async (_, { groups, damage }) =>
      assert.deepEqual([groups, damage], [[], undefined]),
    )
  })

  test('what does not follow is refused', async t => {
    const open = await makeOpener(t)
    await session(open, store => store.write(batch({ epochs: epochs(1) })))
    const log = new LogMaker()
    const [, second] = log.many(2)
    const ahead = new LogMaker().next('ahead', { epoch: 2 })
    const refusals = [
      [{ groups: [second!] }, /follows/],
      [{ groups: [ahead] }, /currentEpoch/],
      [{ truncateAfter: log.point }, /within its length/],
    ] as const
    for (const [parts, why] of refusals) {
      await session(open, store => assert.rejects(store.write(batch(parts)), why))
    }
  })

  test('history is read from any point of the log, and from no other', async t => {
    await session(await makeOpener(t), async store => {
      const log = new LogMaker()
      const groups = log.many(20, 'g', 100)
      await store.write(batch({ groups }))
      const after = { zxid: groups[4]!.last, chain: groups[4]!.chain }
      assert.deepEqual(textsOf(await store.loadGroups(after, 250)), ['g-5', 'g-6', 'g-7'])
      assert.deepEqual(textsOf(await store.loadGroups(after, 1)), ['g-5'])
      assert.equal((await store.loadGroups(after, 1e6))?.length, 15)
      assert.deepEqual(await store.loadGroups(log.point, 1), [])
      assert.equal(await store.loadGroups({ ...after, chain: after.chain ^ 1 }, 1), undefined)
      assert.equal(await store.loadGroups({ ...log.point, chain: 0 }, 1), undefined)
      const ahead = new LogMaker(log.point).next('ahead')
      assert.equal(await store.loadGroups({ zxid: ahead.last, chain: ahead.chain }, 1), undefined)
    })
  })
}

function describeSnapshots(makeOpener: (t: TestContext) => Promise<Opener>): void {
  test('a snapshot stands in for the log before it', async t => {
    const open = await makeOpener(t)
    const log = new LogMaker()
    await session(open, async store => {
      await store.write(batch({ groups: log.many(3) }))
      const { point } = log
      await takeSnapshot(store, point, 'full', 'one', 'two')
      await store.write(batch({ groups: [log.next('later')] }))
      assert.deepEqual(await readSnapshot(store), ['one', 'two'])
    })
    await session(open, async (store, recovered) => {
      assert.deepEqual(recovered.chunks, ['one', 'two'])
      assert.deepEqual(recovered.snapshot, headAt(recovered.snapshot!.point, 7))
      assert.deepEqual(textsOf(recovered.groups), ['later'])
      assert.deepEqual(recovered.epochEnds, [log.point])
      assert.equal(recovered.committed, recovered.snapshot!.point.zxid)
      assert.equal(store.newestChain()?.deltaBytes, 0)
    })
  })

  test('deltas follow their full image, across a restart too', async t => {
    const open = await makeOpener(t)
    const log = new LogMaker()
    await session(open, async store => {
      await store.write(batch({ groups: [log.next('a')] }))
      await takeSnapshot(store, log.point, 'full', 'full-1', 'full-2')
      await store.write(batch({ groups: [log.next('b')] }))
      await takeSnapshot(store, log.point, 'delta', 'delta-1')
    })
    await session(open, async (store, recovered) => {
      assert.deepEqual(recovered.chunks, ['full-1', 'full-2', 'delta-1'])
      await store.write(batch({ groups: [log.next('c')] }))
      await takeSnapshot(store, log.point, 'delta')
      assert.deepEqual(await readSnapshot(store), ['full-1', 'full-2', 'delta-1'])
    })
    await session(open, async (_, recovered) => {
      assert.deepEqual(recovered.chunks, ['full-1', 'full-2', 'delta-1'])
      assert.deepEqual(recovered.snapshot?.point, log.point)
    })
  })

  test('the deltas since the last full image are counted', async t => {
    await session(await makeOpener(t), async store => {
      await takeSnapshot(store, LOG_START, 'full', '12345678')
      await takeSnapshot(store, LOG_START, 'delta', '1234')
      await takeSnapshot(store, LOG_START, 'delta', '5678')
      assert.deepEqual(store.newestChain(), { imageBytes: 8, deltaBytes: 8 })
      await takeSnapshot(store, LOG_START, 'delta', '9')
      assert.deepEqual(store.newestChain(), { imageBytes: 8, deltaBytes: 9 })
      await takeSnapshot(store, LOG_START, 'full', '1')
      assert.deepEqual(store.newestChain(), { imageBytes: 1, deltaBytes: 0 })
    })
  })

  test('a snapshot that was not committed was never there', async t => {
    const open = await makeOpener(t)
    await session(open, async store => {
      store.beginSnapshot(headAt(LOG_START), 'full')
      await store.appendSnapshot(Buffer.from('half'))
      assert.equal(await store.openSnapshot(), undefined)
    })
    await session(open, async (store, recovered) => {
      assert.equal(recovered.snapshot, undefined)
      store.beginSnapshot(headAt(LOG_START), 'full')
      await store.appendSnapshot(Buffer.from('given up'))
      store.abortSnapshot()
      await takeSnapshot(store, LOG_START, 'full', 'whole')
      assert.deepEqual(await readSnapshot(store), ['whole'])
    })
  })

  test('the log begins at the oldest snapshot that is kept', async t => {
    const open = await makeOpener(t)
    const log = new LogMaker()
    const starts: number[] = []
    await session(
      () => open({ snapshotsKept: 2 }),
      async store => {
        for (let round = 0; round < 4; round++) {
          await store.write(batch({ groups: log.many(2, `round-${round}`) }))
          starts.push((await takeSnapshot(store, log.point, 'full', `image-${round}`)).zxid)
        }
        const lasts = [1, 3, 5].map(at => log.made[at]!.last)
        assert.deepEqual(starts, [0, ...lasts])
        assert.equal(await store.loadGroups(LOG_START, 1), undefined)
        const { last, chain } = log.made[5]!
        assert.equal((await store.loadGroups({ zxid: last, chain }, 1e6))?.length, 2)
      },
    )
    await session(open, async (_, recovered) => {
      assert.equal(recovered.logStart.zxid, log.made[5]!.last)
      assert.deepEqual(recovered.chunks, ['image-3'])
    })
  })

  test('what is being read is not purged', async t => {
    const open = await makeOpener(t)
    const log = new LogMaker()
    await session(
      () => open({ snapshotsKept: 2 }),
      async store => {
        await takeSnapshot(store, LOG_START, 'full', 'old-1', 'old-2')
        const reader = await store.openSnapshot()
        for (let round = 0; round < 4; round++) {
          await store.write(batch({ groups: log.many(1) }))
          const logStart = await takeSnapshot(store, log.point, 'full', `new-${round}`)
          assert.deepEqual(logStart, LOG_START, 'the log the reader goes on with stays too')
        }
        const chunks = [await reader!.next(), await reader!.next()]
        assert.deepEqual(
          chunks.map(chunk => textOf(chunk!.bytes)),
          ['old-1', 'old-2'],
        )
        assert.deepEqual(
          chunks.map(chunk => chunk!.last),
          [false, true],
        )
        reader!.close()
        const logStart = await takeSnapshot(store, log.point, 'full', 'last')
        assert.ok(logStart.zxid > 0)
      },
    )
  })
}

function describeInstall(makeOpener: (t: TestContext) => Promise<Opener>): void {
  test("a leader's snapshot takes the place of everything, in one write", async t => {
    const open = await makeOpener(t)
    const own = new LogMaker()
    const leaders = new LogMaker()
    leaders.many(2, 'leader')
    const { point } = leaders
    await session(open, async store => {
      await store.write(batch({ groups: own.many(6, 'own') }))
      await takeSnapshot(store, own.point, 'full', 'own image')
      await store.stage(Buffer.from('installed-1'))
      await store.stage(Buffer.from('installed-2'))
      assert.deepEqual(await readSnapshot(store), ['own image'], 'staged chunks are not seen')
      const groups = leaders.many(2, 'after')
      await store.write(batch({ install: headAt(point, 99), groups, epochs: epochs(5, 5) }))
      assert.equal(await store.loadGroups(LOG_START, 1), undefined)
    })
    await session(open, async (store, recovered) => {
      assert.equal(recovered.damage, undefined)
      assert.deepEqual(recovered.chunks, ['installed-1', 'installed-2'])
      assert.deepEqual(recovered.snapshot, headAt(point, 99))
      assert.deepEqual(textsOf(recovered.groups), ['after-0', 'after-1'])
      assert.deepEqual(recovered.logStart, point)
      assert.deepEqual(recovered.epochs, epochs(5))
      assert.equal((await store.loadGroups(point, 1e6))?.length, 2)
      await takeSnapshot(store, leaders.point, 'delta', 'delta')
    })
    await session(open, async (_, { chunks }) =>
      assert.deepEqual(chunks, ['installed-1', 'installed-2', 'delta']),
    )
  })

  test('chunks need not be awaited before they are installed', async t => {
    const open = await makeOpener(t)
    const point = pointAfter(1)
    await session(open, async store => {
      const staged = ['1', '2', '3'].map(text => store.stage(Buffer.from(text)))
      await store.write(batch({ install: headAt(point) }))
      await Promise.all(staged)
    })
    await session(open, async (_, { chunks }) => assert.deepEqual(chunks, ['1', '2', '3']))
  })

  test('staging that was given up leaves nothing', async t => {
    const open = await makeOpener(t)
    const point = pointAfter(1)
    await session(open, async store => {
      await store.stage(Buffer.from('given up'))
      store.abortStaging()
      await store.stage(Buffer.from('taken'))
      await store.write(batch({ install: headAt(point) }))
    })
    await session(open, async (_, { chunks }) => assert.deepEqual(chunks, ['taken']))
  })

  test('the empty tree is installed without a chunk', async t => {
    const open = await makeOpener(t)
    const leaders = new LogMaker()
    const groups = leaders.many(2, 'leader')
    await session(open, async store => {
      await store.write(batch({ groups: new LogMaker().many(5, 'own') }))
      await store.write(batch({ install: headAt(LOG_START, 0), groups }))
    })
    await session(open, async (_, recovered) => {
      assert.equal(recovered.snapshot, undefined)
      assert.equal(recovered.damage, undefined)
      assert.deepEqual(textsOf(recovered.groups), ['leader-0', 'leader-1'])
    })
  })
}

function describeEnd(makeOpener: (t: TestContext) => Promise<Opener>): void {
  test('a closed store refuses', async t => {
    const store = await (await makeOpener(t))()
    await store.recover(NO_IMAGE)
    await store.close()
    await store.close()
    const closed = (error: unknown): boolean =>
      error instanceof TreeError && error.code === 'CLOSED'
    await assert.rejects(store.write(batch({ groups: new LogMaker().many(1) })), closed)
    await assert.rejects(store.stage(Buffer.from('late')), closed)
  })

  test('what is read of a store that is closed ends, and leaves no file open', async t => {
    const store = await (await makeOpener(t))()
    await store.recover(NO_IMAGE)
    await takeSnapshot(store, LOG_START, 'full', 'one', 'other')
    const readers = [(await store.openSnapshot())!, (await store.openSnapshot())!]
    assert.equal(textOf((await readers[0]!.next())!.bytes), 'one')
    const reading = readers[1]!.next()
    await store.close()
    await reading
    for (const reader of readers) {
      assert.equal(await reader.next(), undefined)
      reader.close()
    }
    assert.deepEqual(openFiles(t), [])
  })
}
