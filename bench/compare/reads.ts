/** Reads in one thread: our local view, a bare map in between the floors, and stores in the same process. */

import type { Ensemble } from '../../lib/index.ts'
import { type BlockingTarget, blockingLoop } from '../load/closed-loop.ts'
import { shuffled } from '../load/paths.ts'
import type { Row } from '../load/row.ts'
import { type Case, measureCases, type Plan } from '../load/series.ts'
import { type LocalStore, openLmdb, openSqlite } from '../systems/local.ts'
import { makeNodes } from '../systems/quorumtree.ts'
import { blockingGetTarget } from '../systems/tree-targets.ts'
import { Latencies } from '../util/latencies.ts'
import { LOCAL_GETS, OURS } from './names.ts'

const NODES = 100_000
const PAYLOAD_BYTES = 100
/** A reading of the clock is as long as a look-up, so not every call is timed. */
const TIMED_ONE_IN = 64

function caseOf<Result>(
  system: string,
  peers: number,
  durability: string,
  target: BlockingTarget<Result>,
): Case {
  const clients = { clients: 1, inFlight: 1 }
  return {
    subject: {
      ...{ name: LOCAL_GETS, system, peers, durability, payloadBytes: PAYLOAD_BYTES },
      ...clients,
    },
    run: seconds => {
      const latencies = new Latencies()
      const counts = blockingLoop(target, { seconds, timedOneIn: TIMED_ONE_IN }, latencies)
      return { ...counts, latencies }
    },
  }
}

export interface ReadsResult {
  readonly rows: Row[]
  /** Systems that are not to be had here, with the reason. */
  readonly skipped: string[]
}

async function openStores(
  directory: string,
  systems: ReadonlySet<string>,
  paths: readonly string[],
): Promise<{ readonly stores: LocalStore[]; readonly skipped: string[] }> {
  const data = Buffer.alloc(PAYLOAD_BYTES, 'x')
  const stores: LocalStore[] = []
  const skipped: string[] = []
  const add = (name: string, store: LocalStore | undefined) => {
    if (store === undefined) skipped.push(`${name} could not be installed`)
    else stores.push(store)
  }
  if (systems.has('lmdb')) add('lmdb', await openLmdb(directory, paths, data))
  if (systems.has('sqlite')) add('better-sqlite3', openSqlite(directory, paths, data))
  return { stores, skipped }
}

/** All in turn, in this thread, with the same paths in the same order. */
export async function measureReads(
  ensemble: Ensemble,
  directory: string,
  systems: ReadonlySet<string>,
  plan: Plan,
): Promise<ReadsResult> {
  await using tree = await ensemble.connect()
  const paths = shuffled(await makeNodes(tree, '/reads', NODES, PAYLOAD_BYTES))
  const { stores, skipped } = await openStores(directory, systems, paths)
  const ours = caseOf(OURS, 3, 'power', blockingGetTarget(tree, paths, PAYLOAD_BYTES))
  const others = stores.map(({ system, target }) => caseOf(system, 1, 'power', target))
  const rows = await measureCases([ours, ...others], plan)
  for (const store of stores) await store.close()
  return { rows, skipped }
}
