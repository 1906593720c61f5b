/**
 * What a run ends with when a promise was broken. `CHECKS` is the list of all that a run is checked for: the names of
 * Zab.tla where it has one, and what each says.
 */

export const CHECKS = {
  // Zab.tla. The first two of its predicates, Leadership1 and Leadership2, are one here.
  Leadership: 'no epoch has more than one established leader, nor a second one that says NEWLEADER',
  PrefixConsistency: 'of what two peers delivered, one is a prefix of the other',
  Integrity: 'what is delivered was proposed by a leader, and asked for by a client',
  Agreement: 'what stands at the same place is the same transaction on every peer',
  TotalOrder: 'whoever delivers two transactions delivers them in the same order',
  LocalPrimaryOrder:
    'what one leader proposed is delivered in the order it was proposed in, without gaps',
  GlobalPrimaryOrder: 'nothing of an earlier epoch is delivered after something of a later one',
  PrimaryIntegrity: 'a leader begins with all that was and will be delivered of earlier epochs',
  ShouldNotBeTriggered:
    'no peer says what has no place in its phase, or ends a connection because of it',
  // Durability.
  QuorumDurability: 'what is committed, or acknowledged to a client, is safe on a quorum of disks',
  AppliedIsCommitted: 'nothing is applied to a tree before it is committed',
  VoteIsDurable: 'a vote claims no transaction that is not safe on its own disk',
  AckIsDurable: 'what is acknowledged or promised to a leader is safe on its own disk',
  EpochOrder: 'acceptedEpoch >= currentEpoch >= epoch of the last transaction, and none goes back',
  LogContiguity: 'a log has no hole, in memory and on disk',
  DigestEquality: 'trees at the same zxid have the same digest',
  Recovery: 'a disk can be recovered, whenever the power goes, to a prefix of what is committed',
  // What a client is promised.
  Resolution: 'a request becomes what it comes to in the state before it',
  ExactlyOnce: 'a write is done once, and answered once',
  WriteOutcome: 'a write is answered as it was committed',
  RealTimeOrder: 'a write comes after all that was known when it was asked for',
  SessionOrder: 'a session is answered in order, and never shown a state before one it saw',
  ReadsMatchHistory: 'a read shows the state that the committed transactions made',
  WatchTold: 'a watch is told before data that show the change, and in order',
  WatchTruth: 'a watch is told only of what happened',
  WatchOnce: 'a watch is told once',
  History:
    'what all clients asked and were told has one explanation, whatever the book of the run says',
  // Sessions.
  EphemeralOwner: 'an ephemeral node is there exactly as long as its session',
  SessionLife: 'a session ends by a close or an expiry, and nothing of it comes after',
  ExpiryByLeader:
    'the sessions of a tree are those that committed transactions opened and did not end',
  NoRetroactiveExpiry:
    'a leader expires whom it heard nothing of for all of a time-out in ticks it took',
  // Liveness, after the last fault.
  LeaderInTime: 'there is a leader with a quorum within a bounded number of ticks',
  CallsEnd: 'every call is answered, or given up when its time-out is over',
  Convergence: 'all peers come to the same zxid with the same digest',
  Liveness: 'all else comes to rest as well, and stays so',
  // The code itself.
  Assertion: 'no assertion of the code fails',
} as const

export type Check = keyof typeof CHECKS

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
