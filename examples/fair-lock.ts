/**
 * A fair lock: one thread at a time, first come, first served, and a holder that dies does not keep it.
 * Run it with: node --import tsx examples/fair-lock.ts
 *
 * Everyone who wants the lock takes a numbered ticket: an ephemeral, sequential node. The lowest number holds the lock;
 * the others wait, each for the ticket just before its own and for no other, so a hand-over wakes one waiter only.
 */

import { once } from 'node:events'
import { isMainThread, type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { connect, openEnsemble, type Tree } from '../lib/index.ts'
import { startThread } from './util/thread.ts'

/** Waits for the lock; returns the ticket. Deleting the ticket gives the lock back. */
async function acquire(tree: Tree): Promise<string> {
  const ticket = tree.create('/lock/ticket-', '', { ephemeral: true, sequential: true })
  for (;;) {
    const queue = tree.children('/lock').sort()
    const before = queue[queue.indexOf(ticket.slice('/lock/'.length)) - 1]
    if (before === undefined) return ticket
    await new Promise<unknown>(resolve => {
      // Looking and watching are one step: either the ticket is there and its end will be told, or it has gone.
      if (tree.exists(`/lock/${before}`, { watch: resolve }) === null) resolve(undefined)
      else parentPort!.postMessage('waits')
    })
  }
}

async function contend(handle: MessagePort): Promise<void> {
  const tree = await connect(handle)
  const ticket = await acquire(tree)
  parentPort!.postMessage('holds the lock')
  await once(parentPort!, 'message')
  tree.delete(ticket)
  tree.close()
}

async function main(): Promise<void> {
  await using ensemble = await openEnsemble({ peers: 3, durability: 'memory' })
  const tree = await ensemble.connect()
  tree.create('/lock')
  const start = async (name: string) => {
    const handle = ensemble.handle()
    const thread = startThread(import.meta.url, { handle }, [handle])
    const next = async () => console.log(`${name} ${(await once(thread, 'message'))[0]}`)
    await next()
    return { thread, next }
  }
  // Each starts when the one before has said where it stands, so the order of the tickets is known.
  const [anna, bert, cleo] = [await start('anna'), await start('bert'), await start('cleo')]
  console.log('anna gives it back')
  anna.thread.postMessage('release')
  await bert.next()
  console.log('bert dies')
  await Promise.all([bert.thread.terminate(), cleo.next()])
  await cleo.thread.terminate()
}

await (isMainThread ? main() : contend((workerData as { handle: MessagePort }).handle))
