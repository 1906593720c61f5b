/** A benchmark runs from the command to its JSON, and leaves nothing behind. What it measures is not looked at. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Row } from '../../bench/load/row.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PLACE = join(ROOT, '.quorumtree', 'bench')
const ROW_FIELDS = [
  ...['name', 'system', 'peers', 'durability', 'payloadBytes', 'clients', 'inFlight'],
  ...['opsPerSecond', 'p50us', 'p99us', 'p999us', 'maxus', 'errors'],
]

/** Others may be running. */
function directoriesOf(pid: number): string[] {
  return readdirSync(PLACE).filter(name => name.startsWith(`run-${pid}-`))
}

test('bench:write measures its rows and floors, and clears up', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'quorumtree-test-'))
  try {
    const json = join(directory, 'write.json')
    const program = join(ROOT, 'bench', 'run.mjs')
    const times = ['--seconds', '0.1', '--runs', '1', '--warm-up', '0', '--in-flight', '16']
    const args = [program, 'write', ...times, '--durability', 'memory', '--json', json]
    const running = promisify(execFile)(process.execPath, args, { cwd: ROOT })
    const { stdout } = await running
    assert.match(stdout, /^sets, pipelined +quorumtree/m)
    const { rows, floors } = JSON.parse(readFileSync(json, 'utf8')) as {
      rows: Row[]
      floors: Record<string, unknown>
    }
    assert.equal(rows.length, 3)
    for (const row of rows) {
      assert.deepEqual(Object.keys(row), ROW_FIELDS)
      assert.equal(row.errors, 0)
      assert.ok(row.opsPerSecond > 0)
    }
    assert.ok(Number(floors.lookUpsPerSecond) > 0)
    assert.deepEqual(directoriesOf(running.child.pid!), [])
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})
