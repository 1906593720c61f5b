/** Reads everything back after a start. */

import { setTimeout as pause } from 'node:timers/promises'
import type { Ensemble, Tree } from '../../lib/index.ts'
import { CREATED, type Observed, REGISTERS, SEQUENTIAL } from './messages.ts'

const REGISTER_COUNT = 32
const POLL_MS = 5
const PATIENCE_MS = 30_000

/** Makes what the runs work on. */
export async function prepare(ensemble: Ensemble): Promise<void> {
  await using tree = await ensemble.connect()
  await tree.promises.create(CREATED, '', { parents: true })
  await tree.promises.create(SEQUENTIAL, '')
  await tree.promises.create(REGISTERS, '')
  for (let at = 0; at < REGISTER_COUNT; at++) {
    await tree.promises.create(`${REGISTERS}/register-${at}`, '0')
  }
}

/** What the peer `reader` answers, and the digests of all. */
export async function observe(ensemble: Ensemble, reader: number): Promise<Observed> {
  const tree = await ensemble.connect({ peer: reader })
  await tree.promises.sync()
  const [registers, created, sequential] = await Promise.all([
    readRegisters(tree),
    pathsIn(tree, CREATED),
    pathsIn(tree, SEQUENTIAL),
  ])
  await tree.promises.close()
  return { registers, created, sequential, digests: await levelDigests(ensemble) }
}

async function pathsIn(tree: Tree, parent: string): Promise<string[]> {
  const names = await tree.promises.children(parent)
  return names.map(name => `${parent}/${name}`)
}

async function readRegisters(tree: Tree): Promise<Record<string, number>> {
  const read = async (path: string) => {
    const { data } = await tree.promises.get(path)
    return [path, Number(data.toString())] as const
  }
  const paths = await pathsIn(tree, REGISTERS)
  return Object.fromEntries(await Promise.all(paths.map(read)))
}

/** Waits until all peers have applied the same transactions; only then do their digests have to be equal. */
async function levelDigests(ensemble: Ensemble): Promise<Observed['digests']> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    const { peers } = await ensemble.status()
    const isLevel = peers.every(({ serving, zxid }) => serving && zxid === peers[0]!.zxid)
    if (isLevel) return peers.map(({ sid, digest }) => ({ sid, digest: digest! }))
    if (performance.now() > deadline) {
      const states = peers.map(({ sid, state, zxid }) => `${sid}: ${state} at ${zxid}`)
      throw new Error(`the peers did not catch up with each other: ${states.join(', ')}`)
    }
    await pause(POLL_MS)
  }
}
