/**
 * An ensemble whose process runs out of something: what cannot be written is not acknowledged, callers are told so, the
 * process lives, and when the limit is lifted all comes back by itself, with everything acknowledged.
 */

import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryDirectory } from '../temporary.ts'
import { FailingSystem, type SystemCall } from './failing-system.ts'
import { findPrlimit, LimitedEnsemble, type LimitedState } from './limited.ts'
import { buildShim } from './system.ts'

const SMALL_BYTES = 200
const LARGE_BYTES = 64 * 1024
const CLEAR_REFUSALS = ['CONNECTION_LOSS', 'OPERATION_TIMEOUT', 'SESSION_EXPIRED', 'CLOSED']

async function open(
  t: TestContext,
  dataDir: string,
  dataBytes: number,
  env: NodeJS.ProcessEnv = {},
): Promise<LimitedEnsemble> {
  const ensemble = await LimitedEnsemble.open(dataDir, dataBytes, env)
  t.after(() => ensemble.kill())
  await ensemble.progress()
  return ensemble
}

/** All is well again, nothing acknowledged is lost, and nobody was told anything unclear. */
async function assertRecovers(ensemble: LimitedEnsemble): Promise<LimitedState> {
  await ensemble.progress()
  const { refusals } = await ensemble.ask('check')
  for (const code of Object.keys(refusals)) assert.ok(CLEAR_REFUSALS.includes(code), code)
  return ensemble.ask('close')
}

/** What needs a tool that is not to be had everywhere is not tested where it is missing. */
async function hasPrlimit(t: TestContext): Promise<boolean> {
  const why = await findPrlimit()
  if (why !== undefined) t.diagnostic(`not tested here: ${why}`)
  return why === undefined
}

test('files may not grow any more: writes are refused until they may', async t => {
  if (!(await hasPrlimit(t))) return
  const ensemble = await open(t, await temporaryDirectory(t), SMALL_BYTES)
  await ensemble.limit('fsize', 4096)
  const { failures } = await ensemble.until(state => state.failures.length >= 3)
  for (const { code, message } of failures) assert.equal(code, 'NO_SPACE', message)
  await ensemble.limit('fsize', 'unlimited')
  await assertRecovers(ensemble)
})

test('no file can be opened any more: writes are refused until it can', async t => {
  if (!(await hasPrlimit(t))) return
  const ensemble = await open(t, await temporaryDirectory(t), LARGE_BYTES)
  await ensemble.limit('nofile', await ensemble.openFiles())
  // A snapshot, which has files of its own, is due every 32 megabytes.
  await ensemble.until(state => state.failures.length >= 2)
  await ensemble.limit('nofile', 'unlimited')
  await assertRecovers(ensemble)
})

interface Sabotaged {
  readonly ensemble: LimitedEnsemble
  readonly system: FailingSystem
}

/** An ensemble of which the system calls in one peer's directory can be made to fail. */
async function openSabotaged(t: TestContext): Promise<Sabotaged | undefined> {
  const place = await temporaryDirectory(t)
  const shim = join(place, 'faults.so')
  const why = await buildShim(shim)
  if (why !== undefined) {
    t.diagnostic(`not tested here: ${why}`)
    return undefined
  }
  const root = join(place, 'data', 'peer-2')
  await mkdir(root, { recursive: true })
  const control = join(place, 'control')
  FailingSystem.makeControl(control)
  const env = { LD_PRELOAD: shim, FAULTS_ROOT: root, FAULTS_CONTROL: control }
  const ensemble = await open(t, join(place, 'data'), SMALL_BYTES, env)
  const system = new FailingSystem(control, true)
  t.after(() => system.close())
  return { ensemble, system }
}

for (const [call, what, codes] of [
  ['flush', 'has no space left on its disk', ['NO_SPACE']],
  ['append', 'can write the half of what it should', ['NO_SPACE']],
  ['sync', 'cannot sync its disk', ['STORAGE_FAILED']],
] as readonly [SystemCall, string, string[]][]) {
  test(`one peer ${what}: the others go on, and it comes back`, async t => {
    const sabotaged = await openSabotaged(t)
    if (sabotaged === undefined) return
    const { ensemble, system } = sabotaged
    system.arm(1, true, call)
    await ensemble.until(state => state.failures.length >= 2)
    await ensemble.progress()
    system.disarm()
    const { failures } = await assertRecovers(ensemble)
    for (const { sid, code, message } of failures) {
      assert.equal(sid, 2)
      assert.ok(codes.includes(code), message)
    }
  })
}

test('one failed sync is enough: it is not tried again, the peer dies and comes back', async t => {
  const sabotaged = await openSabotaged(t)
  if (sabotaged === undefined) return
  const { ensemble, system } = sabotaged
  let polls = 0
  await ensemble.until(({ failures }) => {
    // Now and then it is the note of the log's end that was not synced, which ends nobody.
    if (failures.length === 0 && polls++ % 50 === 0) system.arm(1, false, 'sync')
    return failures.length === 1
  })
  const { failures } = await assertRecovers(ensemble)
  assert.equal(failures.length, 1)
  assert.equal(failures[0]?.sid, 2)
})
