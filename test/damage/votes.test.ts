/**
 * A peer that lost something has no vote. Two of three peers are up in each of these: one that lost what it had
 * acknowledged, and one that never had it. They must not agree without the third, which still has it.
 */

import assert from 'node:assert/strict'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openEnsemble, TreeError } from '../../lib/index.ts'
import { levelLogOf } from '../storage/support.ts'
import { endOfData } from '../support/end-of-data.ts'
import { temporaryDirectory } from '../temporary.ts'
import { OPTIONS } from './content.ts'
import { openWithout } from './held.ts'
import { awaitLevel } from './level.ts'

const KEPT = 20
/** Long enough for hundreds of ticks of elections that might succeed. */
const OPEN_TIMEOUT_MS = 1_500
/** For those that do succeed, with one peer that never comes up. */
const PATIENCE_MS = 8_000

/** Peers 1 and 3 have everything, peer 2 misses the last writes. */
async function makeBehind(t: TestContext): Promise<string> {
  const dataDir = await temporaryDirectory(t)
  const ensemble = await openEnsemble({ ...OPTIONS, dataDir })
  const tree = await ensemble.connect({ peer: 1 })
  await tree.promises.create('/kept')
  // A peer that was never synchronised has no vote either.
  await awaitLevel(ensemble)
  await ensemble.kill(2)
  for (let at = 0; at < KEPT; at++) await tree.promises.create(`/kept/${at}`)
  await ensemble.close()
  return dataDir
}

async function assertNobodyDecides(dataDir: string): Promise<void> {
  for (let openTimeoutMs = OPEN_TIMEOUT_MS; ; openTimeoutMs *= 2) {
    const refusal: unknown = await openWithout([3], { peers: 3, dataDir, tickMs: 5, openTimeoutMs })
      .then(() => assert.fail('two peers agreed without what one of them had lost'))
      .catch((error: unknown) => error)
    assert.ok(refusal instanceof TreeError, String(refusal))
    assert.equal(refusal.code, 'NO_QUORUM', refusal.message)
    // On a busy machine they may not have come to vote at all.
    if (/peer 1 is looking.*peer 2 is looking/.test(refusal.message)) return
  }
}

/** With the third peer all is there, and peer 1 gets it back. Returns what its recovery said. */
async function assertAllIsKept(dataDir: string): Promise<string | undefined> {
  const ensemble = await openEnsemble({ ...OPTIONS, dataDir })
  try {
    const { peers } = await awaitLevel(ensemble)
    assert.equal(new Set(peers.map(({ digest }) => digest)).size, 1)
    const tree = await ensemble.connect({ peer: 1 })
    assert.equal(tree.children('/kept').length, KEPT)
    return peers[0]!.damage
  } finally {
    await ensemble.close()
  }
}

test('a peer whose last records are spoilt has no vote before it is synchronised', async t => {
  const dataDir = await makeBehind(t)
  const file = await levelLogOf(join(dataDir, 'peer-1'))
  const bytes = await readFile(file)
  bytes[endOfData(bytes) - 400]! ^= 1
  await writeFile(file, bytes)
  await assertNobodyDecides(dataDir)
  assert.match((await assertAllIsKept(dataDir)) ?? '', /though it reached/)
  assert.equal(await assertAllIsKept(dataDir), undefined)
})

test('a peer whose log file is gone has no vote before it is synchronised', async t => {
  const dataDir = await makeBehind(t)
  await rm(await levelLogOf(join(dataDir, 'peer-1')))
  await assertNobodyDecides(dataDir)
  assert.match((await assertAllIsKept(dataDir)) ?? '', /./)
})

test('a peer whose directory was wiped has no vote before it is synchronised', async t => {
  const dataDir = await makeBehind(t)
  await rm(join(dataDir, 'peer-1'), { recursive: true })
  await assertNobodyDecides(dataDir)
  assert.match((await assertAllIsKept(dataDir)) ?? '', /lost earlier/)
  assert.equal(await assertAllIsKept(dataDir), undefined)
})

test('once synchronised, a peer has its vote again', async t => {
  const dataDir = await makeBehind(t)
  await rm(join(dataDir, 'peer-1'), { recursive: true })
  await assertAllIsKept(dataDir)
  const ensemble = await openWithout([3], { ...OPTIONS, openTimeoutMs: PATIENCE_MS, dataDir })
  try {
    const tree = await ensemble.connect()
    assert.equal(tree.children('/kept').length, KEPT)
    tree.create('/kept/more')
  } finally {
    await ensemble.close()
  }
})
