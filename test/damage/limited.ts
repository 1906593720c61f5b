/** The parent's side of an ensemble whose process runs into limits. */

import { type ChildProcess, execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const CHILD = fileURLToPath(new URL('limited-child.ts', import.meta.url))
const POLL_MS = 20

export type LimitedOrder = 'state' | 'check' | 'close'

export interface LimitedState {
  /** Writes acknowledged so far. */
  readonly acknowledged: number
  /** Calls that failed, by code. */
  readonly refusals: Readonly<Record<string, number>>
  /** Deaths of peers. */
  readonly failures: readonly {
    readonly sid: number
    readonly code: string
    readonly message: string
  }[]
}

export class LimitedEnsemble {
  readonly #child: ChildProcess
  readonly #died: Promise<never>

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#died = once(child, 'exit').then(([code, signal]) => {
      throw new Error(`the process ended: ${signal ?? code}`)
    })
    // The end that is asked for is nobody's failure.
    this.#died.catch(() => undefined)
  }

  static async open(
    dataDir: string,
    dataBytes: number,
    env: NodeJS.ProcessEnv = {},
  ): Promise<LimitedEnsemble> {
    const options = { execArgv: ['--import', 'tsx'], env: { ...process.env, ...env } }
    const child = fork(CHILD, [dataDir, String(dataBytes)], options)
    const ensemble = new LimitedEnsemble(child)
    await ensemble.#answer()
    return ensemble
  }

  async ask(order: LimitedOrder): Promise<LimitedState> {
    this.#child.send(order)
    return (await this.#answer()) as LimitedState
  }

  /** Waits until the ensemble is in such a state. */
  async until(condition: (state: LimitedState) => boolean): Promise<LimitedState> {
    for (;;) {
      const state = await this.ask('state')
      if (condition(state)) return state
      await pause(POLL_MS)
    }
  }

  /** A further number of writes is acknowledged. */
  async progress(count = 50): Promise<LimitedState> {
    const { acknowledged } = await this.ask('state')
    return this.until(state => state.acknowledged >= acknowledged + count)
  }

  /** Sets a soft limit of the running process; `unlimited` gives all back. */
  async limit(resource: 'fsize' | 'nofile', value: number | 'unlimited'): Promise<void> {
    const limit = value === 'unlimited' ? await this.#hardLimit(resource) : String(value)
    await promisify(execFile)('prlimit', [`--pid=${this.#child.pid}`, `--${resource}=${limit}:`])
  }

  async openFiles(): Promise<number> {
    return (await readdir(`/proc/${this.#child.pid}/fd`)).length
  }

  async #hardLimit(resource: string): Promise<string> {
    const args = [
      `--pid=${this.#child.pid}`,
      `--${resource}`,
      '--output=HARD',
      '--noheadings',
      '--raw',
    ]
    return (await promisify(execFile)('prlimit', args)).stdout.trim()
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  async #answer(): Promise<unknown> {
    const [message] = await Promise.race([once(this.#child, 'message'), this.#died])
    return message
  }
}

/** Whether limits of a running process can be set here; else why not. */
export async function findPrlimit(): Promise<string | undefined> {
  if (process.platform !== 'linux') return `this is ${process.platform}, not Linux`
  try {
    await promisify(execFile)('prlimit', ['--version'])
    return undefined
  } catch {
    return 'there is no prlimit'
  }
}
