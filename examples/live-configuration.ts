/**
 * Configuration that changes while the program runs, and is still there after a restart.
 * Run it with: node --import tsx examples/live-configuration.ts
 *
 * A watch fires once, so a reader that wants every change reads again and watches again in one step: what `get` returns
 * is the newest value, and whatever happens after it will fire the new watch. Nothing can slip between the two.
 */

import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEnsemble, type Tree } from '../lib/index.ts'

const PATH = '/config/rate-limit'
const dataDir = await mkdtemp(join(tmpdir(), 'quorumtree-example-'))

/** Calls `use` with the value, and again after each change. */
function follow(tree: Tree, path: string, use: (value: string) => void): void {
  const { data } = tree.get(path, { watch: () => follow(tree, path, use) })
  use(data.toString())
}

async function changeWhileRunning(): Promise<void> {
  // Three peers, each in its own thread with its own log on disk. A write counts when two of them have it.
  await using ensemble = await openEnsemble({ peers: 3, dataDir })
  const service = await ensemble.connect()
  const operator = await ensemble.connect()

  operator.create(PATH, '100', { parents: true })
  const changes = new EventTarget()
  follow(service, PATH, value => {
    console.log(`service: the limit is ${value}`)
    changes.dispatchEvent(new Event(value))
  })

  const heard = once(changes, '250')
  const { version } = operator.set(PATH, '250')
  await heard

  // The version guards against overwriting a change that one has not seen, and 0 is out of date by now.
  try {
    operator.set(PATH, '1', { version: 0 })
  } catch (error) {
    console.log(`operator: refused, the version is ${version} by now: ${(error as Error).message}`)
  }
}

await changeWhileRunning()
{
  await using ensemble = await openEnsemble({ peers: 3, dataDir })
  const tree = await ensemble.connect()
  console.log(`after a restart: the limit is ${tree.get(PATH).data}`)
}
await rm(dataDir, { recursive: true })
