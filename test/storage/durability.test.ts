/**
 * What each durability asks of LevelDB: with `power`, no write is done before it has reached the medium; with
 * `process`, no write that changes the record of epochs.
 */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Level } from 'level'
import type { Durability } from '../../lib/base/ports.ts'
import type { Database, Operation } from '../../lib/storage/disk.ts'
import { META_KEY } from '../../lib/storage/keys.ts'
import { openStore } from '../../lib/storage/open.ts'
import { temporaryDirectory } from '../temporary.ts'
import { batch, epochs, headAt, LogMaker, recover, SID, takeSnapshot } from './support.ts'

interface Written {
  readonly call: 'put' | 'batch'
  readonly sync: boolean
  /** It changes the record of epochs: a promise, an epoch, a cut of the log, a snapshot installed, a purge. */
  readonly meta: boolean
}

/** LevelDB that notes with which promise each write was asked for. */
function noting(written: Written[]): (directory: string) => Database {
  return directory => {
    const database: Database = new Level(directory, { keyEncoding: 'view', valueEncoding: 'view' })
    const put = database.put.bind(database) as (...args: unknown[]) => Promise<void>
    const write = database.batch.bind(database) as (...args: unknown[]) => Promise<void>
    const isSynced = (options: unknown) =>
      (options as { sync?: boolean } | undefined)?.sync === true
    const isMeta = (key: unknown) => Buffer.compare(key as Uint8Array, META_KEY) === 0
    return Object.assign(database, {
      put: (...args: unknown[]) => {
        written.push({ call: 'put', sync: isSynced(args[2]), meta: isMeta(args[0]) })
        return put(...args)
      },
      batch: (...args: unknown[]) => {
        const meta = (args[0] as readonly Operation[]).some(({ key }) => isMeta(key))
        written.push({ call: 'batch', sync: isSynced(args[1]), meta })
        return write(...args)
      },
    })
  }
}

/** Every kind of write there is. */
async function writeAll(t: TestContext, durability: Durability): Promise<Written[]> {
  const written: Written[] = []
  const dataDir = await temporaryDirectory(t)
  const store = await openStore({ sid: SID, dataDir, durability }, noting(written))
  await recover(store)
  const log = new LogMaker()
  await store.write(batch({ groups: log.many(2) }))
  await store.write(batch({ groups: log.many(1) }))
  await takeSnapshot(store, log.point, 'full', 'one', 'two')
  await store.write(batch({ groups: log.many(2), epochs: epochs(2) }))
  await store.stage(Buffer.from('theirs'))
  await store.write(batch({ install: headAt(log.point), epochs: epochs(3) }))
  await store.close()
  return written
}

for (const [durability, sync] of [
  ['power', true],
  ['process', false],
] as const) {
  const which = sync ? 'all writes' : 'only writes with the record of epochs'
  test(`durability ${durability}: ${which} are synced`, async t => {
    const [first, ...written] = await writeAll(t, durability)
    assert.deepEqual(first, { call: 'put', sync: true, meta: true })
    assert.ok(written.length >= 8, `${written.length} writes`)
    for (const call of ['put', 'batch']) {
      assert.ok(
        written.some(each => each.call === call),
        call,
      )
    }
    assert.deepEqual(
      written.filter(each => each.sync !== (sync || each.meta)),
      [],
    )
    assert.ok(written.filter(({ meta }) => meta).length >= 2)
    assert.ok(written.filter(({ meta }) => !meta).length >= 4)
  })
}
