/** The process that is killed: opens the ensemble, tells everything there is, then writes until its end. */

import { writeFileSync } from 'node:fs'
import { extname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { openConfigured } from '../../lib/ensemble/open.ts'
import { checkEnsemble } from '../../lib/ensemble/options.ts'
import type { Durability, Ensemble } from '../../lib/index.ts'
import { type Order, PLAN_VARIABLE, type Plan, type Report, stallFileOf } from './messages.ts'
import { observe, prepare } from './observe.ts'
import { Writer } from './writer.ts'

const PEER_DOWN_MS = 20
const PEER_UP_MS = 80
/** Elections and openings are counted in ticks, and most of a cycle is spent in them. */
const TICK_MS = 20
/** Small, so that snapshots, deltas and purges come up in every life. */
const SNAPSHOT_LOG_BYTES = 48 * 1024
const SNAPSHOTS_KEPT = 2
const WORKER = new URL(`peer-worker${extname(new URL(import.meta.url).pathname)}`, import.meta.url)

const planText = process.argv[2]!
const plan = JSON.parse(planText) as Plan

function report(message: Report): void {
  process.send!(message)
}

/** What fails here fails the whole run: no write may fail for as long as the process lives. */
function fail(error: unknown): void {
  const { code, stack } = error as Partial<NodeJS.ErrnoException>
  report({ kind: 'failed', code, message: stack ?? String(error) })
}

async function write(ensemble: Ensemble, order: Extract<Order, { kind: 'write' }>): Promise<void> {
  const { registers, deletions, peerToKill } = order
  const writers = await Promise.all(
    [undefined, plan.reader].map(async (peer, at) => {
      const tree = await ensemble.connect({ peer })
      const session = `${plan.name}-${at}`
      return new Writer(tree, session, order, writes =>
        report({ kind: 'acknowledged', session, writes }),
      )
    }),
  )
  // A register has one writer, so that its value only grows.
  const paths = Object.keys(registers)
  const work = writers.flatMap((writer, at) => {
    const own = paths.filter((_, index) => index % writers.length === at)
    return writer.start(own)
  })
  work.push(writers[0]!.delete(deletions))
  if (plan.ahead !== undefined) writeFileSync(stallFileOf(plan), '')
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
  const { peers, dataDir, durability, reader, first } = plan
  // The peers' threads get the environment as it is when they start.
  process.env[PLAN_VARIABLE] = planText
  const config = checkEnsemble({
    ...{ peers, dataDir, durability: durability as Durability, tickMs: TICK_MS },
    ...{ snapshotLogBytes: SNAPSHOT_LOG_BYTES, snapshotsKept: SNAPSHOTS_KEPT },
  })
  const ensemble = await openConfigured(config, WORKER)
  let closing = false
  process.on('message', (order: Order) => {
    if (order.kind === 'write') {
      // What is under way at the end of an orderly close is refused.
      write(ensemble, order).catch(error => closing || fail(error))
      return
    }
    closing = true
    ensemble.close().then(() => process.disconnect(), fail)
  })
  if (first) await prepare(ensemble)
  report({ kind: 'observed', observed: await observe(ensemble, reader) })
}

main().catch(fail)
