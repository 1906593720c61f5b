/** The directories of an ensemble: what may be opened, what is refused, and that a failure leaves no trace. */

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { EnsembleDirectory } from '../../lib/ensemble/directory.ts'
import { fileFailure } from '../../lib/ensemble/file-errors.ts'
import { checkEnsemble, type EnsembleOptions } from '../../lib/ensemble/options.ts'
import { temporaryDirectory } from '../temporary.ts'
import { breakCall } from './broken-calls.ts'
import { failsWith } from './support.ts'

function open(dataDir: string, peers: EnsembleOptions['peers'] = 3): Promise<EnsembleDirectory> {
  return EnsembleDirectory.open(dataDir, checkEnsemble({ peers, dataDir }).peers)
}

/** Opens as for the first time, has each peer store something, and serves. */
async function form(dataDir: string, peers: EnsembleOptions['peers'] = 3): Promise<void> {
  const directory = await open(dataDir, peers)
  for (const peer of checkEnsemble({ peers, dataDir }).peers) {
    await writeFile(join(peer.dataDir!, 'CURRENT'), 'something')
  }
  await directory.formed()
  await directory.release()
}

async function markerOf(dataDir: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(join(dataDir, 'quorumtree.json'), 'utf8'))
}

test('a new directory is made, and its members are fixed once a leader has served', async t => {
  const dataDir = join(await temporaryDirectory(t), 'a', 'b')
  const directory = await open(dataDir)
  assert.equal(directory.isFounding, true)
  assert.equal((await markerOf(dataDir)).formed, false)
  await directory.formed()
  assert.equal(directory.isFounding, false)
  await directory.release()
  assert.deepEqual(await markerOf(dataDir), {
    ...{ magic: 'quorumtree', format: 1, formed: true },
    ...{ voters: [1, 2, 3], observers: [] },
  })
  assert.deepEqual((await readdir(dataDir)).sort(), [
    'peer-1',
    'peer-2',
    'peer-3',
    'quorumtree.json',
  ])
})

test('an ensemble that has served before is not founded again', async t => {
  const dataDir = await temporaryDirectory(t)
  await form(dataDir)
  const directory = await open(dataDir)
  assert.equal(directory.isFounding, false)
  await directory.release()
})

test('of an opening that failed before a leader served nothing stays', async t => {
  const parent = await temporaryDirectory(t)
  const dataDir = join(parent, 'a', 'b')
  const peers = [{ sid: 1 }, { sid: 2, dataDir: join(parent, 'c') }]
  const directory = await open(dataDir, peers)
  await writeFile(join(dataDir, 'peer-1', 'CURRENT'), 'something')
  await writeFile(join(parent, 'c', 'CURRENT'), 'something')
  await directory.abandon()
  assert.deepEqual(await readdir(parent), [])
})

test('what cannot be removed stays in an attempt that another may follow', async t => {
  const dataDir = await temporaryDirectory(t)
  for (const stuck of ['peer-1', 'peer-2', 'peer-3']) {
    const directory = await open(dataDir)
    for (const sid of [1, 2, 3]) await writeFile(join(dataDir, `peer-${sid}`, 'CURRENT'), 'some')
    const mend = breakCall(t, 'rm', path => path.includes(stuck))
    await directory.abandon()
    mend()
    assert.equal((await markerOf(dataDir)).formed, false, stuck)
    const files = await readdir(dataDir, { recursive: true })
    assert.deepEqual(
      files.filter(name => name.includes('owner')),
      [],
      'the directories are given back',
    )
    assert.ok(files.includes(join(stuck, 'CURRENT')))
    const next = await open(dataDir)
    assert.equal(next.isFounding, true)
    await next.formed()
    await next.release()
    await rm(dataDir, { recursive: true })
  }
})

test('an owner that cannot leave says why, and may try again', async t => {
  const dataDir = await temporaryDirectory(t)
  await form(dataDir)
  const directory = await open(dataDir)
  const mend = breakCall(t, 'unlink', path => path.includes('peer-2'))
  await assert.rejects(directory.release(), failsWith('NO_PERMISSION', 'peer-2'))
  await assert.rejects(directory.release(), failsWith('NO_PERMISSION', 'peer-2'))
  await assert.rejects(open(dataDir), failsWith('DIRECTORY_LOCKED', 'peer-2'))
  mend()
  await directory.release()
  await (await open(dataDir)).release()
})

