/** A few lives of the crash test; `npm run test:crash` and `npm run test:power` run many. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { temporaryDirectory } from '../temporary.ts'
import { buildShim } from './program.ts'

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))

async function campaign(...args: readonly string[]): Promise<string> {
  const command = ['--import', 'tsx', MAIN, ...args]
  const { stdout } = await promisify(execFile)(process.execPath, command)
  assert.match(stdout, /^writes +[1-9]\d* acknowledged/m)
  return stdout
}

/** Power cuts need a shim, which is not to be had everywhere; `npm run test:power` says so. */
async function canCutPower(t: TestContext): Promise<boolean> {
  const why = await buildShim(join(await temporaryDirectory(t), 'shim.so'))
  if (why !== undefined) t.diagnostic(`not tested here: ${why}`)
  return why === undefined
}

test('nothing acknowledged is lost when the whole process is killed', async () => {
  const stdout = await campaign('--cycles', '3')
  assert.match(stdout, /^lives +5,/m)
  assert.match(stdout, /^losses +0$/m)
})

test('nothing acknowledged is lost when the power is cut', async t => {
  if (!(await canCutPower(t))) return
  const stdout = await campaign('--loss', 'power', '--cycles', '3')
  assert.match(stdout, /^power cuts +[1-9]/m)
  assert.match(stdout, /^losses +0$/m)
})

test('without syncs a power cut loses what was acknowledged, and that is seen', async t => {
  if (!(await canCutPower(t))) return
  const control = ['--durability', 'process', '--expect', 'loss', '--cycles', '10']
  const stdout = await campaign('--loss', 'power', ...control)
  assert.match(stdout, /^as expected: loss found after \d+ lives$/m)
})
