/**
 * The list of the servers that are up, kept by the servers themselves.
 * Run it with: node --import tsx examples/server-list.ts
 *
 * Each server, here a thread, creates an ephemeral node: it lives as long as the server's session. A server that dies
 * need not say goodbye: its thread is gone, so its session ends at once and the node with it. Whoever watches the list
 * of children sees servers come and go.
 */

import { once } from 'node:events'
import { isMainThread, type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { connect, openEnsemble, type Tree } from '../lib/index.ts'
import { startThread } from './util/thread.ts'

interface Role {
  readonly role: 'server' | 'watcher'
  readonly name: string
  /** A way into the ensemble that can be handed to any thread. It serves one session. */
  readonly handle: MessagePort
}

/** Reports the list, now and after each change. */
function watchServers(tree: Tree): void {
  const names = tree.children('/servers', { watch: () => watchServers(tree) })
  parentPort!.postMessage(names.sort().join(', ') || 'none')
}

async function runThread({ role, name, handle }: Role): Promise<void> {
  const tree = await connect(handle)
  if (role === 'watcher') watchServers(tree)
  // The open session keeps the thread alive from here on.
  else tree.create(`/servers/${name}`, `http://${name}.example:8080`, { ephemeral: true })
}

async function main(): Promise<void> {
  // Who is up is no longer true after a restart anyway, so this ensemble needs no disk.
  await using ensemble = await openEnsemble({ peers: 3, durability: 'memory' })
  const tree = await ensemble.connect()
  tree.create('/servers')
  const start = (role: Role['role'], name: string) => {
    const handle = ensemble.handle()
    return startThread(import.meta.url, { role, name, handle }, [handle])
  }
  const watcher = start('watcher', 'watcher')
  const list = async () => console.log(`up: ${(await once(watcher, 'message'))[0]}`)
  await list()

  const anna = start('server', 'anna')
  await list()
  const bert = start('server', 'bert')
  await list()
  await Promise.all([anna.terminate(), list()])
  await Promise.all([bert.terminate(), watcher.terminate()])
}

await (isMainThread ? main() : runThread(workerData as Role))
