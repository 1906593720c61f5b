/** The process that is killed: opens the ensemble, tells everything there is, then writes until its end. */

import { setTimeout as pause } from 'node:timers/promises'
import { type Durability, type Ensemble, openEnsemble } from '../../lib/index.ts'
import type { Order, Plan, Report } from './messages.ts'
import { observe, prepare } from './observe.ts'
import { Writer } from './writer.ts'

const PEER_DOWN_MS = 30
const PEER_UP_MS = 150

const plan = JSON.parse(process.argv[2]!) as Plan

function report(message: Report): void {
  process.send!(message)
}

/** What fails here fails the whole run: no write may fail for as long as the process lives. */
function fail(error: unknown): void {
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  report({ kind: 'failed', message })
}

async function write(ensemble: Ensemble, order: Extract<Order, { kind: 'write' }>): Promise<void> {
  const { registers, deletions, peerToKill } = order
  const writers = await Promise.all(
    [undefined, plan.reader].map(async (peer, session) => {
      const tree = await ensemble.connect({ peer })
      return new Writer(tree, `${plan.cycle}-${session}`, writes =>
        report({ kind: 'acknowledged', writes }),
      )
    }),
  )
  // A register has one writer, so that its value only grows.
  const paths = Object.keys(registers)
  const work = writers.flatMap((writer, at) => {
    const own = paths.filter((_, index) => index % writers.length === at)
    return writer.start(own, registers)
  })
  work.push(writers[0]!.delete(deletions))
  if (peerToKill !== undefined) work.push(disturb(ensemble, peerToKill))
  await Promise.all(work)
}

async function disturb(ensemble: Ensemble, sid: number): Promise<void> {
  for (;;) {
    await pause(PEER_UP_MS)
    await ensemble.kill(sid)
    await pause(PEER_DOWN_MS)
    await ensemble.start(sid)
  }
}

async function main(): Promise<void> {
  const { peers, dataDir, durability, reader } = plan
  const ensemble = await openEnsemble({ peers, dataDir, durability: durability as Durability })
  process.on('message', (order: Order) => {
    if (order.kind === 'write') write(ensemble, order).catch(fail)
    else ensemble.close().then(() => process.disconnect(), fail)
  })
  if (plan.cycle === 0) await prepare(ensemble)
  report({ kind: 'observed', observed: await observe(ensemble, reader) })
}

main().catch(fail)
