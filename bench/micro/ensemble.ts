/** Cases of single operations through a running ensemble of three peers, without a disk: the price of the way alone. */

import type { Tree } from '../../lib/index.ts'
import type { Case } from '../util/cases.ts'

const PATH = '/bench'
const BURST = 64
const data = Buffer.alloc(100, 'x')

/** Prepares `tree`, which reads at its peer, and gives the cases that use it. */
export function ensembleCases(tree: Tree): readonly Case[] {
  tree.create(PATH, data)
  const burst = (call: () => Promise<unknown>) => () =>
    Promise.all(Array.from({ length: BURST }, call))
  return [
    { name: 'get, blocking', run: () => tree.get(PATH) },
    { name: 'get, promise', run: () => tree.promises.get(PATH) },
    { name: `get, promises ×${BURST}`, run: burst(() => tree.promises.get(PATH)) },
    { name: 'set, blocking', run: () => tree.set(PATH, data) },
    { name: 'set, promise', run: () => tree.promises.set(PATH, data) },
    { name: `set, promises ×${BURST}`, run: burst(() => tree.promises.set(PATH, data)) },
  ]
}

/** Of `tree`, which reads in its own thread. */
export function localViewCases(tree: Tree): readonly Case[] {
  return [
    { name: 'get, blocking', run: () => tree.get(PATH) },
    { name: 'get, promise', run: () => tree.promises.get(PATH) },
    { name: 'exists, blocking', run: () => tree.exists(PATH) },
    { name: 'set, blocking', run: () => tree.set(PATH, data) },
  ]
}
