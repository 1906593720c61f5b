/**
 * What is done when the process ends, in the order in which it was asked for. Node.js gets one listener for all of it,
 * as it takes many for a mistake.
 */

const calls = new Set<() => void>()

function callAll(): void {
  for (const call of calls) call()
}

/** Calls it when the process ends, before the listeners that are added to that event from now on. */
export function atExit(call: () => void): void {
  if (calls.size === 0) process.on('exit', callAll)
  calls.add(call)
}

/** Takes it back. */
export function notAtExit(call: () => void): void {
  calls.delete(call)
  if (calls.size === 0) process.off('exit', callAll)
}
