/**
 * The tree as one object, exactly: parents and children, sequence numbers, ephemeral nodes and their sessions, access
 * rights. A second implementation of the semantics, without a state that is ever changed in place, so that a search can
 * go back to an earlier one.
 */

import { type ErrorCode, PERMISSIONS, type Stat } from '../../lib/index.ts'
import {
  answerOf,
  type Change,
  type Create,
  parentPath,
  type Read,
  type Result,
} from './history.ts'
import {
  agree,
  agreeWith,
  changed,
  mayRead,
  type NodeState,
  newNode,
  settle,
  versionFits,
} from './node-state.ts'
import type { Timed } from './timeline.ts'
import type { Model } from './wgl.ts'

export interface TreeNode extends NodeState {
  /** Children ever created: the next sequence number. */
  readonly creates: number
  readonly names: ReadonlySet<string>
  readonly pzxid: number
}

export type TreeState = ReadonlyMap<string, TreeNode>

/** What resolves to no code is done: `state` is the tree after it. */
type Resolved =
  | { readonly code: ErrorCode }
  | { readonly code?: undefined; readonly path: string; readonly state: TreeState }

/** Refusals that depend on limits which the model does not know; they change nothing. */
const OF_LIMITS: ReadonlySet<ErrorCode | undefined> = new Set([
  'BAD_ARGUMENTS',
  'DATA_TOO_LARGE',
  'INVALID_ACL',
] as const)
const ROOT = '/'