test('what was there before stays, and so does what a crashed attempt left', async t => {
  const dataDir = await temporaryDirectory(t)
  const first = await open(dataDir)
  await writeFile(join(dataDir, 'peer-1', 'CURRENT'), 'something')
  await first.release()

  const second = await open(dataDir, 5)
  assert.equal(second.isFounding, true)
  await second.abandon()
  assert.deepEqual((await readdir(dataDir)).sort(), [
    'peer-1',
    'peer-2',
    'peer-3',
    'quorumtree.json',
  ])
  assert.deepEqual((await markerOf(dataDir)).voters, [1, 2, 3, 4, 5])
})

test('an opening of an ensemble that has served takes nothing away when it fails', async t => {
  const dataDir = await temporaryDirectory(t)
  await form(dataDir)
  const directory = await open(dataDir)
  await directory.abandon()
  assert.equal(await readFile(join(dataDir, 'peer-2', 'CURRENT'), 'utf8'), 'something')
  assert.equal((await markerOf(dataDir)).formed, true)
})

test('a directory that is open is locked, the peers’ own too, until its release', async t => {
  const dataDir = await temporaryDirectory(t)
  const elsewhere = await temporaryDirectory(t)
  const directory = await open(dataDir)
  const pid = `process ${process.pid}`
  await assert.rejects(open(dataDir), failsWith('DIRECTORY_LOCKED', dataDir, pid))
  const peers = [{ sid: 1 }, { sid: 2, dataDir: join(dataDir, 'peer-2') }]
  await assert.rejects(open(elsewhere, peers), failsWith('DIRECTORY_LOCKED', 'peer-2', pid))
  assert.deepEqual(await readdir(elsewhere), [])
  assert.equal((await readdir(dataDir)).length, 5, 'the owner keeps all it has')
  await directory.release()
  await (await open(dataDir)).release()
})

test('a directory with other things in it is not touched', async t => {
  const dataDir = await temporaryDirectory(t)
  await writeFile(join(dataDir, 'thesis.doc'), 'years of work')
  await assert.rejects(open(dataDir), failsWith('DIRECTORY_NOT_OURS', 'thesis.doc', 'empty'))
  assert.deepEqual(await readdir(dataDir), ['thesis.doc'])
})

test('what a system leaves in a directory does not make it foreign', async t => {
  const dataDir = await temporaryDirectory(t)
  await mkdir(join(dataDir, 'lost+found'))
  await writeFile(join(dataDir, '.DS_Store'), '')
  await (await open(dataDir)).release()
})

test('peers’ data without the ensemble’s file are refused, not adopted', async t => {
  const dataDir = await temporaryDirectory(t)
  await form(dataDir)
  await rm(join(dataDir, 'quorumtree.json'))
  await assert.rejects(open(dataDir), failsWith('DIRECTORY_DAMAGED', 'peer-1', 'quorumtree.json'))
  assert.equal(await readFile(join(dataDir, 'peer-1', 'CURRENT'), 'utf8'), 'something')
})

const MARKERS: readonly (readonly [name: string, text: string, ...expected: string[]])[] = [
  ['cut off', '{"magic":"quorumtree","for', 'DIRECTORY_DAMAGED', 'damaged'],
  ['empty', '', 'DIRECTORY_DAMAGED', 'damaged'],
  ['nothing', 'null', 'DIRECTORY_NOT_OURS'],
  ['of somebody else', '{"name":"my-app"}', 'DIRECTORY_NOT_OURS'],
  ['newer', '{"magic":"quorumtree","format":2}', 'FORMAT_TOO_NEW', 'format 2', 'update'],
  ['without members', '{"magic":"quorumtree","format":1,"formed":true}', 'DIRECTORY_DAMAGED'],
  [
    'with strange members',
    '{"magic":"quorumtree","format":1,"formed":true,"voters":[0],"observers":[]}',
    'DIRECTORY_DAMAGED',
  ],
]

