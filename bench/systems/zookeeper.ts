/**
 * Apache ZooKeeper beside us: three servers on loopback, each write synced as it does by default, loaded by its own
 * Java client. Uses what is installed: the jars in `$ZOOKEEPER_HOME/lib`, or Debian's.
 */

import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import {
  freePorts,
  isInstalled,
  runProgram,
  type Server,
  startServer,
  untilReady,
} from '../util/child.ts'
import { dataDirectory, ROOT } from '../util/places.ts'

const SERVERS = 3
const HEAP = '-Xmx1g'
const START_PATIENCE_MS = 60_000
/** Of a server that was killed. */
const RESTART_DELAY_MS = 3000
const DEBIAN_JARS = '/usr/share/java'
/** Of Debian's jars, those that ZooKeeper needs. */
const NEEDED = [
  /^zookeeper(-jute)?\.jar$/,
  /^slf4j-(api|nop)\.jar$/,
  /^log4j-1\.2\.jar$/,
  /^netty-(buffer|codec|common|handler|resolver|transport|transport-native-(unix-common|epoll))\.jar$/,
  /^(snappy-java|metrics-core)\.jar$/,
]

/** The class path, or why there is none. */
function findJars(): { readonly classPath: string } | { readonly missing: string } {
  const home = process.env.ZOOKEEPER_HOME
  const directory = home === undefined ? DEBIAN_JARS : join(home, 'lib')
  const names = existsSync(directory) ? readdirSync(directory) : []
  const jars = names.filter(name =>
    home === undefined ? NEEDED.some(pattern => pattern.test(name)) : name.endsWith('.jar'),
  )
  if (!jars.some(name => /^zookeeper-?[\d.]*\.jar$/.test(name))) {
    return {
      missing: 'ZooKeeper is not installed (apt-get install zookeeper, or set ZOOKEEPER_HOME)',
    }
  }
  return { classPath: jars.map(name => join(directory, name)).join(':') }
}

/** Undefined when it can be run; else what is missing. */
export function zooKeeperMissing(): string | undefined {
  const jars = findJars()
  if ('missing' in jars) return jars.missing
  if (!isInstalled('java', '-version')) return 'Java is not installed'
  if (!isInstalled('javac', '-version')) return 'javac is not installed (a JDK is needed)'
  return undefined
}

interface Member {
  readonly id: number
  readonly clientPort: number
  readonly directory: string
  server: Server
}

/** What a server says of itself: `leader`, `follower`, or undefined as long as it does not serve. */
async function modeOf(port: number): Promise<string | undefined> {
  try {
    const socket = connect(port, '127.0.0.1')
    socket.end('srvr')
    return /^Mode: (\w+)/m.exec(await text(socket))?.[1]
  } catch {
    return undefined
  }
}

export class ZooKeeper {
  readonly directory: string
  readonly #classPath: string
  readonly #members: Member[] = []

  private constructor(directory: string, classPath: string) {
    this.directory = directory
    this.#classPath = classPath
  }

  /** Starts three servers on empty directories and waits until they serve. */
  static async open(parent: string): Promise<ZooKeeper> {
    const jars = findJars()
    if ('missing' in jars) throw new Error(jars.missing)
    const zooKeeper = new ZooKeeper(dataDirectory('zookeeper', parent), jars.classPath)
    try {
      await zooKeeper.#configure()
      await zooKeeper.#untilServing()
    } catch (error) {
      await zooKeeper.close()
      throw error
    }
    return zooKeeper
  }

  get classPath(): string {
    return this.#classPath
  }

  get pids(): readonly number[] {
    return this.#members.map(({ server }) => server.pid)
  }

  /** The addresses, the leader's first: one client alone is as near to it as ours are. */
  async hosts(): Promise<string[]> {
    const modes = await Promise.all(this.#members.map(({ clientPort }) => modeOf(clientPort)))
    const order = [...this.#members.keys()]
    order.sort((a, b) => Number(modes[b] === 'leader') - Number(modes[a] === 'leader'))
    return order.map(at => `127.0.0.1:${this.#members[at]!.clientPort}`)
  }

  /** Stops all servers, starts them again on what they have, and tells how long that took until they served. */
  async restart(): Promise<number> {
    await Promise.all(this.#members.map(({ server }) => server.stop()))
    const startedAt = performance.now()
    for (const member of this.#members) member.server = this.#start(member.directory)
    await this.#untilServing()
    return performance.now() - startedAt
  }

  /** Ends the leader as a crash would, and starts it again a moment later. @returns When it died, since the epoch. */
  async killLeader(): Promise<number> {
    const modes = await Promise.all(this.#members.map(({ clientPort }) => modeOf(clientPort)))
    const leader = this.#members[modes.indexOf('leader')]
    if (leader === undefined) throw new Error('ZooKeeper has no leader')
    const killedAt = performance.timeOrigin + performance.now()
    await leader.server.stop('SIGKILL')
    await pause(RESTART_DELAY_MS)
    leader.server = this.#start(leader.directory)
    await this.#untilServing()
    return killedAt
  }

  async close(): Promise<void> {
    await Promise.all(this.#members.map(({ server }) => server.stop()))
    await rm(this.directory, { recursive: true, force: true })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #configure(): Promise<void> {
    const ports = await freePorts(SERVERS * 3)
    const ids = Array.from({ length: SERVERS }, (_, at) => at + 1)
    const portOf = (id: number, use: number) => ports[(id - 1) * 3 + use]!
    const quorum = ids.map(id => `server.${id}=127.0.0.1:${portOf(id, 1)}:${portOf(id, 2)}`)
    for (const id of ids) {
      const directory = join(this.directory, `server-${id}`)
      mkdirSync(directory)
      writeFileSync(join(directory, 'myid'), String(id))
      const lines = [
        ...['tickTime=2000', 'initLimit=30', 'syncLimit=5', `dataDir=${directory}`],
        ...[`clientPort=${portOf(id, 0)}`, 'clientPortAddress=127.0.0.1', 'maxClientCnxns=0'],
        ...['admin.enableServer=false', '4lw.commands.whitelist=srvr', ...quorum],
      ]
      writeFileSync(join(directory, 'zoo.cfg'), `${lines.join('\n')}\n`)
      const clientPort = portOf(id, 0)
      this.#members.push({ id, clientPort, directory, server: this.#start(directory) })
    }
  }

  #start(directory: string): Server {
    const program = 'org.apache.zookeeper.server.quorum.QuorumPeerMain'
    const args = [HEAP, '-cp', this.#classPath, program, join(directory, 'zoo.cfg')]
    return startServer('java', args, join(directory, 'log'))
  }

  async #untilServing(): Promise<void> {
    await untilReady('ZooKeeper serves', START_PATIENCE_MS, async () => {
      const dead = this.#members.find(({ server }) => !server.isRunning())
      if (dead !== undefined) throw new Error(`ZooKeeper ended: ${dead.server.output()}`)
      const modes = await Promise.all(this.#members.map(({ clientPort }) => modeOf(clientPort)))
      const serving = modes.every(mode => mode !== undefined) && modes.includes('leader')
      return serving ? true : undefined
    })
  }
}

/** Compiles the load client once. @returns The class path to run it with. */
export async function compileLoad(zooKeeper: ZooKeeper): Promise<string> {
  const directory = dataDirectory('zookeeper-load')
  const source = join(ROOT, 'bench', 'systems', 'ZooKeeperLoad.java')
  await runProgram('javac', ['-d', directory, '-cp', zooKeeper.classPath, source])
  return `${zooKeeper.classPath}:${directory}`
}
