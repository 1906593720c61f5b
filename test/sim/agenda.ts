/**
 * Virtual time: what is to happen, by when. Two things due at the same moment happen in the order they were planned, so
 * a run depends on nothing but its seed. Times are whole microseconds since the run began.
 */

export type Action = () => void

interface Entry {
  readonly time: number
  readonly order: number
  readonly run: Action
}

function precedes(a: Entry, b: Entry): boolean {
  return a.time === b.time ? a.order < b.order : a.time < b.time
}

export class Agenda {
  /** A binary heap: no entry precedes its parent. */
  readonly #heap: Entry[] = []
  /** For the end of the present moment, in order; those before `#soonAt` are done. */
  #soon: Action[] = []
  #soonAt = 0
  #now = 0
  #planned = 0
  #done = 0

  get now(): number {
    return this.#now
  }

  /** Actions run so far. */
  get done(): number {
    return this.#done
  }

  at(time: number, run: Action): void {
    const entry = { time: Math.max(time, this.#now), order: this.#planned++, run }
    const heap = this.#heap
    let at = heap.length
    heap.push(entry)
    while (at > 0) {
      const parent = (at - 1) >>> 1
      if (!precedes(entry, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = entry
  }

  after(delay: number, run: Action): void {
    this.at(this.#now + delay, run)
  }

  /** When all else that is due at this moment is done; costs less than a place in time. */
  soon(run: Action): void {
    this.#soon.push(run)
  }

  /** Runs what is due until `time`, and what becomes due by it. */
  runUntil(time: number): void {
    for (;;) {
      const next = this.#heap[0]
      if (next !== undefined && next.time <= this.#now) this.#take().run()
      else if (this.#soonAt < this.#soon.length) this.#runSoon()
      else if (next !== undefined && next.time <= time) this.#now = next.time
      else break
    }
    this.#now = time
  }

  #runSoon(): void {
    const run = this.#soon[this.#soonAt++]!
    if (this.#soonAt === this.#soon.length) {
      this.#soon = []
      this.#soonAt = 0
    }
    this.#done++
    run()
  }

  #take(): Entry {
    this.#done++
    const heap = this.#heap
    const first = heap[0]!
    const moved = heap.pop()!
    const { length } = heap
    if (length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= length) break
      if (child + 1 < length && precedes(heap[child + 1]!, heap[child]!)) child++
      if (!precedes(heap[child]!, moved)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = moved
    return first
  }
}
