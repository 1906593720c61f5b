/** The house rules hold for every file. The rules themselves are in `tidy/`. */

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import * as rules from './tidy/rules.ts'
import { parseSource, type SourceFile } from './tidy/source.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const DIRECTORIES = ['lib', 'test', 'bench', 'examples', 'docs', '.ci']

function walk(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap(entry => {
    const path = join(directory, entry.name)
    return entry.isDirectory() ? walk(path) : [path]
  })
}

function read(): SourceFile[] {
  const top = readdirSync(ROOT, { withFileTypes: true })
  const paths = top.flatMap(entry => {
    const path = join(ROOT, entry.name)
    if (entry.isDirectory()) return DIRECTORIES.includes(entry.name) ? walk(path) : []
    return /\.(?:md|json)$|^\.\w+$/.test(entry.name) ? [path] : []
  })
  return paths.map(path =>
    parseSource(relative(ROOT, path).split(sep).join('/'), readFileSync(path, 'utf8')),
  )
}

const all = read()
const code = all.filter(({ path }) => /\.(?:ts|mjs)$/.test(path))

function holds(name: string, findings: readonly rules.Finding[]): void {
  test(name, () => {
    assert.ok(findings.length === 0, `${findings.length} found:\n${findings.join('\n')}`)
  })
}

test('the files are found', () => {
  for (const path of ['lib/base/zxid.ts', 'test/tidy.test.ts', '.ci/setup.mjs', 'package.json'])
    assert.ok(
      all.some(source => source.path === path),
      path,
    )
})

holds('a room imports only the rooms below it', rules.importDirection(code))
holds('pure rooms do no I/O and know no clock and no chance', rules.purity(code))
holds('a file is short', rules.fileLength(code))
holds('a line is short', rules.lineLength(code))
holds('no work is deferred in a comment', rules.noDeferredWork(code))
holds('no test is left out', rules.noPartialTests(code))
holds('a file of lib begins with what it owns', rules.openingComment(code))
holds('every file of lib is in use', rules.noDeadFiles(code))
holds('lib/index.ts is the only barrel', rules.noBarrels(code))
holds('no path of one machine is mentioned', rules.noMachinePaths(all, ROOT))

test('the lock file names no registry', () => {
  const lock = readFileSync(join(ROOT, 'package-lock.json'), 'utf8')
  assert.doesNotMatch(lock, /"resolved"/)
})
