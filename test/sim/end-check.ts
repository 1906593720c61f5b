/**
 * What is too costly for every step: whole logs, whole trees and whole disks, against all that is committed. Made at
 * intervals, of every peer, and once more when all is quiet.
 */

import { childOf, ROOT, type ZPath } from '../../lib/base/path.ts'
import { copyStat } from '../../lib/base/stat.ts'
import { NO_SESSION, type Sid, type Zxid } from '../../lib/base/zxid.ts'
import type { Tree } from '../../lib/tree/tree.ts'
import type { History } from '../../lib/zab/history.ts'
import { decodePayload } from '../support/payload.ts'
import type { Chronicle } from './chronicle.ts'
import { shortZxid } from './describe.ts'
import type { DiskImage } from './disk-image.ts'
import { type Execution, same } from './execution.ts'
import type { SimPeer } from './peer.ts'
import { recover } from './recovery.ts'
import { holds } from './violation.ts'

/** What is looked at of a tree. */
export type TreeLook = Pick<Tree, 'zxid' | 'nodeCount' | 'node' | 'session' | 'sessions'>

export type LogLook = Pick<History, 'contiguous' | 'base' | 'committed' | 'groupsAfter'>

/** A tree node for node, as the committed transactions made it by its zxid. */
export function checkTree(sid: Sid, tree: TreeLook, { book, sessions, zxid }: Execution): void {
  const paths: ZPath[] = [ROOT]
  // Grows while it is walked.
  for (const path of paths) {
    const node = tree.node(path)
    const expected = book.at(path, tree.zxid)
    const equal =
      node !== undefined &&
      expected !== undefined &&
      same(copyStat(node), expected.stat) &&
      same(node.data, expected.data) &&
      same(node.childNames().sort(), [...expected.names].sort())
    holds(equal, 'Agreement', () => {
      return `${path} on P${sid} is not what was committed by ${shortZxid(tree.zxid)}`
    })
    const { ephemeralOwner } = node
    const owned = ephemeralOwner === NO_SESSION || tree.session(ephemeralOwner) !== undefined
    holds(owned, 'EphemeralOwner', () => `${path} on P${sid} outlives its session`)
    for (const name of node.childNames()) paths.push(childOf(path, name))
  }
  holds(paths.length === tree.nodeCount, 'Agreement', () => {
    return `P${sid} has ${tree.nodeCount} nodes, of which ${paths.length} hang together`
  })
  if (tree.zxid !== zxid) return
  const open = [...sessions.values()].filter(session => session.open).map(({ id }) => id)
  const held = Array.from(tree.sessions(), ({ id }) => id)
  holds(same(held.sort(ascending), open.sort(ascending)), 'ExpiryByLeader', () => {
    return `P${sid} has sessions ${held.join()}, committed are ${open.join()}`
  })
}

/** A log in memory: whole, and up to its commit point the one that everybody delivered. */
export function checkLog(sid: Sid, history: LogLook, chronicle: Chronicle): void {
  holds(history.contiguous(), 'LogContiguity', () => `the log of P${sid} has a hole`)
  const { base, committed } = history
  const groups = history.groupsAfter(base.zxid) ?? []
  chronicle.matches(sid, base, groups, committed)
}

/**
 * What a peer would have if it lost power now: a snapshot of committed state, and after it, up to the point known to be
 * committed, what everybody delivered, which makes the tree everybody has. Returns that tree.
 */
export function checkDisk(sid: Sid, image: DiskImage, chronicle: Chronicle): Tree {
  const { peer, tree } = recover(image, true)
  const { base, groups } = peer.history
  chronicle.matches(sid, base, groups, peer.committed)
  chronicle.digested(sid, tree.zxid, tree.digest)
  for (const { first, last, payload } of groups) {
    if (last > peer.committed) break
    const { time, txns } = decodePayload(payload)
    txns.forEach((txn, at) => {
      tree.apply(txn, (first + at) as Zxid, time)
    })
  }
  chronicle.digested(sid, tree.zxid, tree.digest)
  return tree
}

/** At the end nothing is under way: what is on disk is what is in memory, to the last transaction. */
export function checkAtRest(peer: SimPeer, chronicle: Chronicle, execution: Execution): void {
  const { sid, disk, tree, zab } = peer
  checkLog(sid, zab!.history, chronicle)
  checkTree(sid, tree!, execution)
  const image = disk.safe.copy()
  image.committed = image.last.zxid
  const found = checkDisk(sid, image, chronicle)
  holds(found.zxid === tree!.zxid && found.digest === tree!.digest, 'Recovery', () => {
    return `the disk of P${sid} holds another tree than its memory`
  })
}

function ascending(a: number, b: number): number {
  return a - b
}
