/** The options of the public methods, and the checks that turn a mistake into a BAD_ARGUMENTS that names it. */

import { MessagePort } from 'node:worker_threads'
import type { AclEntry } from '../base/acl.ts'
import { show, TreeError } from '../base/errors.ts'
import {
  SESSION_TIMEOUT_MS_DEFAULT,
  SESSION_TIMEOUT_MS_MAX,
  SESSION_TIMEOUT_MS_MIN,
} from '../base/limits.ts'
import { isSid, type Sid } from '../base/zxid.ts'
import type { SessionState } from './core.ts'
import type { Watcher } from './core-watches.ts'

/** What a znode holds: text is stored as UTF-8, bytes as they are (copied during the call). */
export type Data = string | Uint8Array

export interface CreateOptions {
  /** The node goes when the session ends; it cannot have children. Default false. */
  readonly ephemeral?: boolean | undefined
  /** Ten digits that only grow are added to the path: `/jobs/job-` makes `/jobs/job-0000000007`. Default false. */
  readonly sequential?: boolean | undefined
  /**
   * Missing ancestors are created too (persistent, empty, open), in the same transaction; the path may then name 256 of
   * them. Default false.
   */
  readonly parents?: boolean | undefined
  /** Who may do what with the node. Default: anyone may do anything. */
  readonly acl?: readonly AclEntry[] | undefined
}

export interface VersionOptions {
  /** Do it only if the data has this version (`stat.version`); -1, the default, means any. */
  readonly version?: number | undefined
}

export interface WatchOptions {
  /** Called once, with the next change of what was read. */
  readonly watch?: Watcher | undefined
}

const READS = ['local', 'peer'] as const
export type Reads = (typeof READS)[number]

export interface ConnectOptions {
  /**
   * Session timeout in milliseconds, from 300 to 600,000; default 10,000. A session that no peer serves for this long
   * expires and its ephemeral nodes go: its home died, and no other could be reached or the thread was too busy to move
   * there. A thread that is merely busy keeps its session as long as its home lives; one that ends loses it at once.
   */
  readonly timeoutMs?: number | undefined
  /**
   * Longest a call waits for its answer, in milliseconds from the moment it is made, also while its own thread is busy
   * with something else; default 30,000, `Infinity` for no limit.
   */
  readonly operationTimeoutMs?: number | undefined
  /**
   * Peer (server id) to connect to, at first and after a loss, if it serves then, which one that recovers does not; by
   * default the leader.
   */
  readonly peer?: number | undefined
  /**
   * Where reads are answered. `'local'`, the default: with the first read, the thread begins to keep a replica of the
   * whole tree, which all its sessions share; once that is level with the session's home, reads are answered from it
   * at memory speed. `'peer'`: by the home, at the price of a message each way; for a thread that reads little, or must
   * not hold the tree. What a read may show is the same.
   */
  readonly reads?: Reads | undefined
  /** Called with each new state of the session, in order with answers and watch events. */
  readonly onState?: ((state: SessionState) => void) | undefined
}

/** Connect options after the check, with the defaults filled in. */
export interface LineOptions {
  readonly timeoutMs: number
  readonly operationTimeoutMs: number
  readonly peer: Sid | undefined
  readonly reads: Reads
  readonly onState: ((state: SessionState) => void) | undefined
}

const OPERATION_TIMEOUT_MS_DEFAULT = 30_000

export function badArgument(message: string, path?: string): TreeError {
  return new TreeError('BAD_ARGUMENTS', message, { path })
}

/** What has options as properties: a promise of them, a Map or a list would pass for none at all. */
const OPTION_TAGS: readonly string[] = ['[object Object]', '[object Module]']

/**
 * Refuses what is not an options object, and names that mean nothing: a misspelt `verison` must not pass for "any".
 * @throws TreeError BAD_ARGUMENTS.
 */
export function checkOptions(
  method: string,
  options: object | undefined,
  known: readonly string[],
  path?: string,
): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null) {
    throw badArgument(`options of ${method} must be an object, not ${show(options)}`, path)
  }
  const tag = Object.prototype.toString.call(options)
  if (!OPTION_TAGS.includes(tag)) {
    const kind = tag.slice('[object '.length, -1)
    throw badArgument(`options of ${method} must be a plain object, not of kind ${kind}`, path)
  }
  for (const name in options) {
    if (known.includes(name)) continue
    throw badArgument(`unknown option "${name}" of ${method}: known are ${known.join(', ')}`, path)
  }
}

/** An optional boolean; absent means false. */
export function checkFlag(value: unknown, name: string, path: string | undefined): boolean {
  if (value === undefined) return false
  if (typeof value === 'boolean') return value
  throw badArgument(`option ${name} must be true or false, not ${show(value)}`, path)
}

/** An optional function. */
export function checkFunction<F>(value: F | undefined, name: string, path?: string): F | undefined {
  if (value === undefined || typeof value === 'function') return value
  throw badArgument(`option ${name} must be a function, not ${show(value)}`, path)
}

function checkOperationTimeout(value: number): number {
  if (typeof value === 'number' && value >= 1) return value
  throw badArgument(`option operationTimeoutMs must be a number from 1, not ${show(value)}`)
}

function checkSessionTimeout(value: number): number {
  const inRange = (ms: number) => ms >= SESSION_TIMEOUT_MS_MIN && ms <= SESSION_TIMEOUT_MS_MAX
  if (Number.isInteger(value) && inRange(value)) return value
  const range = `${SESSION_TIMEOUT_MS_MIN} to ${SESSION_TIMEOUT_MS_MAX}`
  throw badArgument(`option timeoutMs must be an integer from ${range}, not ${show(value)}`)
}

function checkReads(value: Reads): Reads {
  if (READS.includes(value)) return value
  throw badArgument(`option reads must be one of ${READS.join(', ')}, not ${show(value)}`)
}

const CONNECT_OPTIONS: readonly (keyof ConnectOptions)[] = [
  'timeoutMs',
  'operationTimeoutMs',
  'peer',
  'reads',
  'onState',
]

export function checkConnect(handle: MessagePort, options: ConnectOptions = {}): LineOptions {
  if (!(handle instanceof MessagePort)) {
    throw badArgument(`a handle is a MessagePort, not ${show(handle)}: take one from the ensemble`)
  }
  checkOptions('connect', options, CONNECT_OPTIONS)
  // Defaults are for what is absent: null is no value of any option.
  const {
    timeoutMs = SESSION_TIMEOUT_MS_DEFAULT,
    operationTimeoutMs = OPERATION_TIMEOUT_MS_DEFAULT,
    peer,
    reads = 'local',
    onState,
  } = options
  if (peer !== undefined && !isSid(peer)) {
    throw badArgument(`option peer must be a server id from 1 to 254, not ${show(peer)}`)
  }
  return {
    timeoutMs: checkSessionTimeout(timeoutMs),
    operationTimeoutMs: checkOperationTimeout(operationTimeoutMs),
    peer,
    reads: checkReads(reads),
    onState: checkFunction(onState, 'onState'),
  }
}
