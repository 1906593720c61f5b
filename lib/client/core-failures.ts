/** Codes become sentences here: what happened, to which path, and what to do about it. */

import { type ErrorCode, TreeError } from '../base/errors.ts'
import { parentOf, ROOT } from '../base/path.ts'
import { isRead, type ReadRequest, type WriteRequest } from '../base/request.ts'

type Request = ReadRequest | WriteRequest

const VERBS: Readonly<Record<Request['kind'], string>> = {
  create: 'create',
  delete: 'delete',
  set: 'set',
  get: 'get',
  exists: 'look for',
  children: 'list the children of',
  sync: 'sync',
  closeSession: 'close the session',
}

function subjectOf(request: Request): string {
  return 'path' in request ? `${VERBS[request.kind]} ${request.path}` : VERBS[request.kind]
}

function missing(request: Request): string {
  if (request.kind === 'create') {
    const parent = parentOf(request.path)
    return `${parent} does not exist: create it first, or pass { parents: true }`
  }
  const path = 'path' in request ? request.path : ROOT
  return `${path} does not exist: create it first, or ask exists() when it may be missing`
}

function badVersion(request: Request): string {
  const expected = 'version' in request ? `it is not at version ${request.version}` : 'it changed'
  return `${expected}: get it again and repeat the change with the version found`
}

/** Said of a call that ends without an answer. */
function outcomeOf(request: Request): string {
  return isRead(request)
    ? 'nothing was read, so ask again'
    : 'whether it was done is not known, so read before you repeat it'
}

function existing(request: Request): string {
  return request.kind === 'create' && request.sequential
    ? 'the node with the next number exists already: delete it, or begin with another path'
    : 'it exists already: use set() to change it, or treat this as done'
}

function reasonOf(code: ErrorCode, request: Request): string {
  const outcome = outcomeOf(request)
  switch (code) {
    case 'NO_NODE':
      return missing(request)
    case 'NODE_EXISTS':
      return existing(request)
    case 'NOT_EMPTY':
      return 'it has children: delete them first'
    case 'BAD_VERSION':
      return badVersion(request)
    case 'NO_CHILDREN_FOR_EPHEMERALS':
      return 'its parent is ephemeral and cannot have children: choose another parent'
    case 'NO_AUTH':
      return 'the ACL does not permit it: change the ACL, or ask whoever set it'
    case 'DATA_TOO_LARGE':
      return 'the data is over the limit dataBytesMax: split it, or raise the limit'
    case 'BAD_ARGUMENTS':
      return request.kind === 'delete'
        ? 'the root stays: delete its children instead'
        : 'the ensemble refused it: check the path (sequence numbers end at 2147483647)'
    case 'SESSION_EXPIRED':
      return `the session expired and its ephemeral nodes are gone; ${outcome}: connect again`
    case 'CONNECTION_LOSS':
      return `no peer was reachable within the session timeout; ${outcome}`
    case 'OPERATION_TIMEOUT':
      return `no answer within operationTimeoutMs; ${outcome}`
    case 'CLOSED':
      return 'the session is closed: connect again'
    case 'PEER_FAILED':
      return `the session broke down on a fault of its own; ${outcome}: connect again`
    default:
      return `the ensemble answered ${code}: see the code's entry in README`
  }
}

/** The error a user meets when `request` ended with `code`. */
export function failureOf(code: ErrorCode, request: Request): TreeError {
  const path = 'path' in request ? request.path : undefined
  return new TreeError(code, `cannot ${subjectOf(request)}: ${reasonOf(code, request)}`, { path })
}
