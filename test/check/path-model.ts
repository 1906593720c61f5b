/**
 * One path on its own: is it there, with which data, version and owner. What happens to other paths is seen only as far
 * as it says something of this one for sure: a child that was created had a parent, and one that was refused for want
 * of a parent had none. Everything else that ties paths together (a node with children stays, sequence numbers) is left
 * to the model of the whole tree. So this model takes every history that the whole one takes, and some more.
 */

import { PERMISSIONS } from '../../lib/index.ts'
import {
  answerOf,
  type Call,
  type Change,
  type Create,
  isRead,
  parentPath,
  type Result,
} from './history.ts'
import { agreeWith, changed, mayRead, type NodeState, newNode, versionFits } from './node-state.ts'
import type { Timed } from './timeline.ts'
import type { Model } from './wgl.ts'

/** What a call, or a session's end, means to one path. */
export interface PathAct {
  readonly timed: Timed
  readonly role:
    | 'own'
    /** It goes with its session, if that owns it. */
    | 'end'
    /** A child was created: the node is there and not ephemeral. */
    | 'parent'
    /** A descendant was created together with what was missing above it. */
    | 'ancestor'
    /** A create was refused because it is missing. */
    | 'missing'
    /** Something else of the session happened, by which what came before it has happened or never will. */
    | 'fence'
}

/** `null` while there is no node. */
export type PathState = NodeState | null

/** What is added to the path of a sequential node. */
export const SEQUENCE = /\d{10}$/

/** The paths a timed call or end says something of. Ends concern what their session may have created. */
export function* actsOf(timed: Timed): Generator<readonly [string, PathAct]> {
  const { call } = timed
  if (call === undefined || timed.isEnd) return
  const { operation } = call
  if (operation.kind === 'create') yield* actsOfCreate(timed, call, operation)
  else if ('path' in operation) yield [operation.path, { timed, role: 'own' }]
}

function* actsOfCreate(
  timed: Timed,
  call: Call,
  { path, sequential, parents }: Create,
): Generator<readonly [string, PathAct]> {
  const answer = answerOf(call)
  const made = answer?.path ?? (sequential ? undefined : path)
  if (made !== undefined) yield [made, { timed, role: 'own' }]
  let above = parentPath(path)
  if (parents) {
    if (answer !== undefined && answer.code !== undefined) return
    for (; above !== '/'; above = parentPath(above)) yield [above, { timed, role: 'ancestor' }]
  } else if (above === '/' || answer === undefined) {
    return
  } else if (answer.code === undefined) {
    yield [above, { timed, role: 'parent' }]
  } else if (answer.code === 'NO_NODE') {
    yield [above, { timed, role: 'missing' }]
  }
}

/** Whether a sequential create whose path nobody was told may have made this node. */
export function mayHaveMade({ operation }: Call, path: string): boolean {
  if (operation.kind !== 'create' || !operation.sequential) return false
  const { length } = path
  return SEQUENCE.test(path) && path.slice(0, length - 10) === operation.path
}

function create(state: PathState, operation: Create, timed: Timed): PathState | undefined {
  const answer = answerOf(timed.call!)
  switch (answer?.code) {
    case undefined:
      break
    case 'NODE_EXISTS':
      return state === null && !operation.sequential ? undefined : state
    case 'NO_NODE':
    case 'NO_CHILDREN_FOR_EPHEMERALS':
      return state === null || operation.sequential ? state : undefined
    default:
      return state
  }
  if (state !== null) return answer === undefined ? state : undefined
  const permissions = operation.permissions ?? PERMISSIONS.ALL
  const owner = operation.ephemeral ? timed.session : undefined
  const node = newNode(operation.data, permissions, owner, zxidIn(answer))
  return answer === undefined ? node : agreeWith(node, answer)
}

function zxidIn(answer: Result | undefined): number {
  return answer?.zxid ?? answer?.stat?.mzxid ?? 0
}

function change(state: PathState, { kind, version, data }: Change, answer: Result | undefined) {
  switch (answer?.code) {
    case 'NO_NODE':
      return state === null ? state : undefined
    case 'BAD_VERSION':
      return state !== null && !versionFits(state, version) ? state : undefined
    case 'NOT_EMPTY':
      return state !== null && versionFits(state, version) ? state : undefined
    case undefined:
      break
    default:
      return state
  }
  if (state === null || !versionFits(state, version)) {
    return answer === undefined ? state : undefined
  }
  if (kind === 'delete') return null
  if ((state.permissions & PERMISSIONS.WRITE) === 0) {
    return answer === undefined ? state : undefined
  }
  const node = changed(state, data!, zxidIn(answer))
  return answer === undefined ? node : agreeWith(node, answer)
}

function read(state: PathState, answer: Result): PathState | undefined {
  if (state === null) return answer.code === 'NO_NODE' ? state : undefined
  if (!mayRead(state)) return answer.code === 'NO_AUTH' ? state : undefined
  return answer.code === undefined ? agreeWith(state, answer) : undefined
}

function own(state: PathState, timed: Timed): PathState | undefined {
  const call = timed.call!
  const { operation } = call
  if (operation.kind === 'create') return create(state, operation, timed)
  if (isRead(operation)) return read(state, answerOf(call)!)
  return change(state, operation as Change, answerOf(call))
}

function step(state: PathState, { timed, role }: PathAct, required: boolean) {
  switch (role) {
    case 'own':
      return own(state, timed)
    case 'end':
      return state?.owner === timed.session.name ? null : state
    case 'parent':
      return state === null || state.owner !== undefined ? undefined : state
    case 'missing':
      return state === null ? state : undefined
    case 'fence':
      return state
    case 'ancestor':
      if (state === null) return newNode('', PERMISSIONS.ALL, undefined, zxidIn(timed.call!.result))
      return required && state.owner !== undefined ? undefined : state
  }
}

const ROOT_NODE = newNode('', PERMISSIONS.ALL, undefined, 0)

export function pathModel(path: string): Model<PathAct, PathState> {
  const initial = path === '/' ? ROOT_NODE : null
  return {
    initial,
    step,
    // What was there above a new node now may have had to be made by it later.
    isInert: ({ role }) => role !== 'ancestor',
    keyOf: state => JSON.stringify(state),
  }
}
