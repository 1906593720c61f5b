/** A store made by hand on databases that are watched, with notes of the log's end that go where a test wants them. */

import type { TestContext } from 'node:test'
import { Level } from 'level'
import { LOG_START } from '../../lib/base/group.ts'
import { EPOCH_ZERO, ZXID_ZERO } from '../../lib/base/zxid.ts'
import { claimDirectory } from '../../lib/storage/directory.ts'
import { type Database, Disk } from '../../lib/storage/disk.ts'
import { META_KEY } from '../../lib/storage/keys.ts'
import { LevelStore } from '../../lib/storage/level-store.ts'
import { encodeMeta, type Meta } from '../../lib/storage/records.ts'
import { Segments } from '../../lib/storage/segments.ts'
import { SnapshotParts } from '../../lib/storage/snapshot-parts.ts'
import type { TailMark } from '../../lib/storage/tail-mark.ts'
import { temporaryDirectory } from '../temporary.ts'
import { FaultyDatabase } from './faulty-database.ts'
import { SID } from './support.ts'

export interface Watched {
  readonly directory: string
  readonly database: FaultyDatabase
  readonly store: LevelStore
}

export interface WatchedOptions {
  readonly sync?: boolean
  readonly segmentBytes?: number
  readonly segmentBytesMax?: number
  readonly tailMark?: TailMark
}

const META: Meta = {
  sid: SID,
  revision: 1,
  epochs: { acceptedEpoch: EPOCH_ZERO, currentEpoch: EPOCH_ZERO },
  committed: ZXID_ZERO,
  logStart: LOG_START,
  tail: LOG_START,
  damaged: false,
}

/** Not recovered yet. */
export async function openWatched(t: TestContext, options: WatchedOptions = {}): Promise<Watched> {
  const { sync = false, segmentBytes = 1e6, segmentBytesMax = 1e9, tailMark } = options
  const directory = await temporaryDirectory(t)
  const database = new FaultyDatabase()
  const make = (place: string): Database =>
    database.wrap(new Level(place, { keyEncoding: 'view', valueEncoding: 'view' }))
  const disk = new Disk(directory, sync)
  const identity = await claimDirectory(directory, SID)
  const first = { type: 'put', key: META_KEY, value: encodeMeta(META) } as const
  const segments = await Segments.open(disk, make, identity, [first])
  const snapshots = await SnapshotParts.find(disk, make)
  const store = new LevelStore(
    { disk, segments, snapshots },
    {
      ...{ snapshotsKept: 2, segmentBytes, segmentBytesMax },
      ...{ meta: META, metaFault: undefined, tailMark },
    },
  )
  t.after(() => store.close())
  database.calls.length = 0
  return { directory, database, store }
}
