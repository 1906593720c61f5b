/** What a campaign holds what it finds against: a journal of what must be there. */

import type { Acknowledged, Observed } from './messages.ts'

export interface Expectation {
  /** Acknowledged writes so far. */
  readonly acknowledged: number
  /** How many facts were looked up in what was observed. */
  readonly checked: number
  /** What was found wrong so far, each a sentence. */
  readonly findings: readonly string[]
  /** Nodes to delete in the next life. */
  chooseDeletions(choose: (paths: readonly string[]) => readonly string[]): readonly string[]
  acknowledge(write: Acknowledged, session: string): void
  /** A new life begins to write: what it has acknowledged comes after all that was acknowledged before. */
  begin(): void
  /** Compares, and goes on from what is there. */
  verify(observed: Observed): void
  /** All was lost and is made anew. */
  restart(): void
  /** Adds what was found wrong elsewhere. */
  find(what: string): void
}

/** A sentence, unless all peers have the same tree. */
export function findDifference(digests: Observed['digests']): string | undefined {
  if (new Set(digests.map(({ digest }) => digest)).size === 1) return undefined
  const each = digests.map(({ sid, digest }) => `peer ${sid} has ${digest.toString(16)}`)
  return `the peers differ: ${each.join(', ')}`
}
