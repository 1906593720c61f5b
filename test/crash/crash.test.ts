/** A few cycles of the crash test; `npm run test:crash` runs many. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))

test('nothing acknowledged is lost when the whole process is killed', async () => {
  const args = ['--import', 'tsx', MAIN, '--cycles', '3']
  const { stdout } = await promisify(execFile)(process.execPath, args)
  assert.match(stdout, /^cycles +3,/m)
  assert.match(stdout, /^writes +[1-9]\d* acknowledged$/m)
  assert.match(stdout, /^losses +0$/m)
})
