/**
 * Reads from this peer's tree, and the watches they leave. A watch is left exactly when the reply shows what it
 * waits to change: none after a failure, except for `exists` on a node that is not there.
 */

import { type Acl, PERMISSIONS, permits } from '../base/acl.ts'
import type { ZPath } from '../base/path.ts'
import type { Reply } from '../base/reply.ts'
import type { ReadRequest } from '../base/request.ts'
import type { Zxid } from '../base/zxid.ts'
import type { Change, Tree } from '../tree/tree.ts'
import type { Znode } from '../tree/znode.ts'
import type { Watches } from './watches.ts'

/** Stat and data are the znode's own: true until the next transaction is applied. */
export type ReadResult = Omit<Reply, 'xid'>

export function mayRead({ acl }: { readonly acl: Acl }): boolean {
  return permits(acl, PERMISSIONS.READ)
}

export function read<W extends object>(
  tree: Tree,
  watches: Watches<W>,
  watcher: W,
  request: ReadRequest,
): ReadResult {
  const { kind, path, watch } = request
  const { zxid } = tree
  const node = tree.node(path)
  if (node === undefined) {
    if (watch && kind === 'exists') watches.watchNode(path, watcher)
    return { zxid, code: 'NO_NODE' }
  }
  if (!mayRead(node)) return { zxid, code: 'NO_AUTH' }
  if (kind === 'children') {
    if (watch) watches.watchChildren(path, watcher)
    return { zxid, stat: node, names: node.childNames() }
  }
  if (watch) watches.watchNode(path, watcher)
  return kind === 'get' ? { zxid, stat: node, data: node.data } : { zxid, stat: node }
}

/** A change, and the transaction that made it as far as the tree still tells. */
export interface Missed extends Change {
  readonly zxid: Zxid
}

/** Watches held against an earlier state of the tree. */
export interface Held {
  /** Nothing after this was seen. */
  readonly since: Zxid
  /** On nodes that were there. */
  readonly data: Iterable<ZPath>
  /** On nodes that were not there. */
  readonly exist: Iterable<ZPath>
  readonly child: Iterable<ZPath>
}

/** An event tells that a node is there, or was; as in ZooKeeper, only those hear it who may read the node. */
function mayTell(tree: Tree, { path, acl }: Change): boolean {
  if (acl !== undefined) return mayRead({ acl })
  const node = tree.node(path)
  return node !== undefined && mayRead(node)
}

/** Tells watchers of a transaction's changes; those that may not be told of one wait for the next. */
export function fireWatches<W extends object>(
  tree: Tree,
  watches: Watches<W>,
  changes: readonly Change[],
  tell: (watcher: W, change: Change) => void,
): void {
  for (const change of changes) {
    const { type, path } = change
    if (!watches.awaits(type, path) || !mayTell(tree, change)) continue
    for (const watcher of watches.fire(type, path)) tell(watcher, change)
  }
}

/**
 * Sets watches that were held against an earlier state, or returns the events of those that would have fired since
 * (DataTree.setWatches). A node that came and went meanwhile leaves no trace, and what may not be told waits on. Of a
 * node that was read, and went, and came again where nobody may read it, only its end is told.
 */
export function resumeWatches<W extends object>(
  tree: Tree,
  watches: Watches<W>,
  watcher: W,
  held: Held,
): Missed[] {
  const events: Missed[] = []
  const deleted = new Set<ZPath>()
  const noteDeleted = (path: ZPath): void => {
    if (deleted.has(path)) return
    deleted.add(path)
    events.push({ type: 'deleted', path, zxid: tree.zxid })
  }
  /** What became of a node that was read. */
  const survivorAt = (path: ZPath): Znode | undefined => {
    const node = tree.node(path)
    return node !== undefined && node.czxid > held.since && !mayRead(node) ? undefined : node
  }
  for (const path of held.data) {
    const node = survivorAt(path)
    if (node === undefined) noteDeleted(path)
    else if (node.mzxid > held.since && mayRead(node)) {
      events.push({ type: 'dataChanged', path, zxid: node.mzxid })
    } else watches.watchNode(path, watcher)
  }
  for (const path of held.exist) {
    const node = tree.node(path)
    if (node !== undefined && mayRead(node)) {
      events.push({ type: 'created', path, zxid: node.czxid })
    } else watches.watchNode(path, watcher)
  }
  for (const path of held.child) {
    const node = survivorAt(path)
    if (node === undefined) noteDeleted(path)
    else if (node.pzxid > held.since && mayRead(node)) {
      events.push({ type: 'childrenChanged', path, zxid: node.pzxid })
    } else watches.watchChildren(path, watcher)
  }
  return events
}
