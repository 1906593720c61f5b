/**
 * What a peer's store hands out, as plain data that can be compared: what the peer would begin with, and everything it
 * could send to others. Everything wrong that could be served is in here.
 */

import { createHash } from 'node:crypto'
import { MalformedError } from '../../lib/base/bytes.ts'
import type { Group, LogPoint } from '../../lib/base/group.ts'
import { pointOf } from '../../lib/base/group.ts'
import { DATA_BYTES_MAX_DEFAULT, TICK_MS } from '../../lib/base/limits.ts'
import type { Sid } from '../../lib/base/zxid.ts'
import { recoverPeer } from '../../lib/peer/recovery.ts'
import { Replica } from '../../lib/replica/replica.ts'
import { openStore } from '../../lib/storage/open.ts'
import type { Store } from '../../lib/storage/store.ts'
import { TreeLoader } from '../../lib/tree/loader.ts'
import type { Epochs } from '../../lib/zab/types.ts'

export interface State {
  readonly epochs: Epochs
  /** What precedes this is in snapshots only. */
  readonly logStart: LogPoint
  /** Where the log ends. */
  readonly tail: LogPoint
  /** Of the tree with the whole log applied. */
  readonly digest: number
  readonly nodes: number
  /** All groups that can be read back: first zxid → sum over all of the group. */
  readonly groups: Readonly<Record<string, string>>
  /** Digest of the snapshot that a learner would get, restored from its chunks; and where it stands. */
  readonly snapshot: { readonly zxid: number; readonly digest: number } | undefined
}

/** What recovery said, and what there was to be had afterwards. */
export interface Recovered extends State {
  readonly damage: string | undefined
  readonly trusted: boolean
}

const READ_BYTES = 1024 * 1024

function sumOf(group: Group): string {
  const { first, last, crc, chain, payload } = group
  const sum = createHash('sha1').update(payload)
  return sum.update(`${first} ${last} ${crc} ${chain}`).digest('base64')
}

async function readGroups(store: Store, from: LogPoint): Promise<Record<string, string>> {
  const sums: Record<string, string> = {}
  for (let at = from; ; ) {
    const groups = await store.loadGroups(at, READ_BYTES)
    const last = groups?.at(-1)
    if (groups === undefined || last === undefined) return sums
    for (const group of groups) sums[group.first] = sumOf(group)
    at = pointOf(last)
  }
}

/** As a learner does it: a snapshot whose chunks are not a tree is refused there, not served. */
async function readSnapshot(store: Store): Promise<State['snapshot']> {
  const reader = await store.openSnapshot()
  if (reader === undefined) return undefined
  const loader = new TreeLoader()
  const { point, digest } = reader.head
  try {
    for (;;) {
      const chunk = await reader.next()
      if (chunk === undefined) return undefined
      loader.load(chunk.bytes)
      if (chunk.last) break
    }
    return { zxid: point.zxid, digest: loader.finish(point.zxid, digest).digest }
  } catch (error) {
    if (error instanceof MalformedError) return undefined
    throw error
  } finally {
    reader.close()
  }
}

/** @throws TreeError when the store cannot be opened or recovered. */
export async function recoverState(directory: string, sid: Sid): Promise<Recovered> {
  const store = await openStore({ sid, dataDir: directory, durability: 'power', trusted: false })
  try {
    const { peer, tree, damage } = await recoverPeer(store, false)
    const { groups, logStart, base } = peer.history
    const replica = new Replica({
      ...{ sid, tree, dataBytesMax: DATA_BYTES_MAX_DEFAULT, tickMs: TICK_MS },
    })
    for (const group of groups) replica.apply(group)
    const last = groups.at(-1)
    return {
      epochs: peer.epochs,
      logStart,
      tail: last === undefined ? base : pointOf(last),
      digest: tree.digest,
      nodes: tree.nodeCount,
      groups: await readGroups(store, logStart),
      snapshot: await readSnapshot(store),
      damage,
      trusted: peer.trusted,
    }
  } finally {
    await store.close()
  }
}
