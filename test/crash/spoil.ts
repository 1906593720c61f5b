/** One peer's store while nobody has it open: looked into, or harmed so that recovery has something to put right. */

import { Level } from 'level'
import { type Sid, ZXID_ZERO } from '../../lib/base/zxid.ts'
import type { Database } from '../../lib/storage/disk.ts'
import { ALL_HEADS, chunksOf, logAfter, snapshotIdOf } from '../../lib/storage/keys.ts'
import { openStore } from '../../lib/storage/open.ts'
import { decodeHead } from '../../lib/storage/records.ts'

/** `chunk`: the newest snapshot cannot be read, the one before it can. `group`: the log has a hole. */
export type Harm = 'chunk' | 'group'

/** Groups that the log must have for one to be missed in the middle. */
const GROUPS_MIN = 3

async function spoilChunk(database: Database): Promise<boolean> {
  const heads = await database.keys(ALL_HEADS).all()
  if (heads.length < 2) return false
  const chunks = await database.iterator(chunksOf(snapshotIdOf(heads.at(-1)!)!)).all()
  const [first] = chunks
  if (first === undefined) return false
  const [key, value] = first
  value[value.length - 1]! ^= 1
  await database.put(key, value)
  return true
}

async function removeGroup(database: Database): Promise<boolean> {
  const [head] = await database.iterator({ ...ALL_HEADS, reverse: true, limit: 1 }).all()
  const after =
    head === undefined ? ZXID_ZERO : decodeHead(snapshotIdOf(head[0])!, head[1]).head.point.zxid
  const groups = await database.keys(logAfter(after)).all()
  if (groups.length < GROUPS_MIN) return false
  await database.del(groups[Math.floor(groups.length / 2)]!)
  return true
}

/** What recovery finds damaged, and mends as it does when the peer is started. */
export async function findDamage(directory: string, sid: Sid): Promise<string | undefined> {
  const store = await openStore({ sid, dataDir: directory, durability: 'process' })
  try {
    return (await store.recover(() => undefined)).damage
  } finally {
    await store.close()
  }
}

/** Does the harm; false when there is nothing to do it to. */
export async function spoil(directory: string, harm: Harm): Promise<boolean> {
  const database: Database = new Level(directory, { keyEncoding: 'view', valueEncoding: 'view' })
  await database.open()
  try {
    return harm === 'chunk' ? await spoilChunk(database) : await removeGroup(database)
  } finally {
    await database.close()
  }
}
