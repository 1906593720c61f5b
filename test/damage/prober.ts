/**
 * Opens damaged directories and tells what came of it, in a process of its own: what brings the process down must not
 * take the campaign along. One question at a time.
 */

import { TreeError } from '../../lib/base/errors.ts'
import type { Sid } from '../../lib/base/zxid.ts'
import type { Answer } from './answer.ts'
import { recoverState } from './state.ts'

export interface Question {
  readonly directory: string
  readonly sid: Sid
}

async function answer({ directory, sid }: Question): Promise<Answer> {
  try {
    return { kind: 'recovered', recovered: await recoverState(directory, sid) }
  } catch (error) {
    if (error instanceof TreeError) {
      return { kind: 'refused', code: error.code, message: error.message }
    }
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { kind: 'broke', message }
  }
}

process.on('message', async (question: Question) => process.send!(await answer(question)))
