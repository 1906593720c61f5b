/** The rows of the servers beside us: each runs alone, on the same disk, and is stopped before the next begins. */

import type { Row } from '../load/row.ts'
import { measureCases, type Plan } from '../load/series.ts'
import { Etcd, etcdMissing } from '../systems/etcd.ts'
import { EtcdClient } from '../systems/etcd-client.ts'
import { measureLoop } from '../systems/quorumtree.ts'
import { ZooKeeper, zooKeeperMissing } from '../systems/zookeeper.ts'
import { ONE_AT_A_TIME, ZooKeeperLoads } from '../systems/zookeeper-load.ts'
import { measureRivalFailOver, type RivalFailOver } from './fail-over.ts'
import {
  BLOCKING_GET,
  BLOCKING_SET,
  ETCD,
  PIPELINED_CREATES,
  PIPELINED_SETS,
  PROMISED_SET,
} from './names.ts'

const PAYLOAD_BYTES = 100
const CREATE_BYTES = 1024
const KEYS = 1000
const ETCD_CONNECTIONS = 4
const ETCD_IN_FLIGHT = 1024

export interface RivalRows {
  readonly rows: Row[]
  readonly skipped: string[]
  readonly failOver?: RivalFailOver
}

export async function measureZooKeeper(
  directory: string,
  parts: ReadonlySet<string>,
  plan: Plan,
): Promise<RivalRows> {
  const missing = zooKeeperMissing()
  if (missing !== undefined) return { rows: [], skipped: [missing] }
  await using zooKeeper = await ZooKeeper.open(directory)
  const loads = new ZooKeeperLoads(zooKeeper, plan)
  const rows: Row[] = []
  if (parts.has('sets')) {
    rows.push(await loads.best(PIPELINED_SETS, 'set', PAYLOAD_BYTES))
    rows.push(await loads.row(BLOCKING_SET, 'set', PAYLOAD_BYTES, ONE_AT_A_TIME))
  }
  if (parts.has('creates')) rows.push(await loads.best(PIPELINED_CREATES, 'create', CREATE_BYTES))
  if (parts.has('reads')) {
    rows.push(await loads.row(BLOCKING_GET, 'get', PAYLOAD_BYTES, ONE_AT_A_TIME))
  }
  if (!parts.has('fail-over')) return { rows, skipped: [] }
  return { rows, skipped: [], failOver: await measureRivalFailOver(zooKeeper, loads) }
}

/**
 * Through gRPC, as its own clients do; from this process, which costs it some of the processors. Its own load test
 * (`etcdctl check perf`) reaches less.
 */
export async function measureEtcd(directory: string, plan: Plan): Promise<RivalRows> {
  const missing = etcdMissing()
  if (missing !== undefined) return { rows: [], skipped: [missing] }
  await using etcd = await Etcd.open(directory)
  const connections = Array.from({ length: ETCD_CONNECTIONS }, () => EtcdClient.open(etcd.leader))
  const clients = await Promise.all(connections)
  const keys = Array.from({ length: KEYS }, (_, at) => `/sets/key-${at}`)
  const targets = clients.map(client => client.putTarget(keys, Buffer.alloc(PAYLOAD_BYTES, 'x')))
  const [single] = targets
  const spread = {
    call: (at: number) => targets[at % ETCD_CONNECTIONS]!.call(at),
    isRight: single!.isRight,
  }
  const common = { system: ETCD, peers: 3, durability: 'power', payloadBytes: PAYLOAD_BYTES }
  const pipelined = { name: PIPELINED_SETS, clients: ETCD_CONNECTIONS, inFlight: ETCD_IN_FLIGHT }
  const oneAtATime = { name: PROMISED_SET, clients: 1, inFlight: 1 }
  const cases = [
    {
      subject: { ...common, ...pipelined },
      run: (seconds: number) => measureLoop(spread, { inFlight: ETCD_IN_FLIGHT, seconds }),
    },
    {
      subject: { ...common, ...oneAtATime },
      run: (seconds: number) => measureLoop(single!, { inFlight: 1, seconds }),
    },
  ]
  const rows = await measureCases(cases, plan)
  await Promise.all(clients.map(client => client.close()))
  return { rows, skipped: [] }
}
