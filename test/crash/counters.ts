/** What was really done in a campaign, counted where it was done. */

import { ENDS, type End } from './life.ts'
import { type LossCounts, MODELS, type Model, noLoss } from './loss.ts'
import type { Harm } from './spoil.ts'

export interface Counters {
  readonly ends: Record<End, number>
  /** Power cuts, by their model. */
  readonly cuts: Record<Model, number>
  readonly loss: LossCounts
  /** Lives with one peer killed and started again and again. */
  disturbed: number
  /** Lives with a peer that opened its store after the others had a leader. */
  late: number
  /** Directories of peers removed. */
  wiped: number
  readonly spoiled: Record<Harm, number>
  /** Damage that recovery has found. */
  damaged: number
  /** Openings without a quorum, because as many stores were damaged. */
  refused: number
}

function zeros<Name extends string>(names: readonly Name[]): Record<Name, number> {
  return Object.fromEntries(names.map(name => [name, 0])) as Record<Name, number>
}

export function newCounters(): Counters {
  return {
    ends: zeros(ENDS),
    cuts: zeros(MODELS),
    loss: noLoss(),
    ...{ disturbed: 0, late: 0, wiped: 0, damaged: 0, refused: 0 },
    spoiled: { chunk: 0, group: 0 },
  }
}

function list(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).filter(([, count]) => count > 0)
  return parts.map(([name, count]) => `${count} ${name}`).join(', ') || 'none'
}

/** Label and text, one pair a line. */
export function describe(counters: Counters): (readonly [string, string])[] {
  const { ends, cuts, loss, disturbed, late, wiped, spoiled, damaged, refused } = counters
  const { atRisk, truncated, dropped, deleted, torn, undone } = loss
  return [
    ['ends', list(ends)],
    [
      'meanwhile',
      list({ 'with a peer killed again and again': disturbed, 'with a late peer': late }),
    ],
    [
      'harm',
      `${wiped} directories wiped, ${spoiled.chunk} chunks and ${spoiled.group} groups spoilt, ` +
        `${damaged} peers found damage, ${refused} openings refused`,
    ],
    ['power cuts', list(cuts)],
    [
      'lost',
      `${dropped} bytes of ${atRisk} files with unsynced parts: ${truncated} cut short, ` +
        `${deleted} never synced and deleted, ${torn} torn; ${undone} changes of names undone`,
    ],
  ]
}
