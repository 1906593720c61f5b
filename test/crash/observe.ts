/** Makes what the runs work on, and reads everything back after a start. */

import { setTimeout as pause } from 'node:timers/promises'
import type { Ensemble, Tree } from '../../lib/index.ts'
import { CREATED, type Observed, REGISTERS, SEQUENTIAL } from './messages.ts'

const REGISTER_COUNT = 16
/** Never changed: what makes a full image several chunks long. */
const BALLAST = '/crash/ballast'
const BALLAST_NODES = 3
const BALLAST_BYTES = 60_000
const POLL_MS = 2
const PATIENCE_MS = 30_000

export async function prepare(ensemble: Ensemble): Promise<void> {
  await using tree = await ensemble.connect()
  const { promises } = tree
  await promises.create(CREATED, '', { parents: true })
  await promises.create(SEQUENTIAL, '')
  await promises.create(REGISTERS, '')
  await promises.create(BALLAST, '')
  const ballast = Array.from({ length: BALLAST_NODES }, (_, at) =>
    promises.create(`${BALLAST}/${at}`, Buffer.alloc(BALLAST_BYTES, at + 1)),
  )
  const registers = Array.from({ length: REGISTER_COUNT }, (_, at) =>
    promises.create(`${REGISTERS}/register-${at}`, '0'),
  )
  await Promise.all([...ballast, ...registers])
}

/** What the peer `reader` answers, and how all of them are. */
export async function observe(ensemble: Ensemble, reader: number): Promise<Observed> {
  const tree = await ensemble.connect({ peer: reader })
  await tree.promises.sync()
  const [registers, created, sequential] = await Promise.all([
    readRegisters(tree),
    pathsIn(tree, CREATED),
    pathsIn(tree, SEQUENTIAL),
  ])
  await tree.promises.close()
  return { registers, created, sequential, ...(await levelPeers(ensemble)) }
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
async function levelPeers(
  ensemble: Ensemble,
): Promise<Pick<Observed, 'digests' | 'leader' | 'damage'>> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    const { leader, peers } = await ensemble.status()
    const isLevel = peers.every(({ serving, zxid }) => serving && zxid === peers[0]!.zxid)
    if (isLevel) {
      return {
        digests: peers.map(({ sid, digest }) => ({ sid, digest: digest! })),
        leader,
        damage: peers.flatMap(({ sid, damage }) =>
          damage === undefined ? [] : [{ sid, what: damage }],
        ),
      }
    }
    if (performance.now() > deadline) {
      const states = peers.map(({ sid, state, zxid }) => `${sid}: ${state} at ${zxid}`)
      throw new Error(`the peers did not catch up with each other: ${states.join(', ')}`)
    }
    await pause(POLL_MS)
  }
}
