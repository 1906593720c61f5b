/** Reads in one thread: our local view, a bare map in between the floors, and stores in the same process. */

import type { Ensemble } from '../../lib/index.ts'
import { type BlockingTarget, blockingLoop } from '../load/closed-loop.ts'
import { shuffled } from '../load/paths.ts'
import type { Row } from '../load/row.ts'
import { type Case, measureCases, type Plan } from '../load/series.ts'
import { type LocalStore, openLmdb, openSqlite } from '../systems/local.ts'
import { makeNodes, untilLocal } from '../systems/quorumtree.ts'
import { blockingGetTarget } from '../systems/tree-targets.ts'
import { formatMs } from '../util/format.ts'
import { Latencies } from '../util/latencies.ts'
import { BLOCKING_GET, LOCAL_GETS, OURS } from './names.ts'

const PEERS = 3
const NODES = 100_000
const PAYLOAD_BYTES = 100
/** A reading of the clock is as long as a look-up, so not every call is timed. */
const TIMED_ONE_IN = 64

function caseOf<Result>(
  name: string,
  system: string,
  peers: number,
  target: BlockingTarget<Result>,
): Case {
  const timedOneIn = name === LOCAL_GETS ? TIMED_ONE_IN : 1
  const common = { durability: 'power', payloadBytes: PAYLOAD_BYTES, clients: 1, inFlight: 1 }
  return {
    subject: { name, system, peers, ...common },
    run: seconds => {
      const latencies = new Latencies()
      return { ...blockingLoop(target, { seconds, timedOneIn }, latencies), latencies }
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
  await using distant = await ensemble.connect({ reads: 'peer' })
  const paths = shuffled(await makeNodes(tree, '/reads', NODES, PAYLOAD_BYTES))
  // Before there is a replica in this thread, which would have to keep up.
  const through = blockingGetTarget(distant, paths, PAYLOAD_BYTES)
  const throughPeer = await measureCases([caseOf(BLOCKING_GET, OURS, PEERS, through)], plan)
  const { stores, skipped } = await openStores(directory, systems, paths)
  const localMs = await untilLocal(tree, paths[0]!)
  if (localMs === undefined) skipped.push('the local view: reads did not become local')
  else console.error(`  quorumtree: reads were local after ${formatMs(localMs)}`)
  const local = blockingGetTarget(tree, paths, PAYLOAD_BYTES)
  const cases = [
    caseOf(LOCAL_GETS, OURS, PEERS, local),
    ...stores.map(({ system, target }) => caseOf(LOCAL_GETS, system, 1, target)),
  ]
  const rows = [...throughPeer, ...(await measureCases(cases, plan))]
  for (const store of stores) await store.close()
  return { rows, skipped }
}
