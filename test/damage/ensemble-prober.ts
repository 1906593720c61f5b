/**
 * Opens a whole ensemble of which one peer's directory is damaged, in a process of its own. Where the ensemble refuses
 * to open, the directory is moved away, as the error says. Then everything acknowledged must be there at every peer.
 */

import assert from 'node:assert/strict'
import { rename } from 'node:fs/promises'
import { type Ensemble, openEnsemble, TreeError } from '../../lib/index.ts'
import type { Answer } from './answer.ts'
import { type Content, OPTIONS, PEERS, ROOT } from './content.ts'
import { awaitLevel } from './level.ts'

export interface EnsembleQuestion {
  readonly dataDir: string
  /** The peer's directory that was damaged. */
  readonly harmed: string
  readonly sid: number
  readonly content: Content
}

async function readAll(ensemble: Ensemble, peer: number): Promise<Record<string, string>> {
  await using tree = await ensemble.connect({ peer })
  await tree.promises.sync()
  const names = await tree.promises.children(ROOT)
  const read = async (name: string) => {
    const path = `${ROOT}/${name}`
    return [path, (await tree.promises.get(path)).data.toString()] as const
  }
  return Object.fromEntries(await Promise.all(names.map(read)))
}

/** Everything is there, everywhere, and goes on. Returns what the harmed peer's recovery said. */
async function check(ensemble: Ensemble, { content, sid }: EnsembleQuestion): Promise<string> {
  const { peers } = await awaitLevel(ensemble)
  assert.equal(new Set(peers.map(({ digest }) => digest)).size, 1, 'all peers have the same tree')
  for (let peer = 1; peer <= PEERS; peer++) {
    assert.deepEqual(await readAll(ensemble, peer), content, `peer ${peer} has everything`)
  }
  await using tree = await ensemble.connect()
  await tree.promises.create('/after', 'written')
  return peers.find(peer => peer.sid === sid)?.damage ?? ''
}

async function open(question: EnsembleQuestion): Promise<{ ensemble: Ensemble; refusal: string }> {
  const options = { ...OPTIONS, dataDir: question.dataDir }
  try {
    return { ensemble: await openEnsemble(options), refusal: '' }
  } catch (error) {
    if (!(error instanceof TreeError) || error.path !== question.harmed) throw error
    await rename(question.harmed, `${question.dataDir}.away`)
    return { ensemble: await openEnsemble(options), refusal: `${error.code}: ${error.message}` }
  }
}

async function answer(question: EnsembleQuestion): Promise<Answer> {
  try {
    const { ensemble, refusal } = await open(question)
    try {
      const damage = await check(ensemble, question)
      return { kind: 'served', refusal, damage }
    } finally {
      await ensemble.close()
    }
  } catch (error) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { kind: 'broke', message }
  }
}

process.on('message', async (question: EnsembleQuestion) => process.send!(await answer(question)))
