/** What a run ends with when a promise was broken: the name of the check, as in Zab.tla where it has one, and why. */

export type Check =
  // Zab.tla
  | 'Leadership'
  | 'PrefixConsistency'
  | 'Integrity'
  | 'Agreement'
  | 'TotalOrder'
  | 'LocalPrimaryOrder'
  | 'GlobalPrimaryOrder'
  | 'PrimaryIntegrity'
  // What the code promises beyond the paper.
  | 'QuorumDurability'
  | 'AppliedIsCommitted'
  | 'VoteIsDurable'
  | 'AckIsDurable'
  | 'EpochOrder'
  | 'LogContiguity'
  | 'DigestEquality'
  | 'Recovery'
  // What a client is promised.
  | 'Resolution'
  | 'ExactlyOnce'
  | 'WriteOutcome'
  | 'RealTimeOrder'
  | 'SessionOrder'
  | 'ReadsMatchHistory'
  | 'WatchTold'
  | 'WatchTruth'
  | 'WatchOnce'
  | 'EphemeralOwner'
  | 'SessionLife'
  // The run as a whole.
  | 'Assertion'
  | 'Liveness'

export class Violation extends Error {
  override readonly name = 'Violation'
  readonly check: Check

  constructor(check: Check, message: string, cause?: unknown) {
    super(`${check}: ${message}`, cause === undefined ? undefined : { cause })
    this.check = check
  }
}

/** Throws unless the promise holds. The message is built only when it does not. */
export function holds(condition: boolean, check: Check, message: () => string): asserts condition {
  if (!condition) throw new Violation(check, message())
}
