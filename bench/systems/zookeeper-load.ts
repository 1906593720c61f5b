/** Rows of ZooKeeper, from its load client in a JVM of its own; and of several ways to load it, the best. */

import type { Gap } from '../load/gaps.ts'
import { type Figures, medianOf, type Row } from '../load/row.ts'
import type { Plan } from '../load/series.ts'
import { runProgram } from '../util/child.ts'
import { formatCount } from '../util/format.ts'
import { compileLoad, type ZooKeeper } from './zookeeper.ts'

/** A JVM is not what it can be before that. */
const WARM_UP_SECONDS_MIN = 15
const CALLS_MAX = 2 ** 40
const HEAP = '-Xmx3g'

export type Operation = 'set' | 'get' | 'create'

export interface Setting {
  readonly clients: number
  /** Per client. */
  readonly inFlight: number
}

/** Ways to keep about a thousand calls under way; one of them suits it best. */
export const PIPELINED_SETTINGS: readonly Setting[] = [
  { clients: 1, inFlight: 1024 },
  { clients: 3, inFlight: 256 },
  { clients: 3, inFlight: 1000 },
]
export const ONE_AT_A_TIME: Setting = { clients: 1, inFlight: 1 }

function parseRun(line: string): Figures {
  const [, operations, errors, seconds, p50us, p99us, p999us, maxus] = line.split('\t')
  return {
    opsPerSecond: Number(operations) / Number(seconds),
    p50us: Number(p50us),
    p99us: Number(p99us),
    p999us: Number(p999us),
    maxus: Number(maxus),
    errors: Number(errors),
  }
}

export class ZooKeeperLoads {
  readonly #zooKeeper: ZooKeeper
  readonly #plan: Plan
  readonly #classPath: Promise<string>

  constructor(zooKeeper: ZooKeeper, plan: Plan) {
    this.#zooKeeper = zooKeeper
    // A trial may be short; who wants figures to quote has to wait.
    const isTrial = plan.warmUpSeconds < 5
    const warmUpSeconds = isTrial
      ? plan.warmUpSeconds
      : Math.max(plan.warmUpSeconds, WARM_UP_SECONDS_MIN)
    this.#plan = { ...plan, warmUpSeconds }
    this.#classPath = compileLoad(zooKeeper)
  }

  async row(name: string, operation: Operation, payloadBytes: number, at: Setting): Promise<Row> {
    const { seconds, warmUpSeconds, runs } = this.#plan
    const times = [warmUpSeconds, seconds, runs, CALLS_MAX]
    const lines = await this.#load(operation, payloadBytes, at, times)
    const measured = lines.filter(line => line.startsWith('run\t')).map(parseRun)
    const subject = {
      name,
      system: 'ZooKeeper',
      peers: 3,
      durability: 'power',
      payloadBytes,
      clients: at.clients,
      inFlight: at.clients * at.inFlight,
    }
    const row = { ...subject, ...medianOf(measured) }
    const how = `${at.clients} × ${at.inFlight} in flight`
    console.error(`  ZooKeeper: ${name}, ${how}: ${formatCount(row.opsPerSecond)}/s`)
    return row
  }

  /** Tries all settings; the one with the highest throughput counts. */
  async best(name: string, operation: Operation, payloadBytes: number): Promise<Row> {
    const rows: Row[] = []
    for (const setting of PIPELINED_SETTINGS) {
      rows.push(await this.row(name, operation, payloadBytes, setting))
    }
    return rows.reduce((best, row) => (row.opsPerSecond > best.opsPerSecond ? row : best))
  }

  /** One client that writes for so long: each time that it had to wait for an answer. */
  async gaps(seconds: number): Promise<Gap[]> {
    const lines = await this.#load('gaps', 0, ONE_AT_A_TIME, [0, seconds, 1, 0])
    return lines.filter(Boolean).map(line => {
      const [to, ms] = line.split('\t').map(Number)
      return { from: to! - ms!, to: to! }
    })
  }

  /** Creates `count` nodes that stay. */
  async fill(count: number, payloadBytes: number, at: Setting): Promise<Figures> {
    const [line] = await this.#load('fill', payloadBytes, at, [0, 1e10, 1, count])
    return parseRun(line!)
  }

  async #load(
    operation: Operation | 'fill' | 'gaps',
    payloadBytes: number,
    { clients, inFlight }: Setting,
    times: readonly number[],
  ): Promise<string[]> {
    const hosts = (await this.#zooKeeper.hosts()).join(',')
    const numbers = [payloadBytes, clients, inFlight, ...times].map(String)
    const classPath = await this.#classPath
    const args = [HEAP, '-cp', classPath, 'ZooKeeperLoad', hosts, operation, ...numbers]
    return (await runProgram('java', args)).trimEnd().split('\n')
  }
}
