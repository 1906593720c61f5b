/**
 * Makes a failing run smaller: the same check must fail with fewer faults, fewer ticks and fewer clients. What is left
 * is near to what it takes. Each attempt is a run, and there is a limit to their number, and to their length together.
 */

import type { Recipe } from './recipe.ts'
import type { RunResult } from './run.ts'

/** What of a run tells whether it is smaller. */
export type Outcome = Pick<RunResult, 'violation' | 'faults' | 'knobs' | 'endTick'>

export interface Shrunk<Result extends Outcome> {
  readonly recipe: Recipe
  readonly result: Result
  /** Runs made. */
  readonly attempts: number
}

export interface Effort {
  readonly attempts: number
  readonly ticks: number
}

/** Somewhat less than a minute. */
const EFFORT_MAX: Effort = { attempts: 300, ticks: 200_000 }

class Shrinker<Result extends Outcome> {
  readonly #attempt: (recipe: Recipe) => Result
  readonly #effortMax: Effort
  readonly #check: string
  readonly #lastOrdinal: number
  #recipe: Recipe
  #result: Result
  #attempts = 0
  #ticks = 0

  constructor(
    recipe: Recipe,
    result: Result,
    attempt: (recipe: Recipe) => Result,
    effortMax: Effort,
  ) {
    this.#recipe = recipe
    this.#result = result
    this.#attempt = attempt
    this.#effortMax = effortMax
    this.#check = result.violation?.check ?? ''
    this.#lastOrdinal = Math.max(0, ...result.faults.map(({ ordinal }) => ordinal))
  }

  get shrunk(): Shrunk<Result> {
    return { recipe: this.#recipe, result: this.#result, attempts: this.#attempts }
  }

  /** Fewer ticks first: with each tick less, all other attempts take less time. */
  work(): void {
    this.#fewerTicks()
    this.#fewerFaults()
    this.#fewerClients()
    this.#fewerTicks()
  }

  #fails(change: Partial<Recipe>): boolean {
    const { attempts, ticks } = this.#effortMax
    if (this.#attempts >= attempts || this.#ticks >= ticks) return false
    const recipe = { ...this.#recipe, ...change }
    const result = this.#attempt(recipe)
    this.#attempts++
    this.#ticks += result.endTick
    if (result.violation?.check !== this.#check) return false
    this.#recipe = recipe
    this.#result = result
    return true
  }

  /** Whether a run fails need not depend on the number of its ticks alone: the search is for fewer, not the fewest. */
  #fewerTicks(): void {
    const { safetyTicks } = this.#result.knobs
    let high = Math.min(safetyTicks, this.#result.endTick)
    // What failed before the faults were over fails as well when they are over just after.
    if (high < safetyTicks && !this.#fails({ ticks: high })) return
    let low = 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#fails({ ticks: middle })) high = middle
      else low = middle + 1
    }
  }

  /** Delta debugging: leaves out ever smaller parts, for as long as any can be left out. */
  #fewerFaults(): void {
    let kept = this.#result.faults.map(({ ordinal }) => ordinal)
    if (kept.length === 0 || this.#failsWith([])) return
    let parts = Math.min(2, kept.length)
    while (kept.length > 1) {
      const size = Math.ceil(kept.length / parts)
      const fewer = this.#withoutAPart(kept, size)
      if (fewer !== undefined) {
        kept = fewer
        parts = Math.min(Math.max(parts - 1, 2), kept.length)
      } else if (size === 1) {
        return
      } else {
        parts = Math.min(2 * parts, kept.length)
      }
    }
  }

  #withoutAPart(kept: readonly number[], size: number): number[] | undefined {
    for (let from = 0; from < kept.length; from += size) {
      const rest = [...kept.slice(0, from), ...kept.slice(from + size)]
      if (this.#failsWith(rest)) return rest
    }
    return undefined
  }

  /** Faults that hit nobody are left out too: they might hit somebody now. */
  #failsWith(kept: readonly number[]): boolean {
    const without: number[] = []
    for (let ordinal = 1; ordinal <= this.#lastOrdinal; ordinal++) {
      if (!kept.includes(ordinal)) without.push(ordinal)
    }
    return this.#fails({ without })
  }

  #fewerClients(): void {
    for (let clients = 1; clients < this.#result.knobs.clients; clients++) {
      if (this.#fails({ clients })) return
    }
  }
}

/** `result` is what came of `recipe`: a violation. */
export function shrink<Result extends Outcome>(
  recipe: Recipe,
  result: Result,
  attempt: (recipe: Recipe) => Result,
  effortMax: Effort = EFFORT_MAX,
): Shrunk<Result> {
  const shrinker = new Shrinker(recipe, result, attempt, effortMax)
  shrinker.work()
  return shrinker.shrunk
}
