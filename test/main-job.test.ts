/** The main job on a small directory with everything in it that a directory can have. */

import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { znodeName } from '../bench/main-job/names.ts'

const MAIN_JOB = fileURLToPath(new URL('../bench/main-job.ts', import.meta.url))
const PIECE_BYTES = 256 * 1024
let root = ''

before(() => {
  root = mkdtempSync(join(tmpdir(), 'quorumtree-test-'))
})

after(() => rmSync(root, { recursive: true, force: true }))

interface Ended {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

function runMainJob(...args: string[]): Promise<Ended> {
  return new Promise(resolve => {
    const child = execFile(
      process.execPath,
      ['--import', 'tsx', MAIN_JOB, ...args],
      (_error, stdout, stderr) => resolve({ exitCode: child.exitCode!, stdout, stderr }),
    )
  })
}

test('everything in a directory is replicated, through a fail-over and a restart', async () => {
  const directory = join(root, 'files')
  mkdirSync(join(directory, 'empty directory'), { recursive: true })
  writeFileSync(join(directory, 'empty file'), '')
  writeFileSync(join(directory, '100% \u0001 🌲 \ue000'), 'odd name')
  writeFileSync(Buffer.concat([Buffer.from(`${directory}/`), Buffer.from([0xff, 0xe9])]), 'no text')
  writeFileSync(join(directory, 'one piece'), Buffer.alloc(PIECE_BYTES, 1))
  writeFileSync(join(directory, 'pieces'), Buffer.alloc(2 * PIECE_BYTES + 1, 2))
  symlinkSync('nowhere', join(directory, 'link'))
  execFileSync('mkfifo', [join(directory, 'pipe')])
  const dataDir = join(directory, 'data')
  const { exitCode, stdout, stderr } = await runMainJob(directory, '--data', dataDir)
  assert.equal(exitCode, 0, stdout + stderr)
  assert.match(stdout, /: 5 files, 2 directories, 1 symlink, 768\.0 KiB\n/)
  assert.match(stdout, /left out: 2\n.*: the data directory\n.*: neither file, /)
  assert.match(stdout, /^replicated +5 files, 2 directories, 1 symlink/m)
  for (const sid of [1, 2, 3])
    assert.match(stdout, new RegExp(`^peer ${sid} +digest .* 13 znodes, all as written$`, 'm'))
  assert.match(stdout, /^fail-over /m)
  assert.match(stdout, /^All peers agree\.$/m)
  assert.ok(existsSync(dataDir), 'the data is kept')
})

test('an empty directory is replicated', async () => {
  const directory = join(root, 'empty')
  mkdirSync(directory)
  const { exitCode, stdout, stderr } = await runMainJob(directory, '--data', join(root, 'data'))
  assert.equal(exitCode, 0, stdout + stderr)
  assert.match(stdout, /^replicated +0 files, 1 directory, /m)
})

test('a mistake of the caller is told with exit code 2', async () => {
  writeFileSync(join(root, 'file'), '')
  const mistakes: readonly (readonly [expected: RegExp, args: readonly string[]])[] = [
    [/cannot read .*missing: ENOENT/, [join(root, 'missing')]],
    [/file is not a directory/, [join(root, 'file')]],
    [/one directory only/, [root, root]],
    [/Unknown option '--wrong'/, ['--wrong']],
    [/is not empty: give --data a new directory/, [root, '--data', root]],
  ]
  for (const [expected, args] of mistakes) {
    const { exitCode, stderr } = await runMainJob(...args)
    assert.equal(exitCode, 2)
    assert.match(stderr, expected)
    assert.doesNotMatch(stderr, /^ +at /m)
  }
})

test('names of files become names of znodes, no two the same', () => {
  const names: readonly (readonly [fileName: Buffer, expected: string])[] = [
    [Buffer.from('plain.txt'), 'plain.txt'],
    [Buffer.from('größe 字'), 'größe 字'],
    [Buffer.from('100%'), '100%25'],
    [Buffer.from('%25'), '%2525'],
    [Buffer.from('\u0001\u007f\u0085'), '%01%7F%C2%85'],
    [Buffer.from('🌲'), '%F0%9F%8C%B2'],
    [Buffer.from('\ue000\uffff'), '%EE%80%80%EF%BF%BF'],
    [Buffer.from('\ufffd'), '%EF%BF%BD'],
    [Buffer.from([0x61, 0xff, 0x25]), 'a%FF%25'],
  ]
  for (const [fileName, expected] of names) assert.equal(znodeName(fileName), expected)
})
