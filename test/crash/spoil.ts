/** One peer's store while nobody has it open: looked into, or harmed so that recovery has something to put right. */

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import { type Sid, ZXID_ZERO, type Zxid } from '../../lib/base/zxid.ts'
import { readIdentity } from '../../lib/storage/directory.ts'
import type { Database } from '../../lib/storage/disk.ts'
import { ALL_HEADS, chunksOf, logAfter, snapshotIdOf } from '../../lib/storage/keys.ts'
import { openStore } from '../../lib/storage/open.ts'
import { decodeHead } from '../../lib/storage/records.ts'
import { NO_IMAGE } from '../storage/support.ts'

/** `chunk`: the newest snapshot cannot be read, the one before it can. `group`: the log has a hole. */
export type Harm = 'chunk' | 'group'

/** Groups that the log must have in one segment for one to be missed in the middle. */
const GROUPS_MIN = 3

interface Segment {
  readonly place: string
  readonly id: number
  /** Where the log ended when it was begun. */
  readonly base: Zxid
}

/** Those in use, the last one first. */
async function segmentsOf(directory: string): Promise<Segment[]> {
  const last = (await readIdentity(directory))?.segment ?? 0
  const segments = (await readdir(directory)).flatMap(name => {
    const [, id, zxid] = /^log-(\d+)-([0-9a-f]+)-/.exec(name) ?? []
    if (id === undefined || zxid === undefined) return []
    const base = Number.parseInt(zxid, 16) as Zxid
    return [{ place: join(directory, name), id: Number(id), base }]
  })
  return segments.filter(({ id }) => id <= last).sort((one, other) => other.id - one.id)
}

async function withDatabase<T>(place: string, use: (database: Database) => Promise<T>): Promise<T> {
  const database: Database = new Level(place, { keyEncoding: 'view', valueEncoding: 'view' })
  await database.open()
  try {
    return await use(database)
  } finally {
    await database.close()
  }
}

/** Ids of the visible snapshots and where they stand, the newest first. */
async function headsOf({ place }: Segment): Promise<{ id: number; zxid: Zxid }[]> {
  const heads = await withDatabase(place, database =>
    database.iterator({ ...ALL_HEADS, reverse: true }).all(),
  )
  return heads.map(([key, value]) => {
    const id = snapshotIdOf(key)!
    return { id, zxid: decodeHead(id, value).head.point.zxid }
  })
}

async function spoilChunk(directory: string, last: Segment): Promise<boolean> {
  const [newest, before] = await headsOf(last)
  if (newest === undefined || before === undefined) return false
  const name = `snapshot-${String(newest.id).padStart(8, '0')}`
  // A delta of nothing has none.
  if (!(await readdir(directory)).includes(name)) return false
  return withDatabase(join(directory, name), async database => {
    const [first] = await database.iterator({ ...chunksOf(newest.id), limit: 1 }).all()
    if (first === undefined) return false
    const [key, value] = first
    value[value.length - 1]! ^= 1
    await database.put(key, value)
    return true
  })
}

/** From the last segment that has enough groups after the newest snapshot, of those that can still be seen. */
async function removeGroup(segments: readonly Segment[], last: Segment): Promise<boolean> {
  const [newest] = await headsOf(last)
  const after = newest?.zxid ?? ZXID_ZERO
  let end: Zxid | undefined
  for (const { place, base } of segments) {
    if (end !== undefined && base >= end) continue
    const range = logAfter(after, end)
    const isDone = await withDatabase(place, async database => {
      const groups = await database.keys(range).all()
      if (groups.length < GROUPS_MIN) return false
      await database.del(groups[Math.floor(groups.length / 2)]!)
      return true
    })
    if (isDone) return true
    if (base <= after) return false
    end = base
  }
  return false
}

/** What recovery finds damaged, and mends as it does when the peer is started. */
export async function findDamage(directory: string, sid: Sid): Promise<string | undefined> {
  const store = await openStore({ sid, dataDir: directory, durability: 'process' })
  try {
    return (await store.recover(NO_IMAGE)).damage
  } finally {
    await store.close()
  }
}

/** Does the harm; false when there is nothing to do it to. */
export async function spoil(directory: string, harm: Harm): Promise<boolean> {
  const segments = await segmentsOf(directory)
  const [last] = segments
  if (last === undefined) return false
  return harm === 'chunk' ? spoilChunk(directory, last) : removeGroup(segments, last)
}
