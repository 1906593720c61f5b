/**
 * Makes the directories that are damaged afterwards, in a process of its own, so that it can die with everything open.
 * A real ensemble with tiny snapshots and segments lives several lives: several epochs, full and delta snapshots,
 * several segments of the log and some that are gone, some of LevelDB's tables and logs. Arguments: the directory, how
 * to end, and the seed. Told to the parent: what the ensemble acknowledged.
 */

import { setTimeout as pause } from 'node:timers/promises'
import type { Ensemble } from '../../lib/index.ts'
import { Prng } from '../support/prng.ts'
import { type Ending, OPTIONS, ROOT } from './content.ts'
import { awaitLevel } from './level.ts'
import { openSegmented } from './segments.ts'

const MORE = '/more'
const MORE_WRITES = 400

const LIVES = 3
const WRITES_PER_REIGN = 40
const REIGNS_PER_LIFE = 2
/** Longer than a peer takes to note where its log ends. */
const REST_MS = 2_500

async function write(ensemble: Ensemble, prng: Prng, content: Map<string, string>): Promise<void> {
  await using tree = await ensemble.connect()
  for (let count = 0; count < WRITES_PER_REIGN; count++) {
    const value = `${prng.u32()}-`.repeat(prng.chance(0.1) ? 500 : prng.between(1, 60))
    const paths = [...content.keys()]
    if (paths.length > 10 && prng.chance(0.5)) {
      const path = prng.pick(paths)
      await tree.promises.set(path, value)
      content.set(path, value)
    } else if (paths.length > 20 && prng.chance(0.3)) {
      const path = prng.pick(paths)
      await tree.promises.delete(path)
      content.delete(path)
    } else {
      const path = await tree.promises.create(`${ROOT}/n-`, value, { sequential: true })
      content.set(path, value)
    }
  }
}

async function live(
  dataDir: string,
  isLast: boolean,
  ending: Ending,
  prng: Prng,
  content: Map<string, string>,
): Promise<void> {
  const ensemble = await openSegmented({ ...OPTIONS, dataDir })
  if (content.size === 0) {
    await using tree = await ensemble.connect()
    await tree.promises.create(ROOT, '')
  }
  for (let reign = 0; reign < REIGNS_PER_LIFE; reign++) {
    await write(ensemble, prng, content)
    const { leader } = await ensemble.status()
    await ensemble.kill(leader!)
    await ensemble.start(leader!)
  }
  await write(ensemble, prng, content)
  await awaitLevel(ensemble)
  if (!isLast || ending === 'closed') return await ensemble.close()
  if (ending === 'rested') await pause(REST_MS)
  await new Promise(resolve => process.send!(Object.fromEntries(content), resolve))
  if (ending === 'killed') await writeMore(ensemble)
  process.kill(process.pid, 'SIGKILL')
}

/** Leaves writes under way, acknowledged ones before them; nobody is told of these. */
async function writeMore(ensemble: Ensemble): Promise<void> {
  const tree = await ensemble.connect()
  const writes = Array.from({ length: MORE_WRITES }, (_, at) =>
    tree.promises.create(`${MORE}-`, 'x'.repeat(at), { sequential: true }),
  )
  await writes[MORE_WRITES / 2]
}

async function main([dataDir, ending, seed]: readonly string[]): Promise<void> {
  const prng = new Prng(Number(seed))
  const content = new Map<string, string>()
  for (let life = 1; life <= LIVES; life++) {
    await live(dataDir!, life === LIVES, ending as Ending, prng, content)
  }
  process.send!(Object.fromEntries(content), () => process.disconnect())
}

await main(process.argv.slice(2))
