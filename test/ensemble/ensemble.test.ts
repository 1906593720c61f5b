/** The whole: ensembles of real peers, as an application has them. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Ensemble, EnsembleOptions, EnsembleStatus } from '../../lib/index.ts'
import { openEnsemble } from '../../lib/index.ts'
import { temporaryDirectory } from '../temporary.ts'
import { breakCall } from './broken-calls.ts'
import { failsWith, messageOf, runProgram, spawnNode, until } from './support.ts'

async function open(t: TestContext, options: EnsembleOptions): Promise<Ensemble> {
  const ensemble = await openEnsemble(options)
  t.after(() => ensemble.close())
  return ensemble
}

/** Waits until all peers serve and have applied the same; their trees must then be equal. */
async function untilLevel(ensemble: Ensemble): Promise<EnsembleStatus> {
  const status = await until(
    () => ensemble.status(),
    ({ leader, peers }) =>
      leader !== undefined &&
      peers.every(({ serving, zxid }) => serving && zxid === peers[0]!.zxid),
  )
  assert.equal(new Set(status.peers.map(({ digest }) => digest)).size, 1)
  return status
}

test('what was written is there when the ensemble is opened again', async t => {
  const dataDir = join(await temporaryDirectory(t), 'data')
  const first = await open(t, { peers: 3, dataDir })
  const tree = await first.connect()
  tree.create('/config/db', 'postgres', { parents: true })
  await assert.rejects(openEnsemble({ peers: 3, dataDir }), failsWith('DIRECTORY_LOCKED'))
  assert.equal(tree.get('/config/db').data.toString(), 'postgres')
  await first.close()

  const second = await open(t, { peers: 3, dataDir })
  const again = await second.connect()
  assert.equal(again.get('/config/db').data.toString(), 'postgres')
  await untilLevel(second)
})

test('a session outlives its leader, and the leader’s data outlive its thread', async t => {
  const dataDir = await temporaryDirectory(t)
  const ensemble = await open(t, { peers: 3, dataDir })
  const tree = await ensemble.connect()
  tree.create('/count', '0')
  for (let round = 1; round <= 4; round++) {
    const leader = (await untilLevel(ensemble)).leader!
    await ensemble.kill(leader)
    // Blocks this thread from here on: nothing of the fail-over may need it.
    tree.set('/count', String(round))
    assert.equal(tree.get('/count').data.toString(), String(round))
    await ensemble.start(leader)
  }
  const { peers } = await untilLevel(ensemble)
  assert.equal(
    peers.reduce((sum, { restarts }) => sum + restarts, 0),
    4,
  )
})

test('a participant that lost its directory is filled from the others', async t => {
  const dataDir = await temporaryDirectory(t)
  const first = await open(t, { peers: 3, dataDir })
  const tree = await first.connect()
  for (let i = 0; i < 20; i++) tree.create(`/n-${i}`, 'x')
  await first.close()
  await rm(join(dataDir, 'peer-3'), { recursive: true })

  const second = await open(t, { peers: 3, dataDir })
  const status = await untilLevel(second)
  assert.equal(status.peers[2]!.nodes, 21)
  await second.close()

  // It is as good as any other again.
  await rm(join(dataDir, 'peer-1'), { recursive: true })
  const third = await open(t, { peers: 3, dataDir })
  assert.equal((await untilLevel(third)).peers[0]!.nodes, 21)
})

test('a single peer and an observer, in memory', async t => {
  const peers = [{ sid: 1 }, { sid: 2, role: 'observer' }] as const
  const ensemble = await open(t, { peers, durability: 'memory' })
  const tree = await ensemble.connect({ peer: 2 })
  tree.create('/seen', 'by the observer')
  assert.equal(tree.get('/seen').data.toString(), 'by the observer')
  const status = await untilLevel(ensemble)
  assert.deepEqual([status.leader, status.peers[1]!.state], [1, 'observing'])
})

test('in memory a peer that comes back has everything from the others', async t => {
  const ensemble = await open(t, { peers: 3, durability: 'memory' })
  const tree = await ensemble.connect()
  tree.create('/kept', 'by two')
  for (const sid of [1, 2, 3]) {
    await ensemble.kill(sid)
    assert.equal(tree.get('/kept').data.toString(), 'by two')
    await ensemble.start(sid)
    await untilLevel(ensemble)
  }
})

test('closing ends the sessions', async t => {
  const ensemble = await open(t, { peers: 1, durability: 'memory' })
  const tree = await ensemble.connect()
  await ensemble.close()
  assert.throws(() => tree.get('/'), failsWith('CLOSED'))
})

