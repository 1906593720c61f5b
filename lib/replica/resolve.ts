/**
 * One write request against the state as it will be: either it is refused, or it becomes the body of a transaction and
 * the pending view moves on. The checks and their order are ZooKeeper's (PrepRequestProcessor.pRequest2TxnReq).
 */

import { OPEN_ACL, PERMISSIONS, permits } from '../base/acl.ts'
import { assert, unreachable } from '../base/assert.ts'
import type { ErrorCode } from '../base/errors.ts'
import { PARENTS_MAX, SEQUENCE_MAX } from '../base/limits.ts'
import { formatSequence, parentOf, ROOT, type ZPath } from '../base/path.ts'
import type { CreateRequest, DeleteRequest, SetRequest, WriteRequest } from '../base/request.ts'
import type { TxnBody } from '../base/txn.ts'
import { NO_SESSION } from '../base/zxid.ts'
import type { PendingView } from './pending.ts'
import type { Moment, PendingNode, PendingSession } from './pending-facts.ts'

const ANY_VERSION = -1
const NO_DATA = new Uint8Array(0)

/** Where requests are resolved. */
export interface Scene {
  readonly view: PendingView
  readonly at: Moment
  readonly dataBytesMax: number
}

function refused(code: ErrorCode): TxnBody {
  return { type: 'error', code }
}

/** The version after a change. Skips -1, which stands for any version (as ZooKeeper does since 3.10). */
export function nextVersion(version: number): number {
  const next = (version + 1) | 0
  return next === ANY_VERSION ? 0 : next
}

interface Ancestry {
  /** The nearest ancestor there is. */
  readonly node: PendingNode
  /** Those between it and the path, nearest to the path first. */
  readonly missing: readonly ZPath[]
}

/** Undefined when more than `missingMax` ancestors are missing: to look for more would take more time than it may. */
function ancestryOf(view: PendingView, path: ZPath, missingMax: number): Ancestry | undefined {
  const missing: ZPath[] = []
  for (let at = parentOf(path); ; at = parentOf(at)) {
    const node = view.node(at)
    if (node !== undefined) return { node, missing }
    assert(at !== ROOT, 'the root is always there')
    if (missing.length === missingMax) return undefined
    missing.push(at)
  }
}

function resolveCreate(scene: Scene, session: PendingSession, request: CreateRequest): TxnBody {
  const { view, at } = scene
  const { data, acl, ephemeral, parents } = request
  if (data.length > scene.dataBytesMax) return refused('DATA_TOO_LARGE')
  const ancestry = ancestryOf(view, request.path, parents ? PARENTS_MAX : 0)
  if (ancestry === undefined) return refused(parents ? 'BAD_ARGUMENTS' : 'NO_NODE')
  const { node: ancestor, missing } = ancestry
  if (!permits(ancestor.acl, PERMISSIONS.CREATE)) return refused('NO_AUTH')
  let path = request.path
  if (request.sequential) {
    const sequence = missing.length > 0 ? 0 : ancestor.creates
    if (sequence < 0 || sequence > SEQUENCE_MAX) return refused('BAD_ARGUMENTS')
    path = (path + formatSequence(sequence)) as ZPath
  }
  if (missing.length === 0 && view.node(path) !== undefined) return refused('NODE_EXISTS')
  if (ancestor.ephemeralOwner !== NO_SESSION) return refused('NO_CHILDREN_FOR_EPHEMERALS')
  let parent = ancestor
  for (let i = missing.length - 1; i >= 0; i--) {
    parent = view.createNode(parent, missing[i]!, NO_DATA, OPEN_ACL, at)
  }
  view.createNode(parent, path, data, acl, at, ephemeral ? session : undefined)
  return { type: 'create', path, data, acl, ephemeral, parents: missing.length }
}

function resolveDelete(scene: Scene, request: DeleteRequest): TxnBody {
  const { view, at } = scene
  const { path, version } = request
  if (path === ROOT) return refused('BAD_ARGUMENTS')
  const parent = view.node(parentOf(path))
  if (parent === undefined) return refused('NO_NODE')
  if (!permits(parent.acl, PERMISSIONS.DELETE)) return refused('NO_AUTH')
  const node = view.node(path)
  if (node === undefined) return refused('NO_NODE')
  if (version !== ANY_VERSION && version !== node.version) return refused('BAD_VERSION')
  if (node.numChildren > 0) return refused('NOT_EMPTY')
  view.deleteNode(parent, node, at.zxid)
  return { type: 'delete', path }
}

function resolveSet(scene: Scene, request: SetRequest): TxnBody {
  const { view, at } = scene
  const { path, data } = request
  if (data.length > scene.dataBytesMax) return refused('DATA_TOO_LARGE')
  const node = view.node(path)
  if (node === undefined) return refused('NO_NODE')
  if (!permits(node.acl, PERMISSIONS.WRITE)) return refused('NO_AUTH')
  if (request.version !== ANY_VERSION && request.version !== node.version) {
    return refused('BAD_VERSION')
  }
  const version = nextVersion(node.version)
  view.setData(node, data, version, at)
  return { type: 'set', path, data, version }
}

/** Resolves any write of the session, counted already, but its close, which is no write of it any more. */
export function resolveWrite(
  scene: Scene,
  session: PendingSession,
  request: Exclude<WriteRequest, { kind: 'closeSession' }>,
): TxnBody {
  switch (request.kind) {
    case 'create':
      return resolveCreate(scene, session, request)
    case 'delete':
      return resolveDelete(scene, request)
    case 'set':
      return resolveSet(scene, request)
    case 'sync':
      return { type: 'sync' }
    default:
      return unreachable(request)
  }
}
