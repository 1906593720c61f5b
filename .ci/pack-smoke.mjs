// The program of a user who installed the package: plain JavaScript, no loader. Run by pack-smoke.sh in a directory
// that holds nothing but the package.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEnsemble } from 'quorumtree'

const dataDir = mkdtempSync(join(tmpdir(), 'quorumtree-smoke-'))
try {
  const ensemble = await openEnsemble({ peers: 3, dataDir })
  const tree = await ensemble.connect()

  tree.create('/greeting', 'hello')
  assert.equal(tree.get('/greeting').data.toString(), 'hello')
  const stat = await tree.promises.set('/greeting', 'good day')
  assert.equal(stat.version, 1)
  const { data } = await tree.promises.get('/greeting')
  assert.equal(data.toString(), 'good day')

  await ensemble.close()
} finally {
  rmSync(dataDir, { recursive: true, force: true })
}
// Said last, when nothing of the ensemble keeps the process alive any more.
process.on('exit', code => {
  if (code === 0) console.log('pack smoke: ok')
})
