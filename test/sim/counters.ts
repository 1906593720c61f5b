/** How often what happened: proof that a clean run has been through something. */

type MaximumName = `most ${string}`

function isMaximum(what: string): what is MaximumName {
  return what.startsWith('most ')
}

export class Counters {
  readonly #counts = new Map<string, number>()

  add(what: string, count = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + count)
  }

  /** What is said of a maximum is that of the largest, here and where counters are merged. */
  atLeast(what: MaximumName, count: number): void {
    this.#counts.set(what, Math.max(this.get(what), count))
  }

  get(what: string): number {
    return this.#counts.get(what) ?? 0
  }

  merge(other: Readonly<Record<string, number>>): void {
    for (const [what, count] of Object.entries(other)) {
      if (isMaximum(what)) this.atLeast(what, count)
      else this.add(what, count)
    }
  }

  toRecord(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)))
  }
}
