/**
 * The lifeline of a peer's thread: one word of shared memory by which the supervisor has the thread stand still before
 * it is ended. To abort a thread just anywhere is not safe for the process: native code that is cut off while it asks
 * for a value (LevelDB's binding, at the options of a write) goes on with what happens to be in memory.
 */

const LIVE = 0
/** Cut, and not yet noticed. */
const CUT = 1
/** Stands still, and does nothing any more. */
const STOPPED = 2
/** Does something in which it may be ended at any time. */
const RESTING = 3

export class Lifeline {
  readonly memory: SharedArrayBuffer
  readonly #word: Int32Array

  constructor(memory = new SharedArrayBuffer(4)) {
    this.memory = memory
    this.#word = new Int32Array(memory)
  }

  /** Supervisor: lets the thread stop as soon as it may. */
  cut(): void {
    if (this.#change(RESTING, STOPPED)) return
    if (this.#change(LIVE, CUT)) Atomics.notify(this.#word, 0)
  }

  /** Supervisor, after `cut`: waits for the stop, at most this long. */
  async stopped(patienceMs: number): Promise<void> {
    await Atomics.waitAsync(this.#word, 0, CUT, patienceMs).value
  }

  /** As `stopped`, but blocks the caller. */
  awaitStop(patienceMs: number): void {
    Atomics.wait(this.#word, 0, CUT, patienceMs)
  }

  /** Thread: from now on it stops between two of its turns when it is cut; at once when it is already. */
  hold(): void {
    if (Atomics.load(this.#word, 0) !== LIVE) this.#stop()
    void Promise.resolve(Atomics.waitAsync(this.#word, 0, LIVE).value).then(() => this.#stop())
  }

  /** Thread: while `work` runs it may be ended; then `rest` does not return. */
  rest(work: () => void): void {
    if (!this.#change(LIVE, RESTING)) this.#stop()
    work()
    if (!this.#change(RESTING, LIVE)) this.#stop()
  }

  /** Does not return: the thread waits for its end. */
  #stop(): never {
    Atomics.store(this.#word, 0, STOPPED)
    Atomics.notify(this.#word, 0)
    for (;;) Atomics.wait(this.#word, 0, STOPPED)
  }

  #change(from: number, to: number): boolean {
    return Atomics.compareExchange(this.#word, 0, from, to) === from
  }
}
