/** Everything a tree shows, as plain data that can be compared. */

import { childOf, ROOT, type ZPath } from '../../lib/base/path.ts'
import { copyStat } from '../../lib/base/stat.ts'
import type { Tree } from '../../lib/tree/tree.ts'

export interface TreeDescription {
  readonly zxid: number
  readonly digest: number
  readonly nodeCount: number
  readonly nodes: readonly unknown[]
  readonly sessions: readonly unknown[]
}

/** Reaches nodes by way of their parents, so a wrong list of children shows. */
function describeNodes(tree: Tree, path: ZPath): unknown[] {
  const node = tree.node(path)
  if (node === undefined) return [{ path, missing: true }]
  const { creates, acl } = node
  const data = Buffer.from(node.data).toString('latin1')
  const names = node.childNames().sort()
  return [
    { path, data, acl, creates, stat: copyStat(node) },
    ...names.flatMap(name => describeNodes(tree, childOf(path, name))),
  ]
}

function describeSessions(tree: Tree): unknown[] {
  return [...tree.sessions()]
    .sort((a, b) => a.id - b.id)
    .map(session => {
      const { id, timeoutMs, owner, connection, lastCxid } = session
      return {
        ...{ id, timeoutMs, owner, connection, lastCxid },
        password: [...session.password],
        ephemerals: [...session.ephemerals].sort(),
        results: Array.from({ length: lastCxid + 2 }, (_, cxid) => {
          const result = session.result(cxid)
          return result === undefined ? undefined : JSON.stringify(result)
        }),
      }
    })
}

export function describeTree(tree: Tree): TreeDescription {
  return {
    zxid: tree.zxid,
    digest: tree.digest,
    nodeCount: tree.nodeCount,
    nodes: describeNodes(tree, ROOT),
    sessions: describeSessions(tree),
  }
}
