/**
 * Every way a call can fail. Inside the rooms a failure is data (`ErrorCode`); it becomes a `TreeError` at the public
 * edge only, because structured clone would drop the class and its fields on the way across a thread.
 */

/** Stable codes and their ZooKeeper numbers (KeeperException.Code); 0 where ZooKeeper has none. */
export const ERROR_CODES = {
  CONNECTION_LOSS: -4,
  UNIMPLEMENTED: -6,
  OPERATION_TIMEOUT: -7,
  BAD_ARGUMENTS: -8,
  NO_NODE: -101,
  NO_AUTH: -102,
  BAD_VERSION: -103,
  NO_CHILDREN_FOR_EPHEMERALS: -108,
  NODE_EXISTS: -110,
  NOT_EMPTY: -111,
  SESSION_EXPIRED: -112,
  INVALID_ACL: -114,
  SESSION_MOVED: -118,
  DATA_TOO_LARGE: 0,
  CLOSED: 0,
  NO_QUORUM: 0,
  NO_SUCH_PEER: 0,
  DIRECTORY_LOCKED: 0,
  DIRECTORY_NOT_OURS: 0,
  DIRECTORY_DAMAGED: 0,
  FORMAT_TOO_NEW: 0,
  MEMBERSHIP_MISMATCH: 0,
  NO_PERMISSION: 0,
  NO_SPACE: 0,
  STORAGE_FAILED: 0,
  PEER_FAILED: 0,
} as const

export type ErrorCode = keyof typeof ERROR_CODES

/** The code's place in this list is its number in frames and in the log: append only. */
const WIRE_ORDER: readonly ErrorCode[] = Object.keys(ERROR_CODES) as ErrorCode[]
const WIRE_NUMBER: ReadonlyMap<ErrorCode, number> = new Map(
  WIRE_ORDER.map((code, at) => [code, at + 1]),
)

/** A code's number in frames and in the log; 0 stands for success. */
export function errorToWire(code: ErrorCode | undefined): number {
  return code === undefined ? 0 : WIRE_NUMBER.get(code)!
}

export function errorFromWire(wire: number): ErrorCode | undefined {
  return wire === 0 ? undefined : WIRE_ORDER[wire - 1]
}

export interface TreeErrorOptions {
  readonly path?: string | undefined
  readonly cause?: unknown
}

/**
 * The one error class of the public API.
 *
 * `code` is stable and documented in README; `zkCode` is ZooKeeper's number for it (0 where it has none); `path` is
 * the znode, or the file or directory for storage failures; the message ends with what to do.
 *
 * @example
 * try { tree.get('/missing') } catch (error) {
 *   if (error instanceof TreeError && error.code === 'NO_NODE') { … }
 * }
 */
export class TreeError extends Error {
  override readonly name = 'TreeError'
  readonly code: ErrorCode
  readonly zkCode: number
  readonly path: string | undefined

  constructor(code: ErrorCode, message: string, options: TreeErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.zkCode = ERROR_CODES[code]
    this.path = options.path
  }
}

/** A value as a message shows it, whatever it is. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 80))
  // Its text may be long, and is whatever it says.
  if (typeof value === 'function') return 'a function'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
