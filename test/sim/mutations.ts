/**
 * Bugs on purpose. Each is a mistake that an implementation could make, switched on by the bed around the code under
 * test, never in it; a simulator that does not find them has no say when it finds nothing.
 */

import type { Sid, Zxid } from '../../lib/base/zxid.ts'
import { ZXID_ZERO } from '../../lib/base/zxid.ts'
import { Majority, type Quorum } from '../../lib/zab/quorum.ts'

export interface Mutation {
  /** Writes are reported durable when they begin. */
  readonly ackBeforePersisted?: boolean
  /** The disk ignores truncations. */
  readonly skipTrunc?: boolean
  /** A frame between peers overtakes the one before it, now and then. */
  readonly overtake?: boolean
  readonly quorum?: (voters: readonly Sid[]) => Quorum
}

/** Satisfied by any one voter. */
class QuorumOfOne implements Quorum {
  readonly voters: readonly Sid[]

  constructor(voters: readonly Sid[]) {
    this.voters = voters
  }

  reached(has: (voter: Sid) => boolean): boolean {
    return this.voters.some(has)
  }

  acknowledged(acked: (voter: Sid) => Zxid): Zxid {
    return this.voters.map(acked).reduce((a, b) => (a > b ? a : b), ZXID_ZERO)
  }
}

export const MUTATIONS = {
  none: {},
  ackBeforePersisted: { ackBeforePersisted: true },
  quorumOfOne: { quorum: voters => new QuorumOfOne(voters) },
  skipTrunc: { skipTrunc: true },
  overtake: { overtake: true },
} as const satisfies Readonly<Record<string, Mutation>>

export type MutationName = keyof typeof MUTATIONS

export function isMutationName(name: string): name is MutationName {
  return Object.hasOwn(MUTATIONS, name)
}

export function mutationOf(name: MutationName): Mutation {
  return MUTATIONS[name]
}

export function quorumOf(mutation: Mutation, voters: readonly Sid[]): Quorum {
  return mutation.quorum?.(voters) ?? new Majority(voters)
}
