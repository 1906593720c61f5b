/** What makes a run: a seed, and what is changed of what the seed draws. The command line says it, and is told it. */

import { type Profile, profileOf } from './knobs.ts'
import type { MutationName } from './mutations.ts'
import type { WorldOptions } from './world.ts'

export interface Recipe {
  readonly seed: number
  readonly mutation: MutationName
  /** The seed's own unless said otherwise. */
  readonly profile?: Profile | undefined
  /** Length of the safety phase. */
  readonly ticks?: number | undefined
  readonly clients?: number | undefined
  /** Ordinals of the faults that are left out. */
  readonly without?: readonly number[] | undefined
}

export function optionsOf(recipe: Recipe): WorldOptions {
  const { seed, mutation, profile, ticks, clients, without } = recipe
  return {
    seed,
    mutation,
    profile,
    knobs: {
      ...(ticks === undefined ? {} : { safetyTicks: ticks }),
      ...(clients === undefined ? {} : { clients }),
    },
    skippedFaults: new Set(without),
  }
}

/** The command that makes this very run. */
export function commandOf(recipe: Recipe): string {
  const { seed, mutation, profile = profileOf(recipe.seed), ticks, clients, without = [] } = recipe
  return [
    `npm run sim -- --seed ${seed}`,
    profile === profileOf(seed) ? '' : ` --profile ${profile}`,
    ticks === undefined ? '' : ` --ticks ${ticks}`,
    clients === undefined ? '' : ` --clients ${clients}`,
    without.length === 0 ? '' : ` --without ${formatOrdinals(without)}`,
    mutation === 'none' ? '' : ` --mutation ${mutation}`,
  ].join('')
}

/** `1-3,7`. */
export function formatOrdinals(ordinals: readonly number[]): string {
  const spans: [number, number][] = []
  for (const ordinal of [...ordinals].sort((a, b) => a - b)) {
    const span = spans.at(-1)
    if (span !== undefined && ordinal <= span[1] + 1) span[1] = ordinal
    else spans.push([ordinal, ordinal])
  }
  return spans.map(([low, high]) => (low === high ? `${low}` : `${low}-${high}`)).join()
}

export function parseOrdinals(text: string): number[] {
  return text.split(',').flatMap(span => {
    const [low = Number.NaN, high = low] = span.split('-').map(Number)
    if (!(Number.isInteger(low) && Number.isInteger(high) && low > 0 && high >= low)) {
      throw new Error(`faults are given as in 1-3,7, not as ${text}`)
    }
    return Array.from({ length: high - low + 1 }, (_, at) => low + at)
  })
}
