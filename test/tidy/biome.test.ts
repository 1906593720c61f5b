/** The house rules that need a parser are Biome's. This shows that `biome.json` has them switched on. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

const CONFIGURATION = new URL('../../biome.json', import.meta.url)
const BIOME = createRequire(import.meta.url).resolve('@biomejs/biome/bin/biome')

/** The rules that a file breaks, each once. */
function lint(path: string, text: string): string[] {
  const directory = mkdtempSync(join(tmpdir(), 'quorumtree-tidy-'))
  try {
    const configuration = JSON.parse(readFileSync(CONFIGURATION, 'utf8')) as { vcs: object }
    // There is no repository around the snippet.
    configuration.vcs = { enabled: false }
    writeFileSync(join(directory, 'biome.json'), JSON.stringify(configuration))
    mkdirSync(join(directory, dirname(path)), { recursive: true })
    writeFileSync(join(directory, path), text)
    const args = [BIOME, 'lint', '--reporter=github', path]
    const result = spawnSync(process.execPath, args, { cwd: directory, encoding: 'utf8' })
    const rules = [...result.stdout.matchAll(/^::error title=lint\/\w+\/(\w+)/gm)].map(
      hit => hit[1]!,
    )
    assert.equal(result.status === 0, rules.length === 0, result.stdout + result.stderr)
    return [...new Set(rules)]
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function functionOf(lines: number): string {
  return `export function f(a: number[]): void {\n${'  a.pop()\n'.repeat(lines)}}\n`
}

test('a function has at most 60 lines', () => {
  assert.deepEqual(lint('lib/base/a.ts', functionOf(60)), [])
  assert.deepEqual(lint('lib/base/a.ts', functionOf(61)), ['noExcessiveLinesPerFunction'])
  assert.deepEqual(lint('test/sim/a.ts', functionOf(61)), ['noExcessiveLinesPerFunction'])
})

test('no any, no enum, no default export, no parameter property', () => {
  const of = (text: string): string[] => lint('lib/base/a.ts', text)
  assert.deepEqual(of('export const a: any = 1\n'), ['noExplicitAny'])
  assert.deepEqual(of('export enum A {\n  B,\n}\n'), ['noEnum'])
  assert.deepEqual(of('export default 1\n'), ['noDefaultExport'])
  const property = 'export class A {\n  constructor(readonly b: number) {}\n}\n'
  assert.deepEqual(of(property), ['noParameterProperties'])
})
