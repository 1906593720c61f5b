/** Opens a peer's store with failpoints around its steps, on LevelDBs that may be made to change their files often. */

import { Level } from 'level'
import { openStore, type StoreOptions } from '../../lib/storage/open.ts'
import type { Store } from '../../lib/storage/store.ts'
import type { Failpoints } from './failpoints.ts'
import { type Surroundings, WatchedDatabase } from './watched-database.ts'
import { WatchedStore } from './watched-store.ts'

const MIB = 1024 * 1024
const USUAL = { writeBufferSize: 8 * MIB, maxFileSize: 8 * MIB } as const
/** As small as LevelDB takes: files change all the time, and so many steps come up in a short life. */
const SMALL = { writeBufferSize: 64 * 1024, maxFileSize: MIB } as const

export async function openWatched(
  options: StoreOptions,
  failpoints: Failpoints,
  smallFiles: boolean,
): Promise<Store> {
  const surroundings: Surroundings = { meta: undefined, staging: false, recovered: false }
  const store = await openStore(options, (directory, kind) => {
    const level: Level<Uint8Array, Uint8Array> = new Level(directory, {
      ...{ keyEncoding: 'view', valueEncoding: 'view', compression: false },
      ...(smallFiles ? SMALL : USUAL),
    })
    return new WatchedDatabase(level, kind, surroundings, failpoints).asDatabase
  })
  return new WatchedStore(store, surroundings, failpoints)
}
