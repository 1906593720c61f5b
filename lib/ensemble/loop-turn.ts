/**
 * Lets the event loop take in what has arrived. In a thread that was blocked, timers and what was called before may
 * come before the news of its peers; an immediate behind another one comes after them.
 */
export function loopTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(() => setImmediate(resolve)))
}
