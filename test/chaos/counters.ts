/** What really happened in a run, by name: sums, and the largest values seen. */

export class Counters {
  readonly #sums = new Map<string, number>()
  readonly #peaks = new Map<string, number>()

  count(name: string, times = 1): void {
    this.#sums.set(name, this.of(name) + times)
  }

  /** Keeps the largest value. */
  peak(name: string, value: number): void {
    this.#peaks.set(name, Math.max(value, this.#peaks.get(name) ?? 0))
  }

  of(name: string): number {
    return this.#sums.get(name) ?? 0
  }

  peakOf(name: string): number {
    return this.#peaks.get(name) ?? 0
  }

  /** All sums whose name begins so, as `name count` with the prefix left out, the most frequent first. */
  list(prefix: string): string {
    const found = [...this.#sums].filter(([name]) => name.startsWith(prefix))
    found.sort(([, a], [, b]) => b - a)
    return found.map(([name, sum]) => `${name.slice(prefix.length)} ${sum}`).join(', ') || 'none'
  }

  total(prefix: string): number {
    let sum = 0
    for (const [name, value] of this.#sums) if (name.startsWith(prefix)) sum += value
    return sum
  }
}
