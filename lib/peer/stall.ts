/** A thread that stands still on purpose: the fault of a pause, from within. */

/**
 * Keeps the calling thread from doing anything else for `ms`, or until `resume[0]` is no longer 0 (and notified). It
 * sleeps, or with `busy` computes, which takes a core from the others too.
 */
export function stall(resume: Int32Array, ms: number, busy: boolean): void {
  if (!busy) {
    Atomics.wait(resume, 0, 0, ms)
    return
  }
  const until = performance.now() + ms
  while (Atomics.load(resume, 0) === 0 && performance.now() < until);
}
