/** etcd beside us: three members on loopback, synced as it does by default. Uses `etcd` where it is installed. */

import { mkdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { freePorts, isInstalled, type Server, startServer, untilReady } from '../util/child.ts'
import { dataDirectory } from '../util/places.ts'

const MEMBERS = 3
const START_PATIENCE_MS = 60_000

/** Undefined when it can be run; else what is missing. */
export function etcdMissing(): string | undefined {
  if (isInstalled('etcd', '--version')) return undefined
  return 'etcd is not installed (apt-get install etcd-server)'
}

interface Member {
  readonly url: string
  readonly server: Server
}

interface Status {
  readonly leader: string
  readonly header: { readonly member_id: string }
}

/** Through its JSON gateway, which is good enough to ask how it is. */
async function statusOf({ url }: Member): Promise<Status | undefined> {
  try {
    const response = await fetch(`${url}/v3/maintenance/status`, { method: 'POST', body: '{}' })
    return response.ok ? ((await response.json()) as Status) : undefined
  } catch {
    return undefined
  }
}

export class Etcd {
  readonly #directory: string
  readonly #members: Member[] = []
  #leader = ''

  private constructor(directory: string) {
    this.#directory = directory
  }

  static async open(parent: string): Promise<Etcd> {
    const etcd = new Etcd(dataDirectory('etcd', parent))
    try {
      await etcd.#start()
      etcd.#leader = await untilReady('etcd serves', START_PATIENCE_MS, () => etcd.#findLeader())
    } catch (error) {
      await etcd.close()
      throw error
    }
    return etcd
  }

  /** The address of the member that leads: a client of it is as near to it as ours are. */
  get leader(): string {
    return this.#leader
  }

  async close(): Promise<void> {
    await Promise.all(this.#members.map(({ server }) => server.stop()))
    await rm(this.#directory, { recursive: true, force: true })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #start(): Promise<void> {
    const ports = await freePorts(MEMBERS * 2)
    const names = Array.from({ length: MEMBERS }, (_, at) => `member-${at + 1}`)
    const urlOf = (at: number, use: number) => `http://127.0.0.1:${ports[at * 2 + use]}`
    const cluster = names.map((name, at) => `${name}=${urlOf(at, 1)}`).join(',')
    for (const [at, name] of names.entries()) {
      const directory = join(this.#directory, name)
      mkdirSync(directory)
      const args = [
        ...['--name', name, '--data-dir', join(directory, 'data')],
        ...['--listen-client-urls', urlOf(at, 0), '--advertise-client-urls', urlOf(at, 0)],
        ...['--listen-peer-urls', urlOf(at, 1), '--initial-advertise-peer-urls', urlOf(at, 1)],
        ...['--initial-cluster', cluster, '--initial-cluster-state', 'new'],
      ]
      const server = startServer('etcd', args, join(directory, 'log'))
      this.#members.push({ url: urlOf(at, 0), server })
    }
  }

  /** Undefined until all members know the same one. */
  async #findLeader(): Promise<string | undefined> {
    const dead = this.#members.find(({ server }) => !server.isRunning())
    if (dead !== undefined) throw new Error(`etcd ended: ${dead.server.output()}`)
    const statuses = await Promise.all(this.#members.map(statusOf))
    if (statuses.some(status => status === undefined || status.leader === undefined)) {
      return undefined
    }
    return this.#members.find((_, at) => statuses[at]!.leader === statuses[at]!.header.member_id)
      ?.url
  }
}