for (const [name, text, code, ...parts] of MARKERS) {
  test(`a file that is ${name}`, async t => {
    const dataDir = await temporaryDirectory(t)
    await writeFile(join(dataDir, 'quorumtree.json'), text)
    const refusal = failsWith(code as 'DIRECTORY_DAMAGED', 'quorumtree.json', ...parts)
    await assert.rejects(open(dataDir), refusal)
    assert.deepEqual(await readdir(dataDir), ['quorumtree.json'])
  })
}

test('the participants are fixed', async t => {
  const dataDir = await temporaryDirectory(t)
  await form(dataDir)
  const others = [{ sid: 1 }, { sid: 2 }, { sid: 4 }] as const
  const demoted = [{ sid: 1 }, { sid: 2 }, { sid: 3, role: 'observer' }] as const
  for (const peers of [1, 5, others, demoted]) {
    await assert.rejects(open(dataDir, peers), failsWith('MEMBERSHIP_MISMATCH', '1, 2, 3'))
  }
  await (await open(dataDir)).release()
})

test('observers come and go', async t => {
  const dataDir = await temporaryDirectory(t)
  await form(dataDir, 1)
  await form(dataDir, [{ sid: 1 }, { sid: 9, role: 'observer' }])
  assert.deepEqual((await markerOf(dataDir)).observers, [9])
  await form(dataDir, 1)
  assert.deepEqual((await markerOf(dataDir)).observers, [])
})

test('a minority may lose its directories, a majority not', async t => {
  const dataDir = await temporaryDirectory(t)
  await form(dataDir)
  await rm(join(dataDir, 'peer-1'), { recursive: true })
  const directory = await open(dataDir)
  assert.equal(directory.isFounding, false)
  await directory.release()

  await rm(join(dataDir, 'peer-3', 'CURRENT'))
  await assert.rejects(open(dataDir), failsWith('DIRECTORY_DAMAGED', 'peers 1, 3', 'backup'))
})

test('a file where the directory, or the one above it, should be', async t => {
  const directory = await temporaryDirectory(t)
  const file = join(directory, 'file')
  await writeFile(file, '')
  await assert.rejects(open(file), failsWith('DIRECTORY_NOT_OURS', file))
  await assert.rejects(open(join(file, 'below')), failsWith('DIRECTORY_NOT_OURS', 'below'))
})

test('a link that leads nowhere, where the directory should be', async t => {
  const directory = await temporaryDirectory(t)
  const link = join(directory, 'link')
  await symlink(join(directory, 'not', 'mounted'), link, 'junction')
  await assert.rejects(open(link), failsWith('DIRECTORY_NOT_OURS', link))
  assert.deepEqual(await readdir(directory), ['link'])
})

// As some read-only file systems do: what is to be made there is said to be missing, however often it is tried.
test('a place that takes no directories', { skip: !existsSync('/proc/self') }, async () => {
  for (const dataDir of ['/proc/none', '/proc/none/below']) {
    await assert.rejects(open(dataDir), failsWith('NO_PERMISSION', '/proc/none', 'elsewhere'))
  }
})

test('of what could not be made in full nothing stays', async t => {
  const directory = await temporaryDirectory(t)
  const tooLong = 'x'.repeat(300)
  const dataDir = join(directory, 'a', tooLong)
  await assert.rejects(open(dataDir), failsWith('STORAGE_FAILED', 'ENAMETOOLONG'))
  assert.deepEqual(await readdir(directory), [])
})

test('what the system refuses becomes a code and an advice', () => {
  const refuse = (code: string) =>
    fileFailure(Object.assign(new Error(`${code}: no`), { code }), '/some/file')
  const codes = ['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'EIO'].map(
    code => refuse(code).code,
  )
  assert.deepEqual(codes, [
    ...['NO_PERMISSION', 'NO_PERMISSION', 'NO_PERMISSION'],
    ...['NO_SPACE', 'NO_SPACE', 'STORAGE_FAILED'],
  ])
  assert.equal(refuse('EACCES').path, '/some/file')
  assert.match(refuse('ENOSPC').message, /\/some\/file: ENOSPC: no: make room/)
})
