/** Mistakes in what is written, in which order, and when it is said to be durable. */

import { campaign, type Mutation, patch, testFile } from './mutation.ts'

const DISK = 'lib/storage/disk.ts'
const LEVEL_STORE = 'lib/storage/level-store.ts'
const SEGMENTS = 'lib/storage/segments.ts'
const PART = 'lib/storage/part.ts'
const LEVEL_SNAPSHOTS = 'lib/storage/level-snapshots.ts'
const CATALOG = 'lib/storage/snapshots.ts'
const RUNNER = 'lib/peer/store-runner.ts'

export const STORING_MUTATIONS: readonly Mutation[] = [
  {
    name: 'skip-fsync',
    says: 'Writes are not synced although power may fail.',
    patches: [
      patch(
        'lib/storage/open.ts',
        `durability === 'power'`,
        `durability === 'power' && directory === ''`,
      ),
    ],
    killers: [testFile('test/storage/durability.test.ts')],
  },
  {
    name: 'write-not-awaited',
    says: 'A write is reported durable while it is still on its way to disk.',
    patches: [
      patch(
        RUNNER,
        '        await store.write(task.persist)\n',
        '        store.write(task.persist).catch(this.#fail)\n',
      ),
    ],
    killers: [testFile('test/peer/store-runner.test.ts')],
  },
  {
    name: 'close-leaves-work-beside',
    says: 'A store is said to be closed while it still deletes or syncs files beside the line.',
    patches: [patch(DISK, 'return this.#busy || this.#beside > 0', 'return this.#busy')],
    killers: [testFile('test/storage/disk.test.ts')],
  },
  {
    name: 'delta-upon-the-wrong-snapshot',
    says: 'A newest snapshot that cannot be restored is purged, and the next delta lacks what it held.',
    patches: [
      patch(CATALOG, 'new Set(this.#pins.keys()).add(this.newestId)', 'new Set(this.#pins.keys())'),
    ],
    killers: [testFile('test/storage/snapshots.test.ts')],
  },
  {
    name: 'segment-dropped-too-soon',
    says: 'A segment of the log goes as soon as it is left, although a snapshot that is kept needs what is in it.',
    patches: [
      patch(
        SEGMENTS,
        '      if (base.zxid <= zxid) break\n      end = base.zxid\n',
        '      break\n',
      ),
    ],
    killers: [testFile('test/storage/segments.test.ts')],
  },
  {
    name: 'what-was-cut-off-is-seen-again',
    says: 'What an older segment holds beyond the beginning of the next one is read as part of the log.',
    patches: [
      patch(
        SEGMENTS,
        'visible.unshift({ part, end })',
        'visible.unshift({ part, end: undefined })',
      ),
    ],
    killers: [testFile('test/storage/segments.test.ts', 'a cut reaches back')],
  },
  {
    name: 'cut-in-the-last-segment-only',
    says: 'A cut that reaches back before the last segment removes what is in the last one only.',
    patches: [
      patch(
        LEVEL_STORE,
        'install !== undefined || (cut && cut.zxid < this.#segments.base.zxid)',
        'install !== undefined',
      ),
    ],
    killers: [testFile('test/storage/segments.test.ts', 'a cut reaches back')],
  },
  {
    name: 'segment-without-the-heads',
    says: 'A new segment does not have the heads of the snapshots that there are.',
    patches: [
      patch(LEVEL_STORE, '[meta, ...this.#snapshots.heads(), ...groups]', '[meta, ...groups]'),
    ],
    killers: [testFile('test/storage/segments.test.ts', 'a segment goes when')],
  },
  {
    name: 'segment-in-use-before-it-is-recorded',
    says: 'A new segment is written to without a record that it is the last one: the next opening deletes it.',
    patches: [
      patch(
        SEGMENTS,
        '      await recordSegment(this.#disk.directory, this.#identity, segment.id)\n',
        '',
      ),
    ],
    killers: [testFile('test/storage/segments.test.ts', 'a segment goes when')],
  },
  {
    name: 'new-database-over-an-old-one',
    says: 'Where LevelDB does not see the files of a part, it begins a new database in their place.',
    patches: [patch(PART, 'createIfMissing: this.#isNew', 'createIfMissing: true')],
    killers: [testFile('test/storage/part.test.ts', 'where LevelDB does not see')],
  },
  {
    name: 'full-disk-told-as-damage',
    says: 'A part that cannot be made, for a full disk say, is told as one that is damaged.',
    patches: [patch(PART, 'this.#isNew || !isDamaged', '!isDamaged')],
    killers: [testFile('test/storage/part.test.ts', 'a new part that cannot')],
  },
  {
    name: 'part-removed-while-it-is-read',
    says: 'A part is deleted although somebody reads it.',
    patches: [
      patch(PART, '    if (this.#users > 0) return\n    await this.#disk', '    await this.#disk'),
      patch(PART, 'if (this.#users === 0) await this.close()', 'await this.close()'),
    ],
    killers: [testFile('test/storage/part.test.ts')],
  },
  {
    name: 'end-of-another-snapshot',
    says: 'The end of a snapshot that was given up is taken for that of the one under way.',
    patches: [
      patch(
        'lib/peer/core-snapshots.ts',
        `if (this.#own === 'committing') this.#endsToPassOver++`,
        '',
      ),
    ],
    killers: [testFile('test/storage/own-snapshots.test.ts')],
  },
  {
    name: 'batch-in-two-writes',
    says: 'The log and the epochs of one batch are written one after the other, not atomically.',
    patches: [
      patch(
        DISK,
        'return database.batch([...operations], options)',
        `return database
      .batch(operations.slice(0, 1), options)
      .then(() => database.batch(operations.slice(1), options))`,
      ),
    ],
    killers: [testFile('test/storage/level-store.test.ts', 'an installation waits for the chunks')],
  },
  {
    name: 'write-after-failed-write',
    says: 'After a failed write the store goes on as if it had not been.',
    patches: [
      patch(DISK, '    if (!(failure instanceof InvariantError)) this.#refuseAll(failure)\n', ''),
    ],
    killers: [testFile('test/storage/level-store.test.ts', 'whichever call fails')],
  },
  {
    name: 'failed-write-is-repeated',
    says: 'A write that failed is tried again, though what is synced after a failure proves nothing.',
    patches: [patch(DISK, 'resolve(await call())', 'resolve(await call().catch(() => call()))')],
    killers: [testFile('test/storage/level-store.test.ts', 'whichever call fails')],
  },
  {
    name: 'failed-write-is-ignored',
    says: 'A peer whose write failed lives on.',
    patches: [
      patch(
        RUNNER,
        'for (const task of tasks) this.#start(task).catch(this.#fail)',
        'for (const task of tasks) this.#start(task).catch(() => undefined)',
      ),
    ],
    killers: [testFile('test/peer/store-runner.test.ts')],
  },
  {
    name: 'truncation-not-written',
    says: 'The store forgets to remove the groups that are cut off.',
    patches: [
      patch(
        LEVEL_STORE,
        'return install?.point ?? truncateAfter ?? (this.#doubtful',
        'return install?.point ?? (this.#doubtful',
      ),
    ],
    killers: [testFile('test/storage/contract.test.ts')],
  },
  {
    name: 'truncation-one-group-too-many',
    says: 'The store removes the last group that is kept, too, when a log is cut.',
    patches: [
      patch(
        LEVEL_STORE,
        'await this.#segments.keysAfter(cut.zxid)',
        'await this.#segments.keysAfter((cut.zxid - 1) as typeof cut.zxid)',
      ),
    ],
    killers: [testFile('test/storage/contract.test.ts')],
  },
  {
    name: 'install-keeps-the-log',
    says: 'The groups after an installed snapshot stay in the log.',
    patches: [
      patch(LEVEL_STORE, 'return install?.point ?? truncateAfter ??', 'return truncateAfter ??'),
    ],
    killers: [testFile('test/storage/contract.test.ts')],
  },
  {
    name: 'install-before-its-chunks',
    says: 'A snapshot is installed without waiting for its last chunks.',
    patches: [
      patch(
        LEVEL_SNAPSHOTS,
        'if (this.#arrived !== undefined) await this.#finish(this.#arrived)',
        'if (this.#arrived !== undefined) void this.#finish(this.#arrived)',
      ),
    ],
    killers: [testFile('test/storage/level-store.test.ts', 'an installation waits for the chunks')],
  },
  {
    name: 'chunks-after-the-install',
    says: 'The write that installs a snapshot goes to the store before the chunks that came with it.',
    patches: [
      patch(
        'lib/peer/core.ts',
        `    const tasks = this.#snapshots.takeTasks()
`,
        `    const tasks: StoreTask[] = []
`,
      ),
    ],
    killers: [campaign(60)],
  },
  {
    name: 'snapshot-visible-too-soon',
    says: 'A snapshot of its own is visible in the store from its beginning, not from its last chunk.',
    patches: [
      patch(
        LEVEL_SNAPSHOTS,
        `    this.#own = { ...this.#draft(kind === 'full' ? 0 : this.#catalog.newestId), head }
`,
        `    this.#own = { ...this.#draft(kind === 'full' ? 0 : this.#catalog.newestId), head }
    const visible = asStored({ ...this.#own, chunks: 1 }, head)
    this.#catalog.add(visible)
`,
      ),
    ],
    killers: [testFile('test/storage/contract.test.ts')],
  },
  {
    name: 'aborted-snapshot-becomes-visible',
    says: 'A snapshot that was given up becomes visible all the same.',
    patches: [
      patch(
        LEVEL_SNAPSHOTS,
        `      if (draft.dropped) return []
      assert(draft.base`,
        `      assert(draft.base`,
      ),
    ],
    killers: [testFile('test/storage/level-store.test.ts', 'an abort overtakes the chunks')],
  },
  {
    name: 'purge-one-snapshot-too-many',
    says: 'Only the newest snapshot is kept, on the strength of a record that may be lost.',
    patches: [patch(CATALOG, 'const KEPT_MIN = 2', 'const KEPT_MIN = 1')],
    killers: [testFile('test/storage/contract.test.ts')],
  },
  {
    name: 'purge-the-image-of-a-delta',
    says: 'A purge keeps the snapshots that are wanted, but not the images that their deltas build on.',
    patches: [
      patch(
        CATALOG,
        'for (const { id } of kept.flat()) needed.add(id)',
        'for (const chain of kept) needed.add(chain.at(-1)!.id)',
      ),
    ],
    killers: [testFile('test/storage/level-store.test.ts', 'a snapshot that spoils while')],
  },
  {
    name: 'purge-what-is-read',
    says: 'A purge removes a snapshot that is being sent to a learner.',
    patches: [
      patch(
        CATALOG,
        '    const needed = new Set(this.#pins.keys()).add(this.newestId)\n    for (const { id } of kept.flat())',
        '    const needed = new Set<number>()\n    for (const { id } of kept.flat())',
      ),
      patch(
        CATALOG,
        '    const ids = new Set(this.#pins.keys())\n',
        '    const ids = new Set<number>()\n',
      ),
    ],
    killers: [testFile('test/storage/contract.test.ts')],
  },
  {
    name: 'log-purged-up-to-the-newest',
    says: 'The log before the newest snapshot is removed, although an older one that is kept needs it.',
    patches: [
      patch(
        CATALOG,
        'b.head.point.zxid < a.head.point.zxid ? b : a',
        'b.head.point.zxid > a.head.point.zxid ? b : a',
      ),
    ],
    killers: [testFile('test/storage/contract.test.ts')],
  },
  {
    name: 'log-purged-before-the-snapshot',
    says: 'The log is purged before the snapshot that stands in for it is visible.',
    patches: [
      patch(
        LEVEL_STORE,
        '    const isVisible = await this.#snapshots.commit',
        `    const logStart = this.#snapshots.ownPoint
    await this.#commit(() => [this.#changeMeta({ logStart, tail: this.#tail })])
    const isVisible = await this.#snapshots.commit`,
      ),
      patch(
        LEVEL_SNAPSHOTS,
        '  get newestChain(): ChainSize | undefined {',
        `  get ownPoint(): LogPoint {
    return this.#own?.head.point ?? this.newestPoint
  }

  get newestChain(): ChainSize | undefined {`,
      ),
    ],
    killers: [testFile('test/storage/contract.test.ts')],
  },
  {
    name: 'epochs-not-synced',
    says: 'With durability process, the record of epochs is not synced either.',
    patches: [
      patch(
        DISK,
        'this.sync || operations.some(isMeta) ? SYNCED',
        'this.sync || operations.every(isMeta) ? SYNCED',
      ),
    ],
    killers: [testFile('test/storage/durability.test.ts')],
  },
  {
    name: 'promise-told-before-its-note',
    says: 'A promise is told before there is a note that it was made.',
    patches: [
      patch(LEVEL_STORE, 'await this.#tailMark?.keep(end)', 'void this.#tailMark?.keep(end)'),
    ],
    killers: [testFile('test/storage/note-order.test.ts')],
  },
  {
    name: 'end-noted-before-it-is-durable',
    says: 'The end of the log is noted before the write that moves it is durable.',
    patches: [
      patch(
        LEVEL_STORE,
        `      end = this.#end()
      // What`,
        `      end = this.#end()
      this.#tailMark?.note(end)
      // What`,
      ),
    ],
    killers: [testFile('test/storage/note-order.test.ts')],
  },
]
