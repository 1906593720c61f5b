/** What is no path is refused in the same way, whoever would have answered the call. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { PATH_BYTES_MAX } from '../../lib/base/limits.ts'
import { openEnsemble, type Tree } from '../../lib/index.ts'
import { countLocally, untilCounted } from './local-counts.ts'
import { failsWith } from './support.ts'

const counts = countLocally()

const NO_PATHS: readonly unknown[] = [
  undefined,
  null,
  5,
  5n,
  Symbol('/a'),
  {},
  ['/a'],
  new String('/a'),
  Buffer.from('/a'),
  '',
  'a',
  '/a/',
  '//',
  `/${'x'.repeat(PATH_BYTES_MAX)}`,
]

async function connectTo(t: TestContext, reads: 'local' | 'peer'): Promise<Tree> {
  const ensemble = await openEnsemble({ peers: 1, durability: 'memory' })
  t.after(() => ensemble.close())
  const tree = await ensemble.connect({ reads })
  if (reads === 'local') await untilCounted(counts, tree, '/')
  return tree
}

for (const reads of ['local', 'peer'] as const) {
  test(`a wrong path is a wrong argument, reads: ${reads}`, async t => {
    const tree = await connectTo(t, reads)
    for (const path of NO_PATHS as string[]) {
      for (const method of ['get', 'exists', 'children'] as const) {
        assert.throws(() => tree[method](path), failsWith('BAD_ARGUMENTS', 'invalid path'))
        await assert.rejects(tree.promises[method](path), failsWith('BAD_ARGUMENTS'))
      }
    }
    assert.deepEqual(tree.children('/'), [])
  })
}
