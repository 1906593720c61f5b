/** Moves all that is in LevelDB's log, or in several tables, into one table. */

import { Level } from 'level'

interface Compactable {
  compactRange(from: Uint8Array, to: Uint8Array): Promise<void>
}

/** @param directory of one LevelDB, that is, of a part */
export async function compact(directory: string): Promise<void> {
  const options = { keyEncoding: 'view', valueEncoding: 'view', compression: false } as const
  const database = new Level<Uint8Array, Uint8Array>(directory, options)
  await database.open()
  await (database as unknown as Compactable).compactRange(Buffer.of(0), Buffer.of(255))
  await database.close()
}
