/**
 * An ensemble under load in a process whose limits are taken away and given back by its parent. Arguments: the
 * directory and the size of the data it writes. It answers orders: how it is, or to wait until all is well and check.
 */

import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { type Ensemble, openEnsemble, type Tree, TreeError } from '../../lib/index.ts'
import { awaitLevel } from './level.ts'
import type { LimitedOrder, LimitedState } from './limited.ts'

const LANES = 4
const OPERATION_TIMEOUT_MS = 2_000
const RETRY_MS = 20

const [dataDir, dataBytes] = process.argv.slice(2)
const acknowledged: string[] = []
const refusals: Record<string, number> = {}
const failures: LimitedState['failures'][number][] = []
let writing = true

async function connect(ensemble: Ensemble): Promise<Tree> {
  for (;;) {
    try {
      return await ensemble.connect({ operationTimeoutMs: OPERATION_TIMEOUT_MS })
    } catch (error) {
      note(error)
      await pause(RETRY_MS)
    }
  }
}

/** Anything but a TreeError ends the process, and with it the test. */
function note(error: unknown): void {
  if (!(error instanceof TreeError)) throw error
  refusals[error.code] = (refusals[error.code] ?? 0) + 1
}

async function write(ensemble: Ensemble, lane: number): Promise<void> {
  const data = 'x'.repeat(Number(dataBytes))
  let tree = await connect(ensemble)
  for (let at = 0; writing; at++) {
    try {
      const path = `/${lane}-${at}`
      await tree.promises.create(path, data)
      acknowledged.push(path)
    } catch (error) {
      note(error)
      await pause(RETRY_MS)
      if (error instanceof TreeError && ['SESSION_EXPIRED', 'CLOSED'].includes(error.code)) {
        tree = await connect(ensemble)
      }
    }
  }
}

async function check(ensemble: Ensemble): Promise<void> {
  writing = false
  await lanes
  const { peers } = await awaitLevel(ensemble)
  assert.equal(new Set(peers.map(({ digest }) => digest)).size, 1)
  for (const { sid } of peers) {
    const tree = await ensemble.connect({ peer: sid })
    await tree.promises.sync()
    const names = new Set(await tree.promises.children('/'))
    const lost = acknowledged.filter(path => !names.has(path.slice(1)))
    assert.deepEqual(lost, [], `peer ${sid} has all that was acknowledged`)
    await tree.promises.close()
  }
}

const ensemble = await openEnsemble({
  peers: 3,
  dataDir: dataDir!,
  openTimeoutMs: 120_000,
  restart: { delayMs: 20, delayMaxMs: 500 },
  onPeerFailure: ({ sid, code, message }) => failures.push({ sid, code, message }),
})
const lanes = Promise.all(Array.from({ length: LANES }, (_, lane) => write(ensemble, lane)))

async function obey(order: LimitedOrder): Promise<void> {
  if (order === 'check') await check(ensemble)
  if (order === 'close') await ensemble.close()
  const state: LimitedState = { acknowledged: acknowledged.length, refusals, failures }
  process.send!(state, () => {
    if (order === 'close') process.off('disconnect', endWithParent).disconnect()
  })
}

/** It would write for ever. */
function endWithParent(): void {
  process.exit(1)
}

process.on('disconnect', endWithParent)

process.on('message', (order: LimitedOrder) => {
  void obey(order)
})
process.send!('open')
