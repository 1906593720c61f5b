/** What a peer finds on its model disk when it starts: the counterpart of the store's recovery. */

import type { LogPoint } from '../../lib/base/group.ts'
import { LOG_START } from '../../lib/base/group.ts'
import { epochOf, ZXID_ZERO, type Zxid } from '../../lib/base/zxid.ts'
import { TreeLoader } from '../../lib/tree/loader.ts'
import { Tree } from '../../lib/tree/tree.ts'
import type { RecoveredPeer } from '../../lib/zab/zab.ts'
import type { DiskImage, Snapshot } from './disk-image.ts'
import { Violation } from './violation.ts'

export interface RecoveredDisk {
  readonly peer: RecoveredPeer
  readonly tree: Tree
}

export function recover(image: DiskImage, trusted: boolean): RecoveredDisk {
  return trusted ? recoverLog(image) : startOver(image)
}

/** What is left of a log that is not trusted is not built on, nor shown to a client: only the promises are kept. */
function startOver({ epochs }: DiskImage): RecoveredDisk {
  const history = { logStart: LOG_START, base: LOG_START, groups: [], epochEnds: [] }
  return { peer: { epochs, history, committed: ZXID_ZERO, trusted: false }, tree: new Tree() }
}

function recoverLog(image: DiskImage): RecoveredDisk {
  const { newest } = image
  const base = newest?.head.point ?? LOG_START
  const groups = image.groups.slice(image.indexAfter(base.zxid))
  const ends: LogPoint[] = [...(newest?.head.epochEnds ?? [])]
  for (const { last, chain } of groups) {
    const before = ends.at(-1)
    if (before !== undefined && epochOf(before.zxid) === epochOf(last)) ends.pop()
    ends.push({ zxid: last, chain })
  }
  const last = groups.at(-1)?.last ?? base.zxid
  return {
    peer: {
      epochs: image.epochs,
      history: { logStart: image.logStart, base, groups, epochEnds: ends },
      committed: Math.min(image.committed, last) as Zxid,
      trusted: true,
    },
    tree: newest === undefined ? new Tree() : loadTree(newest),
  }
}

function loadTree({ head, images }: Snapshot): Tree {
  const loader = new TreeLoader()
  try {
    for (const chunks of images) for (const chunk of chunks) loader.load(chunk)
    return loader.finish(head.point.zxid, head.digest)
  } catch (error) {
    throw new Violation('Recovery', `the snapshot at ${head.point.zxid} cannot be loaded`, error)
  }
}
