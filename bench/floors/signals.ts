/** The words of shared memory between the measuring thread and those that put. */

/** Number of the round; changed to start one. */
export const ROUND = 0
/** How many threads have finished the round. */
export const DONE = 1
export const SIGNAL_WORDS = 2
/** The round that ends them. */
export const STOP = -1

/**
 * Blocks until the round after `round` has begun, and returns it. A wake-up alone tells nothing: that for a round may
 * come when its put is done already, since who starts it writes the word first and wakes after that.
 */
export function awaitRoundAfter(round: number, signals: Int32Array): number {
  for (;;) {
    const found = Atomics.load(signals, ROUND)
    if (found !== round) return found
    Atomics.wait(signals, ROUND, round)
  }
}