test('a wrong connect option leaves the ensemble as it is', async t => {
  const ensemble = await open(t, { peers: 1, durability: 'memory' })
  await assert.rejects(ensemble.connect({ peer: 2 }), failsWith('NO_SUCH_PEER'))
  await assert.rejects(ensemble.connect({ timeoutMs: 1 }), failsWith('BAD_ARGUMENTS', 'timeoutMs'))
  const tree = await ensemble.connect()
  tree.create('/fine')
})

test('a directory that could not be given back is, by closing again', async t => {
  const dataDir = await temporaryDirectory(t)
  const ensemble = await openEnsemble({ peers: 1, dataDir })
  const mend = breakCall(t, 'unlink', path => path.includes('owner'))
  await assert.rejects(ensemble.close(), failsWith('NO_PERMISSION', dataDir))
  assert.throws(() => ensemble.handle(), failsWith('CLOSED'))
  mend()
  await ensemble.close()
  await (await open(t, { peers: 1, dataDir })).close()
})

test('after close nothing keeps the process alive', async t => {
  const dataDir = await temporaryDirectory(t)
  const child = runProgram(t, './open-program.ts', ['close', dataDir])
  assert.deepEqual(await once(child, 'exit'), [0, null])
  const left = await readdir(dataDir)
  assert.deepEqual(left.sort(), ['peer-1', 'peer-2', 'peer-3', 'quorumtree.json'])
  const ensemble = await open(t, { peers: 3, dataDir })
  const tree = await ensemble.connect()
  assert.equal(tree.get('/kept').data.toString(), 'by the first')
})

test('in a process that ends no call waits for an answer that cannot come', async t => {
  const child = runProgram(t, './open-program.ts', ['exit', await temporaryDirectory(t)])
  assert.deepEqual(await messageOf(child), ['CLOSED', 'done', 'closed'])
})

test('an ensemble that is unreferenced lets the process end', async t => {
  const child = runProgram(t, './open-program.ts', ['unref', await temporaryDirectory(t)])
  const asked = messageOf(child)
  assert.deepEqual(await once(child, 'exit'), [0, null])
  assert.equal(await asked, 'asked')
})

test('another process has the directory until it is killed; then it opens at once', async t => {
  const dataDir = await temporaryDirectory(t)
  const child = runProgram(t, './open-program.ts', ['stay', dataDir])
  assert.equal(await messageOf(child), 'serving')
  await assert.rejects(
    openEnsemble({ peers: 3, dataDir }),
    failsWith('DIRECTORY_LOCKED', `process ${child.pid}`),
  )
  assert.equal(child.exitCode, null, 'an open ensemble keeps its process alive')
  child.kill('SIGKILL')
  await once(child, 'exit')
  const ensemble = await open(t, { peers: 3, dataDir })
  const tree = await ensemble.connect()
  assert.equal(tree.get('/kept').data.toString(), 'by the victim')
})

test('an ephemeral node does not outlive the ensemble', async t => {
  const dataDir = await temporaryDirectory(t)
  const first = await open(t, { peers: 3, dataDir })
  const tree = await first.connect({ timeoutMs: 600_000 })
  tree.create('/lock', 'by the first', { ephemeral: true })
  await first.close()
  const second = await open(t, { peers: 3, dataDir })
  assert.equal((await second.connect()).exists('/lock'), null)
})

test('an ephemeral node does not outlive its process', async t => {
  const dataDir = await temporaryDirectory(t)
  const child = runProgram(t, './open-program.ts', ['lock', dataDir])
  assert.equal(await messageOf(child), 'locked')
  child.kill('SIGKILL')
  await once(child, 'exit')
  const ensemble = await open(t, { peers: 3, dataDir })
  assert.equal((await ensemble.connect()).exists('/lock'), null)
})

test('a program given as text has an ensemble too', async t => {
  const index = new URL('../../lib/index.ts', import.meta.url).href
  const program = `
    import { openEnsemble } from '${index}'
    const ensemble = await openEnsemble({ peers: 1, durability: 'memory' })
    const tree = await ensemble.connect()
    tree.create('/a')
    await ensemble.close()
    process.send('done')
    process.disconnect()
  `
  const options = ['--expose-gc', '--import', 'tsx', '--input-type=module']
  const child = spawnNode(t, [...options, '--eval', program])
  const told = messageOf(child)
  assert.deepEqual(await once(child, 'exit'), [0, null])
  assert.equal(await told, 'done')
})
