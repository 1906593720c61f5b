/** How often what happened: proof that a clean run has been through something. */

export class Counters {
  readonly #counts = new Map<string, number>()

  add(what: string, count = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + count)
  }

  get(what: string): number {
    return this.#counts.get(what) ?? 0
  }

  merge(other: Readonly<Record<string, number>>): void {
    for (const [what, count] of Object.entries(other)) this.add(what, count)
  }

  toRecord(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)))
  }
}
