/** One life of a peer in its real surroundings, alone: what it makes of the ensemble it is told of. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { MessageChannel } from 'node:worker_threads'
import { Board } from '../../lib/base/board.ts'
import { Lifeline } from '../../lib/base/lifeline.ts'
import { makeSid, type Sid } from '../../lib/base/zxid.ts'
import { livePeer } from '../../lib/peer/life.ts'
import { openStore } from '../../lib/storage/open.ts'
import { bootInMemory } from './boot.ts'

const SID = makeSid(1)
/** Enough for an election, when there is somebody to elect. */
const TICKS = 60

/** The role that peer 1 shows after a while, with nobody else there. */
async function roleAlone(voters: readonly Sid[], observers: readonly Sid[]) {
  const board = new Board()
  const { port1, port2 } = new MessageChannel()
  const life = livePeer(
    {
      ...bootInMemory(board, SID, voters, observers),
      lifeline: new Lifeline().memory,
      mayRecover: new Int32Array(new SharedArrayBuffer(4)).fill(1).buffer as SharedArrayBuffer,
      control: port2,
    },
    openStore,
  )
  while (board.beats(SID) < TICKS) await turn()
  const role = board.role(SID)
  port1.postMessage({ kind: 'close' })
  await life
  port1.close()
  return role
}

const [one, two, three] = [SID, makeSid(2), makeSid(3)] as const

test('the only voter leads, however many observers there are', async () => {
  assert.equal(await roleAlone([one], []), 'leading')
  assert.equal(await roleAlone([one], [two, three]), 'leading')
})

test('one voter of two or three leads nobody', async () => {
  assert.equal(await roleAlone([one, two], []), 'looking')
  assert.equal(await roleAlone([one, two, three], []), 'looking')
})

test('an observer leads nobody', async () => {
  assert.equal(await roleAlone([two], [one]), 'looking')
})
