import assert from 'node:assert/strict'
import { test } from 'node:test'
import { World } from './world.ts'

const SEEDS = Number(process.env.REPLICA_SEEDS ?? 200)
const STEPS = 1200

test('whatever happens, clients see what a single ordered tree would show them', () => {
  const total = new Map<string, number>()
  for (let seed = 1; seed <= SEEDS; seed++) {
    const world = new World(seed)
    try {
      for (let step = 0; step < STEPS; step++) world.step()
      world.heal()
      world.assertAtRest()
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).stack}`, { cause: error })
    }
    for (const [what, count] of world.counts) total.set(what, (total.get(what) ?? 0) + count)
  }
  const everything = ['open', 'attach', 'close', 'close by the leader', 'create', 'delete', 'set']
  for (const what of [...everything, 'sync', 'error', 'move', 'kill', 'crash', 'jump']) {
    assert((total.get(what) ?? 0) > 0, `${what} was tried`)
  }
})
