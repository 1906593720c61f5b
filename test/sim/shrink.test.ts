import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drawKnobs } from './knobs.ts'
import { commandOf, formatOrdinals, optionsOf, parseOrdinals, type Recipe } from './recipe.ts'
import { run } from './run.ts'
import { type Outcome, shrink } from './shrink.ts'
import { Violation } from './violation.ts'

/** A run of 200 ticks with twenty faults, which fails whenever these two strike, at tick 120. */
function failingWith(first: number, second: number): (recipe: Recipe) => Outcome {
  return ({ ticks = 200, clients = 4, without = [] }) => {
    const faults = Array.from({ length: 20 }, (_, at) => ({
      ordinal: at + 1,
      fault: 'crash' as const,
      atTick: at * 5,
      detail: '',
    })).filter(({ ordinal }) => !without.includes(ordinal))
    const fails = [first, second].every(one => faults.some(({ ordinal }) => ordinal === one))
    const violation = fails && ticks >= 120 ? new Violation('Agreement', 'on purpose') : undefined
    const knobs = { ...drawKnobs(1), safetyTicks: ticks, clients }
    return { violation, faults, knobs, endTick: violation === undefined ? ticks + 30 : 120 }
  }
}

const WHOLE: Recipe = { seed: 1, mutation: 'none' }

test('of many faults those are left that it takes, and no more ticks and clients', () => {
  const attempt = failingWith(5, 17)
  const { recipe, result, attempts } = shrink(WHOLE, attempt(WHOLE), attempt)
  assert.deepEqual(
    result.faults.map(({ ordinal }) => ordinal),
    [5, 17],
  )
  assert.equal(recipe.ticks, 120)
  assert.equal(recipe.clients, 1)
  assert.equal(result.violation?.check, 'Agreement')
  assert.ok(attempts < 100)
})

test('shrinking ends after a number of runs or of ticks, with what it has by then', () => {
  let runs = 0
  const fails = failingWith(5, 17)
  const attempt = (recipe: Recipe): Outcome => {
    runs++
    return fails(recipe)
  }
  const few = { attempts: 10, ticks: 100_000 }
  const { result, attempts } = shrink(WHOLE, fails(WHOLE), attempt, few)
  assert.equal(runs, 10)
  assert.equal(attempts, 10)
  assert.ok(result.violation !== undefined)
  const short = { attempts: 1_000, ticks: 500 }
  assert.ok(shrink(WHOLE, fails(WHOLE), attempt, short).attempts < 10)
})

test('another check that fails is another bug', () => {
  const first = failingWith(5, 5)(WHOLE)
  const attempt = (recipe: Recipe): Outcome => {
    const outcome = failingWith(5, 5)(recipe)
    const other = new Violation('Integrity', 'another')
    return { ...outcome, violation: outcome.violation === undefined ? undefined : other }
  }
  const { recipe, result } = shrink(WHOLE, first, attempt)
  assert.deepEqual(recipe, WHOLE)
  assert.equal(result, first)
})

test('the run of a bug gets smaller, fails by the same check, and can be made again', () => {
  const attempt = (recipe: Recipe) => run(optionsOf(recipe))
  const bug = { mutation: 'skipTrunc', profile: 'dense' } as const
  let seed = 1
  let first = attempt({ seed, ...bug })
  while (first.violation === undefined || first.faults.length < 3) {
    first = attempt({ seed: ++seed, ...bug })
  }
  const whole: Recipe = { seed, ...bug }
  const { recipe, result } = shrink(whole, first, attempt)
  assert.ok(result.faults.length < first.faults.length)
  assert.ok(result.knobs.safetyTicks < first.knobs.safetyTicks)
  assert.equal(result.violation?.check, first.violation.check)
  const again = attempt(recipe)
  assert.equal(again.traceHash, result.traceHash)
  assert.equal(again.violation?.message, result.violation.message)
})

test('a recipe is told as the command that makes it', () => {
  const recipe = { seed: 7, mutation: 'skipTrunc', ticks: 80, without: [1, 2, 3, 9] } as const
  const told = 'npm run sim -- --seed 7 --ticks 80 --without 1-3,9 --mutation skipTrunc'
  assert.equal(commandOf(recipe), told)
  assert.equal(commandOf(WHOLE), 'npm run sim -- --seed 1')
  assert.deepEqual(parseOrdinals(formatOrdinals([9, 2, 1, 3])), [1, 2, 3, 9])
  assert.throws(() => parseOrdinals('3-1'))
  assert.throws(() => parseOrdinals('a'))
})
