/** Each answer, by itself: what was asked can end so, and tells all that such an end tells. */

import type { ErrorCode } from '../../lib/index.ts'
import { answerOf, type Call, describeCall, type History, type Operation } from './history.ts'
import type { Finding } from './verdict.ts'

const REFUSALS: Readonly<Record<Operation['kind'], readonly ErrorCode[]>> = {
  create: [
    'NODE_EXISTS',
    'NO_NODE',
    'NO_CHILDREN_FOR_EPHEMERALS',
    'NO_AUTH',
    'DATA_TOO_LARGE',
    'INVALID_ACL',
    'BAD_ARGUMENTS',
  ],
  set: ['NO_NODE', 'BAD_VERSION', 'NO_AUTH', 'DATA_TOO_LARGE', 'BAD_ARGUMENTS'],
  delete: ['NO_NODE', 'BAD_VERSION', 'NOT_EMPTY', 'NO_AUTH', 'BAD_ARGUMENTS'],
  get: ['NO_NODE', 'NO_AUTH', 'BAD_ARGUMENTS'],
  exists: ['NO_NODE', 'NO_AUTH', 'BAD_ARGUMENTS'],
  children: ['NO_NODE', 'NO_AUTH', 'BAD_ARGUMENTS'],
  sync: [],
  close: [],
}

export function checkAnswers({ calls }: History): Finding[] {
  return calls
    .filter(call => !fits(call))
    .map(call => {
      return { promise: 'AnswerFits', message: describeCall(call) }
    })
}

function fits(call: Call): boolean {
  const answer = answerOf(call)
  if (answer === undefined) return true
  const { kind } = call.operation
  const { code, path, data, stat, names } = answer
  if (code !== undefined) return REFUSALS[kind].includes(code)
  switch (kind) {
    case 'create':
      return path !== undefined
    case 'set':
    case 'exists':
      return stat !== undefined
    case 'get':
      return data !== undefined && stat !== undefined
    case 'children':
      return names !== undefined
    default:
      return true
  }
}