function treeNode(node: NodeState): TreeNode {
  return { ...node, creates: 0, names: new Set(), pzxid: node.czxid }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** A tree with nothing in it but its root. */
export const EMPTY_TREE: TreeState = new Map([
  [ROOT, treeNode(newNode('', PERMISSIONS.ALL, undefined, 0))],
])

/** Owns the next state while it is made. */
class Draft {
  readonly nodes: Map<string, TreeNode>

  constructor(state: TreeState) {
    this.nodes = new Map(state)
  }

  insert(path: string, node: NodeState): void {
    const above = parentPath(path)
    const parent = this.nodes.get(above)!
    const names = new Set(parent.names).add(nameOf(path))
    this.nodes.set(above, { ...parent, names, creates: parent.creates + 1, pzxid: node.czxid })
    this.nodes.set(path, treeNode(node))
  }

  remove(path: string, zxid: number): void {
    const above = parentPath(path)
    const parent = this.nodes.get(above)!
    const names = new Set(parent.names)
    names.delete(nameOf(path))
    this.nodes.set(above, { ...parent, names, pzxid: zxid })
    this.nodes.delete(path)
  }
}

function agreeTree(node: TreeNode, stat: Stat): TreeNode | undefined {
  if (stat.numChildren !== node.names.size) return undefined
  if (stat.cversion !== ((2 * node.creates - node.names.size) | 0)) return undefined
  const agreed = agree(node, stat)
  const pzxid = settle(node.pzxid, stat.pzxid)
  if (agreed === undefined || pzxid === undefined) return undefined
  return pzxid === node.pzxid ? agreed : { ...agreed, pzxid }
}

function resolveCreate(state: TreeState, create: Create, timed: Timed, zxid: number): Resolved {
  const missing: string[] = []
  let above = parentPath(create.path)
  for (; !state.has(above); above = parentPath(above)) missing.unshift(above)
  if (missing.length > 0 && !create.parents) return { code: 'NO_NODE' }
  const ancestor = state.get(above)!
  if ((ancestor.permissions & PERMISSIONS.CREATE) === 0) return { code: 'NO_AUTH' }
  const sequence = String(missing.length > 0 ? 0 : ancestor.creates).padStart(10, '0')
  const path = create.sequential ? create.path + sequence : create.path
  if (state.has(path)) return { code: 'NODE_EXISTS' }
  if (ancestor.owner !== undefined) return { code: 'NO_CHILDREN_FOR_EPHEMERALS' }
  const draft = new Draft(state)
  for (const part of missing) draft.insert(part, newNode('', PERMISSIONS.ALL, undefined, zxid))
  const permissions = create.permissions ?? PERMISSIONS.ALL
  const owner = create.ephemeral ? timed.session : undefined
  draft.insert(path, newNode(create.data, permissions, owner, zxid))
  return { path, state: draft.nodes }
}

function resolveChange(state: TreeState, change: Change, zxid: number): Resolved {
  const { kind, path, version } = change
  const node = state.get(path)
  if (kind === 'set') {
    if (node === undefined) return { code: 'NO_NODE' }
    if ((node.permissions & PERMISSIONS.WRITE) === 0) return { code: 'NO_AUTH' }
    if (!versionFits(node, version)) return { code: 'BAD_VERSION' }
    return { path, state: new Map(state).set(path, changed(node, change.data!, zxid)) }
  }
  if (path === ROOT) return { code: 'BAD_ARGUMENTS' }
  const parent = state.get(parentPath(path))
  if (parent === undefined) return { code: 'NO_NODE' }
  if ((parent.permissions & PERMISSIONS.DELETE) === 0) return { code: 'NO_AUTH' }
  if (node === undefined) return { code: 'NO_NODE' }
  if (!versionFits(node, version)) return { code: 'BAD_VERSION' }
  if (node.names.size > 0) return { code: 'NOT_EMPTY' }
  const draft = new Draft(state)
  draft.remove(path, zxid)
  return { path, state: draft.nodes }
}

/** What an answered write shows, against the tree after it. */
function compare(resolved: Resolved, answer: Result): TreeState | undefined {
  if (resolved.code !== undefined || answer.code !== undefined) return undefined
  const { path, state } = resolved
  if (answer.path !== undefined && answer.path !== path) return undefined
  if (answer.stat === undefined) return state
  const node = state.get(path)
  const agreed = node === undefined ? undefined : agreeTree(node, answer.stat)
  if (agreed === undefined) return undefined
  return agreed === node ? state : new Map(state).set(path, agreed)
}

function write(state: TreeState, timed: Timed, operation: Create | Change): TreeState | undefined {
  const answer = answerOf(timed.call!)
  if (OF_LIMITS.has(answer?.code)) return state
  const { kind } = operation
  const zxid = answer?.zxid ?? answer?.stat?.mzxid ?? 0
  const resolved =
    kind === 'create'
      ? resolveCreate(state, operation, timed, zxid)
      : resolveChange(state, operation, zxid)
  if (answer === undefined) return resolved.code === undefined ? resolved.state : state
  if (resolved.code !== undefined) return answer.code === resolved.code ? state : undefined
  return compare(resolved, answer)
}

function read(state: TreeState, { kind, path }: Read, answer: Result): TreeState | undefined {
  const node = state.get(path)
  if (node === undefined) return answer.code === 'NO_NODE' ? state : undefined
  if (!mayRead(node)) return answer.code === 'NO_AUTH' ? state : undefined
  if (answer.code !== undefined) return undefined
  if (kind === 'children') {
    const { names = [] } = answer
    if (names.length !== node.names.size) return undefined
    if (!names.every(name => node.names.has(name))) return undefined
  }
  const { stat } = answer
  const settled = stat === undefined ? node : agreeTree(node, stat)
  if (settled === undefined || agreeWith(settled, { data: answer.data }) === undefined) {
    return undefined
  }
  return settled === node ? state : new Map(state).set(path, settled)
}

function end(state: TreeState, { session, call }: Timed): TreeState {
  const owned = [...state].filter(([, { owner }]) => owner === session.name)
  if (owned.length === 0) return state
  const draft = new Draft(state)
  for (const [path] of owned) draft.remove(path, call?.result?.zxid ?? 0)
  return draft.nodes
}

function step(state: TreeState, timed: Timed): TreeState | undefined {
  if (timed.isEnd) return end(state, timed)
  if (timed.call === undefined) return state
  const { operation } = timed.call
  switch (operation.kind) {
    case 'create':
    case 'set':
    case 'delete':
      return write(state, timed, operation)
    case 'get':
    case 'exists':
    case 'children':
      return read(state, operation, answerOf(timed.call)!)
    default:
      return state
  }
}

function keyOf(state: TreeState): string {
  const nodes = [...state].sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify(nodes.map(([path, node]) => [path, { ...node, names: undefined }]))
}

export const TREE_MODEL: Model<Timed, TreeState> = {
  initial: EMPTY_TREE,
  step,
  // What succeeded always changes something; an end is its session's last step.
  isInert: () => true,
  keyOf,
}
