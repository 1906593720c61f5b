/** What the tests of the ensemble share: directories, programs in threads and processes of their own, stub peers. */

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { type ErrorCode, TreeError } from '../../lib/base/errors.ts'
import type { HandleMessage } from '../../lib/base/ports.ts'
import type { Ensemble } from '../../lib/ensemble/ensemble.ts'
import { openConfigured } from '../../lib/ensemble/open.ts'
import { checkEnsemble, type EnsembleOptions } from '../../lib/ensemble/options.ts'
import { type Behaviour, STUB_VARIABLE } from './stub-behaviour.ts'

/** For `assert.throws` and `assert.rejects`: a TreeError with this code, whose message has all these parts. */
export function failsWith(code: ErrorCode, ...parts: readonly (string | RegExp)[]) {
  return (error: unknown): boolean => {
    if (!(error instanceof TreeError)) throw error
    assert.equal(error.code, code, error.message)
    for (const part of parts) {
      assert.ok(
        typeof part === 'string' ? error.message.includes(part) : part.test(error.message),
        `"${error.message}" lacks ${part}`,
      )
    }
    return true
  }
}

/** Starts Node.js in a process of its own, which does not outlive the test. */
export function spawnNode(t: TestContext, args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  t.after(() => child.kill('SIGKILL'))
  return child
}

/** Starts one of the programs beside this file in a process of its own. */
export function runProgram(t: TestContext, file: string, args: readonly string[]): ChildProcess {
  const program = fileURLToPath(new URL(file, import.meta.url))
  return spawnNode(t, ['--import', 'tsx', program, ...args])
}

// Node 20 does not hand `--import tsx` down to a thread whose entry is TypeScript, so the thread registers it first.
export const BOOT = `
const { workerData } = require('node:worker_threads')
import('tsx/esm/api').then(({ register }) => { register(); return import(workerData.entry) })
`

/** As `runProgram`, in a thread of this process. */
export function runThread(t: TestContext, file: string, args: readonly string[]): Worker {
  const entry = new URL(file, import.meta.url).href
  const worker = new Worker(BOOT, { eval: true, workerData: { entry }, argv: [...args] })
  t.after(() => worker.terminate())
  return worker
}

/** The next message of a program or thread. */
export async function messageOf(from: ChildProcess | Worker): Promise<unknown> {
  const [message] = await once(from, 'message')
  return message
}

/** What the stub peers do from their next start on, by server id. */
export function setBehaviour(t: TestContext, behaviour: Readonly<Record<number, Behaviour>>): void {
  process.env[STUB_VARIABLE] = JSON.stringify(behaviour)
  t.after(() => delete process.env[STUB_VARIABLE])
}

/** An ensemble whose peers are stubs: they link and choose a leader, and know neither a protocol nor a disk. */
export async function openStubs(t: TestContext, options: EnsembleOptions): Promise<Ensemble> {
  const worker = new URL('./stub-worker.ts', import.meta.url)
  const ensemble = await openConfigured(checkEnsemble(options), worker)
  t.after(() => ensemble.close())
  return ensemble
}

export type Opened = Extract<HandleMessage, { kind: 'opened' }>

/** The first message of a handle, which waits in it. */
export function openedBy(handle: MessagePort): Opened {
  const message = receiveMessageOnPort(handle)?.message as HandleMessage | undefined
  assert.equal(message?.kind, 'opened')
  return message as Opened
}

/** Asks again and again until the answer will do: the machine decides how long it takes, the runner when it failed. */
export async function until<T>(
  ask: () => Promise<T>,
  condition: (answer: T) => boolean,
): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (condition(answer)) return answer
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
