/** The end of a peer's thread: it comes between two of its turns, never in one. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Lifeline } from '../../lib/base/lifeline.ts'
import { temporaryDirectory } from '../temporary.ts'
import { startLabour } from './labour.ts'
import { runProgram } from './support.ts'

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
