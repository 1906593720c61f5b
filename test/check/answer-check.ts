/** Each answer, by itself: what was asked can end so, and tells all that such an end tells. */

import type { ErrorCode } from '../../lib/index.ts'
import { answerOf, type Call, describeCall, type History, type Operation } from './history.ts'
import type { Finding } from './verdict.ts'

const REFUSALS: Readonly<Record<Operation['kind'], readonly ErrorCode[]>> = {
  create: ['NODE_EXISTS', 'NO_NODE', 'NO_CHILDREN_FOR_EPHEMERALS', 'NO_AUTH', 'DATA_TOO_LARGE'],
  set: ['NO_NODE', 'BAD_VERSION', 'NO_AUTH', 'DATA_TOO_LARGE'],
  delete: ['NO_NODE', 'BAD_VERSION', 'NOT_EMPTY', 'NO_AUTH', 'BAD_ARGUMENTS'],
  get: ['NO_NODE', 'NO_AUTH'],
  exists: ['NO_NODE', 'NO_AUTH'],
  children: ['NO_NODE', 'NO_AUTH'],
  sync: [],
  close: [],
}

export function checkAnswers({ calls }: History): Finding[] {
  const written = calls.filter(isDone)
  const largest = written.reduce((bytes, call) => Math.max(bytes, bytesOf(call)), 0)
  return calls
    .filter(call => !fits(call, largest))
    .map(call => {
      return { promise: 'AnswerFits', message: describeCall(call) }
    })
}

function isDone(call: Call): boolean {
  const answer = answerOf(call)
  return answer !== undefined && answer.code === undefined
}

function bytesOf({ operation }: Call): number {
  return 'data' in operation ? Buffer.byteLength(operation.data ?? '') : 0
}

/** Whether what was refused may be, whatever the tree. What the limit is is not known, but what is within it. */
function mayBeRefused(call: Call, code: ErrorCode, largest: number): boolean {
  const { operation } = call
  if (!REFUSALS[operation.kind].includes(code)) return false
  if (code === 'DATA_TOO_LARGE') return bytesOf(call) > largest
  return code !== 'BAD_ARGUMENTS' || ('path' in operation && operation.path === '/')
}

/** `largest`: bytes that were written at once. */
function fits(call: Call, largest: number): boolean {
  const answer = answerOf(call)
  if (answer === undefined) return true
  const { kind } = call.operation
  const { code, path, data, stat, names } = answer
  if (code !== undefined) return mayBeRefused(call, code, largest)
  // Nothing changes before it is made.
  if (stat !== undefined && Math.min(stat.mzxid, stat.pzxid) < stat.czxid) return false
  switch (kind) {
    case 'create':
      return path !== undefined
    case 'set':
    case 'exists':
      return stat !== undefined
    case 'get':
      return data !== undefined && stat !== undefined
    case 'children':
      return names !== undefined && new Set(names).size === names.length
    default:
      return true
  }
}
