/**
 * Every way a script can go: it is run again and again until each sequence of its choices was taken once. The script
 * must do the same thing whenever it is given the same choices.
 */

import assert from 'node:assert/strict'

/** Picks one of `count` possibilities, by its index. */
export type Choose = (count: number) => number

interface Taken {
  at: number
  readonly of: number
}

/** Runs the script in all its ways; returns how many there are, of which `runsMax` is a bound. */
export function explore(script: (choose: Choose) => void, runsMax = 100_000): number {
  const path: Taken[] = []
  for (let runs = 1; ; runs++) {
    assert.ok(runs <= runsMax, `more than ${runsMax} ways`)
    runOnce(script, path)
    for (let last = path.at(-1); last !== undefined && last.at + 1 === last.of; last = path.at(-1))
      path.pop()
    const next = path.at(-1)
    if (next === undefined) return runs
    next.at++
  }
}

function runOnce(script: (choose: Choose) => void, path: Taken[]): void {
  let depth = 0
  const choose: Choose = count => {
    assert.ok(count > 0, 'there is something to choose from')
    const taken = path[depth] ?? { at: 0, of: count }
    assert.equal(taken.of, count, 'the script repeats itself')
    path[depth++] = taken
    return taken.at
  }
  try {
    script(choose)
  } catch (error) {
    if (error instanceof Error) {
      const way = path.slice(0, depth).map(({ at }) => at)
      error.message += `\n(choices: ${way.join()})`
    }
    throw error
  }
}
