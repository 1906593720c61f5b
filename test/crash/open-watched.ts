/** Opens a peer's store with failpoints around its steps, on a LevelDB that may be made to change its files often. */

import { Level } from 'level'
import { openStore, type StoreOptions } from '../../lib/storage/open.ts'
import type { Store } from '../../lib/storage/store.ts'
import type { Failpoints } from './failpoints.ts'
import { WatchedDatabase } from './watched-database.ts'
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
  let watched: WatchedDatabase | undefined
  const store = await openStore(options, directory => {
    const level: Level<Uint8Array, Uint8Array> = new Level(directory, {
      ...{ keyEncoding: 'view', valueEncoding: 'view', compression: false },
      ...(smallFiles ? SMALL : USUAL),
    })
    watched = new WatchedDatabase(level, failpoints)
    return watched.asDatabase
  })
  return new WatchedStore(store, watched!, failpoints)
}
