/**
 * Assertions, on in production. A failed one is a bug in quorumtree, never a user's mistake: it is thrown as an
 * `InvariantError`, no room catches it, and the peer it happens in dies and is started again from its disk.
 */

/** A broken invariant. Kills the peer (or the client line) it is thrown in; the application goes on. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}

/** Throws an `InvariantError` unless `condition` holds. State one condition per call. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message)
}

/** The last arm of an exhaustive switch: does not compile while a case is missing. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable: ${JSON.stringify(value)}`)
}

let verifying = false

/** Switches the costly checks of `verify` on or off; tests and the simulator switch them on. */
export function setVerifying(on: boolean): void {
  verifying = on
}

/** A costly check: evaluated only while `setVerifying(true)` holds. */
export function verify(check: () => boolean, message: string): void {
  if (verifying) assert(check(), message)
}
