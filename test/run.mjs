// Runs the tests: `npm test` all of them, `npm test -- storage` the files whose path has that word in it; when no path
// has it, the tests whose name has it. Arguments that begin with a dash go to `node --test` as they are.
// Files are collected here because `node --test` understands glob patterns only from Node 21 on.

import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
// A hung test must end as a failure and not stop the run for good.
const TEST_TIMEOUT_MS = 600_000

function collect(directory) {
  return readdirSync(directory, { withFileTypes: true }).flatMap(entry => {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) return collect(path)
    return entry.name.endsWith('.test.ts') ? [relative(root, path).split(sep).join('/')] : []
  })
}

function escapeForPattern(word) {
  return word.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}

const flags = process.argv.slice(2).filter(argument => argument.startsWith('-'))
const words = process.argv.slice(2).filter(argument => !argument.startsWith('-'))
const all = collect(join(root, 'test')).sort()
const chosen = all.filter(path => words.some(word => path.includes(word)))
const byName = words.length > 0 && chosen.length === 0
const names = byName ? words.map(word => `--test-name-pattern=/${escapeForPattern(word)}/i`) : []

const result = spawnSync(
  process.execPath,
  [
    '--import',
    'tsx',
    '--test',
    // Most tests are one thread each; two at a time keeps two cores busy, and more cores get more.
    `--test-concurrency=${Math.max(2, availableParallelism() - 1)}`,
    '--test-reporter=spec',
    `--test-timeout=${TEST_TIMEOUT_MS}`,
    ...names,
    ...flags,
    ...(chosen.length > 0 ? chosen : all),
  ],
  { cwd: root, stdio: 'inherit' },
)
process.exitCode = result.status ?? 1
