/** What a file system forgets at a power cut unless it is told not to: names in directories, and what files hold. */

import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** LevelDB's own notes, and its lock: nothing is read from them. */
const OF_NO_VALUE = new Set(['LOG', 'LOG.old', 'LOCK'])

/** Makes the names in a directory durable, not what they stand for. */
export async function syncDirectory(directory: string): Promise<void> {
  // Windows has no such thing as a sync of a directory.
  if (process.platform === 'win32') return
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function syncFile(path: string): Promise<void> {
  let handle: Awaited<ReturnType<typeof open>>
  try {
    handle = await open(path, 'r+')
  } catch (error) {
    // LevelDB has replaced it meanwhile, by one that it synced itself.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Makes a LevelDB durable as it stands in its directory. */
export async function syncDatabase(directory: string): Promise<void> {
  // There LevelDB lets nobody else open its files as long as it has them open.
  if (process.platform === 'win32') return
  for (const name of await readdir(directory)) {
    if (!OF_NO_VALUE.has(name)) await syncFile(join(directory, name))
  }
  await syncDirectory(directory)
}
