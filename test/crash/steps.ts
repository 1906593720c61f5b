/** What a write to LevelDB stands for, told from the records in it. Pure. */

import type { Operation } from '../../lib/storage/disk.ts'
import { snapshotIdOf } from '../../lib/storage/keys.ts'
import { decodeHead, decodeMeta, type Meta } from '../../lib/storage/records.ts'
import type { StorePoint } from './points.ts'

/** The first byte of a record's key. */
const KINDS = { log: 0x6c, meta: 0x6d, chunk: 0x73, head: 0x76 } as const

/** What cannot be seen in the records themselves. */
export interface Situation {
  /** The record of epochs as it stands; undefined when there is none. */
  readonly meta: Meta | undefined
  /** The database has none yet: the log is continued in another segment. */
  readonly isNew: boolean
  /** Recovery is over: heads that go now are purged. */
  readonly recovered: boolean
  /** A leader's snapshot is coming in: chunks belong to it. */
  readonly staging: boolean
}

type Has = (type: Operation['type'], kind: keyof typeof KINDS) => boolean

export function stepOf(operations: readonly Operation[], situation: Situation): StorePoint {
  const has: Has = (type, kind) =>
    operations.some(operation => operation.type === type && operation.key[0] === KINDS[kind])
  const { meta, isNew, recovered, staging } = situation
  const after = metaIn(operations)
  if (after !== undefined) {
    if (meta === undefined) return 'first record'
    return isNew ? beginningOf(meta, after, operations, has) : changeOf(meta, after, has)
  }
  if (has('put', 'chunk')) return staging ? 'staged chunk' : 'own chunk'
  if (has('put', 'head')) return 'own head'
  if (has('del', 'head')) return recovered ? 'purge' : 'useless heads'
  return 'groups'
}

function changeOf(before: Meta, after: Meta, has: Has): StorePoint {
  if (after.damaged && !before.damaged) return 'damage'
  if (has('del', 'log')) return 'truncation'
  if (after.epochs.currentEpoch > before.epochs.currentEpoch) return 'epoch'
  if (after.epochs.acceptedEpoch > before.epochs.acceptedEpoch) return 'promise'
  return after.logStart.zxid > before.logStart.zxid ? 'purge' : 'epoch'
}

/** Why a segment is begun: it has all heads, whatever the reason, so they tell less than in one that goes on. */
function beginningOf(
  before: Meta,
  after: Meta,
  operations: readonly Operation[],
  has: Has,
): StorePoint {
  if (after.damaged && !before.damaged) return 'damage'
  if (hasInstalled(after, operations)) return 'install'
  // Where a snapshot leaves a segment, the log is as long as it was, and no group comes with it.
  return has('put', 'log') || after.tail.zxid < before.tail.zxid ? 'truncation' : 'switch'
}

/** The log begins with the only snapshot: own ones are kept by twos at least. */
function hasInstalled({ logStart }: Meta, operations: readonly Operation[]): boolean {
  const points = operations.flatMap(operation => {
    if (operation.type !== 'put' || operation.key[0] !== KINDS.head) return []
    return [decodeHead(snapshotIdOf(operation.key)!, operation.value).head.point]
  })
  return points.length === 1 && points[0]!.zxid === logStart.zxid
}

/** The record of epochs in a write, if there is one. */
export function metaIn(operations: readonly Operation[]): Meta | undefined {
  const operation = operations.find(({ key }) => key[0] === KINDS.meta)
  return operation?.type === 'put' ? decodeMeta(operation.value) : undefined
}
