/** The examples run, and say what they are meant to show. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const DIRECTORY = fileURLToPath(new URL('../examples/', import.meta.url))

const EXPECTED: Readonly<Record<string, readonly (string | RegExp)[]>> = {
  'live-configuration.ts': [
    'service: the limit is 100',
    'service: the limit is 250',
    /^operator: refused, the version is 1 by now: /,
    'after a restart: the limit is 250',
  ],
  'server-list.ts': ['up: none', 'up: anna', 'up: anna, bert', 'up: bert'],
  'fair-lock.ts': [
    'anna holds the lock',
    'bert waits',
    'cleo waits',
    'anna gives it back',
    'bert holds the lock',
    'bert dies',
    'cleo holds the lock',
  ],
}

async function linesOf(example: string): Promise<string[]> {
  const args = ['--import', 'tsx', DIRECTORY + example]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args)
  assert.equal(stderr, '')
  return stdout.trimEnd().split('\n')
}

for (const [example, expected] of Object.entries(EXPECTED)) {
  test(`examples/${example}`, async () => {
    const lines = await linesOf(example)
    assert.equal(lines.length, expected.length, lines.join('\n'))
    for (const [at, line] of lines.entries()) {
      const wanted = expected[at]!
      if (typeof wanted === 'string') assert.equal(line, wanted)
      else assert.match(line, wanted)
    }
  })
}

test('every example is run', () => {
  const present = readdirSync(DIRECTORY).filter(name => name.endsWith('.ts'))
  assert.deepEqual(present.sort(), Object.keys(EXPECTED).sort())
})
