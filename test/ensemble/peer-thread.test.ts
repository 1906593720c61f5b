/** A peer's thread: when it goes on at its start, and its end, which comes between two of its turns, never in one. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Board } from '../../lib/base/board.ts'
import { Lifeline } from '../../lib/base/lifeline.ts'
import { makeSid } from '../../lib/base/zxid.ts'
import { KeepAlive } from '../../lib/ensemble/keep-alive.ts'
import { type LiveReport, PeerThread } from '../../lib/ensemble/peer-thread.ts'
import { bootInMemory } from '../peer/boot.ts'
import { temporaryDirectory } from '../temporary.ts'
import { startLabour } from './labour.ts'
import { runProgram } from './support.ts'

/** The peer as it ships, alone and in memory; kept alive until it has ended. */
function startPeer(mayRecover: Int32Array, onReport: (report: LiveReport) => void): PeerThread {
  const board = new Board()
  const sid = makeSid(1)
  const shared = mayRecover.buffer as SharedArrayBuffer
  const boot = { ...bootInMemory(board, sid, [sid]), mayRecover: shared }
  const keepAlive = new KeepAlive()
  const thread = new PeerThread(boot, onReport)
  void thread.ended.then(() => keepAlive.end())
  return thread
}

describe('a peer whose store is open waits with its recovery', () => {
  for (const may of [true, false]) {
    test(may ? 'until it may go on' : 'and can be killed meanwhile', async () => {
      const mayRecover = new Int32Array(new SharedArrayBuffer(4))
      const reports: string[] = []
      const thread = startPeer(mayRecover, ({ kind }) => {
        reports.push(kind)
        if (kind === 'ready') thread.close()
        else if (kind === 'opened') untilWaiting()
      })
      // It waits once somebody is woken; the word is still 0 then.
      const untilWaiting = (): void => {
        if (!may) return thread.kill()
        if (Atomics.notify(mayRecover, 0) === 1) reports.push('woken')
        else if (!reports.includes('ready')) setImmediate(untilWaiting)
      }
      assert.equal(await thread.ended, undefined)
      assert.deepEqual(reports.slice(0, 3), may ? ['opened', 'woken', 'ready'] : ['opened'])
    })
  }
})

describe('a thread is in a turn', () => {
  test('and is killed', async t => {
    const notes = join(await temporaryDirectory(t), 'notes')
    const thread = await startLabour(notes)
    thread.kill()
    await thread.ended
    assert.match(await readFile(notes, 'latin1'), /^(\(\))+$/)
  })

  test('and the process exits', async t => {
    const notes = join(await temporaryDirectory(t), 'notes')
    const program = runProgram(t, 'labour-program.ts', [notes])
    const [code] = await once(program, 'exit')
    assert.equal(code, 0)
    assert.match(await readFile(notes, 'latin1'), /^(\(\))+$/)
  })
})

describe('a thread that rests', () => {
  test('need not be waited for', () => {
    const lifeline = new Lifeline()
    const resting = (): void =>
      lifeline.rest(() => {
        lifeline.cut()
        lifeline.awaitStop(Number.POSITIVE_INFINITY)
        throw new Error('ended in its rest')
      })
    assert.throws(resting, /ended in its rest/)
  })
})
