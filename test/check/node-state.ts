/**
 * One node of the sequential models, and how what is told of it is compared. Versions, owners and data are given by the
 * operations; zxids are the ensemble's to give: the first answer that shows one settles it, the others must agree.
 */

import { PERMISSIONS, type Stat } from '../../lib/index.ts'
import type { Result } from './history.ts'

export interface NodeState {
  readonly data: string
  readonly version: number
  readonly permissions: number
  /** Name and id of the session that owns an ephemeral node. */
  readonly owner: string | undefined
  readonly ownerId: number
  /** 0 until an answer has shown it. */
  readonly czxid: number
  readonly mzxid: number
}

const ANY_VERSION = -1

export function newNode(
  data: string,
  permissions: number,
  owner: { readonly name: string; readonly id: number } | undefined,
  zxid: number,
): NodeState {
  return {
    data,
    version: 0,
    permissions,
    owner: owner?.name,
    ownerId: owner?.id ?? 0,
    czxid: zxid,
    mzxid: zxid,
  }
}

/** After a set; the version -1 is left out, since it stands for any. */
export function changed<Node extends NodeState>(node: Node, data: string, zxid: number): Node {
  const next = (node.version + 1) | 0
  return { ...node, data, version: next === ANY_VERSION ? 0 : next, mzxid: zxid }
}

export function versionFits(node: NodeState, version: number): boolean {
  return version === ANY_VERSION || version === node.version
}

export function mayRead(node: NodeState): boolean {
  return (node.permissions & PERMISSIONS.READ) !== 0
}

/** Settles one zxid: the shown one, if nothing else was known. */
export function settle(known: number, shown: number): number | undefined {
  return known === 0 || known === shown ? shown : undefined
}

/** The node with what the stat settles, or itself when that is nothing; undefined when they contradict each other. */
export function agree<Node extends NodeState>(node: Node, stat: Stat): Node | undefined {
  if (stat.version !== node.version || stat.ephemeralOwner !== node.ownerId) return undefined
  if (stat.dataLength !== Buffer.byteLength(node.data)) return undefined
  const czxid = settle(node.czxid, stat.czxid)
  const mzxid = settle(node.mzxid, stat.mzxid)
  if (czxid === undefined || mzxid === undefined) return undefined
  return czxid === node.czxid && mzxid === node.mzxid ? node : { ...node, czxid, mzxid }
}

/** As `agree`, for the answer of a read or write that shows the node as it is now. */
export function agreeWith<Node extends NodeState>(node: Node, answer: Result): Node | undefined {
  if (answer.data !== undefined && answer.data !== node.data) return undefined
  return answer.stat === undefined ? node : agree(node, answer.stat)
}
