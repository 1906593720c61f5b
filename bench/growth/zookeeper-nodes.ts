/** The same large tree in ZooKeeper: three servers, each a JVM of its own. */

import { ZooKeeper, zooKeeperMissing } from '../systems/zookeeper.ts'
import { ZooKeeperLoads } from '../systems/zookeeper-load.ts'
import { diskBytes, residentBytesOf } from './disk.ts'
import type { GrowthOptions } from './options.ts'

const PAYLOAD_BYTES = 100
const SETTING = { clients: 3, inFlight: 256 }

export interface ZooKeeperNodes {
  readonly loadedPerSecond: number
  /** Of the three servers together. */
  readonly residentBytes: number
  readonly diskBytes: number
  readonly servingMs: number
}

/** A text says why it is left out. */
export async function besideZooKeeper(options: GrowthOptions): Promise<ZooKeeperNodes | string> {
  const missing = zooKeeperMissing()
  if (missing !== undefined) return missing
  await using zooKeeper = await ZooKeeper.open(options.directory)
  const loads = new ZooKeeperLoads(zooKeeper, options)
  const { opsPerSecond, errors } = await loads.fill(options.nodes, PAYLOAD_BYTES, SETTING)
  if (errors > 0) throw new Error(`${errors} creates failed`)
  const residentBytes = zooKeeper.pids.map(residentBytesOf).reduce((sum, bytes) => sum + bytes)
  const disk = diskBytes(zooKeeper.directory)
  const servingMs = await zooKeeper.restart()
  return { loadedPerSecond: opsPerSecond, residentBytes, diskBytes: disk, servingMs }
}
