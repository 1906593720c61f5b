/** What a write to LevelDB stands for, told from the records in it. Pure. */

import type { Operation } from '../../lib/storage/disk.ts'
import type { KeyRange } from '../../lib/storage/keys.ts'
import { decodeMeta, type Meta } from '../../lib/storage/records.ts'
import type { StorePoint } from './points.ts'

/** The first byte of a record's key. */
const KINDS = { log: 0x6c, meta: 0x6d, chunk: 0x73, head: 0x76 } as const

/** What cannot be seen in the records themselves. */
export interface Situation {
  /** The record of epochs as it stands; undefined when there is none. */
  readonly meta: Meta | undefined
  /** Recovery is over: heads that go now are purged. */
  readonly recovered: boolean
  /** A leader's snapshot is coming in: chunks belong to it. */
  readonly staging: boolean
}

export function stepOf(operations: readonly Operation[], situation: Situation): StorePoint {
  const has = (type: Operation['type'], kind: keyof typeof KINDS): boolean =>
    operations.some(operation => operation.type === type && operation.key[0] === KINDS[kind])
  const after = metaIn(operations)
  if (after !== undefined) return changeOf(situation.meta, after, has)
  if (has('put', 'chunk')) return situation.staging ? 'staged chunk' : 'own chunk'
  if (has('put', 'head')) return 'own head'
  if (has('del', 'head')) return situation.recovered ? 'purge' : 'useless heads'
  return 'groups'
}

function changeOf(
  before: Meta | undefined,
  after: Meta,
  has: (type: Operation['type'], kind: keyof typeof KINDS) => boolean,
): StorePoint {
  if (before === undefined) return 'first record'
  if (has('put', 'head')) return 'install'
  if (after.damaged && !before.damaged) return 'damage'
  if (has('del', 'log')) return 'truncation'
  if (after.epochs.currentEpoch > before.epochs.currentEpoch) return 'epoch'
  if (after.epochs.acceptedEpoch > before.epochs.acceptedEpoch) return 'promise'
  return after.logStart.zxid > before.logStart.zxid ? 'purge' : 'epoch'
}

export function clearedBy({ gte }: KeyRange): StorePoint {
  return gte?.[0] === KINDS.chunk ? 'clear chunks' : 'clear log'
}

/** The record of epochs in a write, if there is one. */
export function metaIn(operations: readonly Operation[]): Meta | undefined {
  const operation = operations.find(({ key }) => key[0] === KINDS.meta)
  return operation?.type === 'put' ? decodeMeta(operation.value) : undefined
}
