/** The words of shared memory between the measuring thread and those that put: what each place means. */

/** Number of the round; changed to start one. */
export const ROUND = 0
/** How many threads have finished the round. */
export const DONE = 1
export const SIGNAL_WORDS = 2
/** The round that ends them. */
export const STOP = -1
