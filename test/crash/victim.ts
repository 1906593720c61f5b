/** The parent's side of one child: starts it, listens to it, kills it. */

import { type ChildProcess, fork } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Acknowledged, Observed, Order, Plan, Report } from './messages.ts'

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url))
const PATIENCE_MS = 60_000

export class Victim {
  readonly #child: ChildProcess
  readonly #onAcknowledged: (write: Acknowledged) => void
  readonly #changes = new EventEmitter()
  readonly #gone: Promise<unknown>
  #observed: Observed | undefined
  #acknowledged = 0
  #failure: string | undefined

  constructor(plan: Plan, onAcknowledged: (write: Acknowledged) => void) {
    this.#onAcknowledged = onAcknowledged
    this.#child = fork(CHILD, [JSON.stringify(plan)], { execArgv: ['--import', 'tsx'] })
    // What was sent before the end is still delivered, up to the disconnection.
    this.#gone = Promise.all([once(this.#child, 'exit'), once(this.#child, 'disconnect')])
    this.#child.on('message', (report: Report) => this.#take(report))
    this.#child.on('exit', () => this.#changes.emit('change'))
  }

  /** Waits until everything is read back. */
  async observed(): Promise<Observed> {
    await this.#until(() => this.#observed !== undefined, 'tell what it found')
    return this.#observed!
  }

  /** Waits until a write is acknowledged. */
  async writing(): Promise<void> {
    await this.#until(() => this.#acknowledged > 0, 'acknowledge a write')
  }

  order(order: Order): void {
    this.#child.send(order)
  }

  /** A crash of the whole process. All that it acknowledged and that left it is delivered first. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#gone
    this.#throwFailure()
    if (this.#child.signalCode !== 'SIGKILL') throw this.#endedByItself()
  }

  /** Lets it close the ensemble and end. */
  async close(): Promise<void> {
    this.order({ kind: 'close' })
    await this.#gone
    this.#throwFailure()
    if (this.#child.exitCode !== 0) throw this.#endedByItself()
  }

  #take(report: Report): void {
    switch (report.kind) {
      case 'observed':
        this.#observed = report.observed
        break
      case 'acknowledged':
        for (const write of report.writes) this.#onAcknowledged(write)
        this.#acknowledged += report.writes.length
        break
      case 'failed':
        this.#failure ??= report.message
    }
    this.#changes.emit('change')
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    const signal = AbortSignal.timeout(PATIENCE_MS)
    while (!condition()) {
      this.#throwFailure()
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        throw this.#endedByItself()
      }
      await once(this.#changes, 'change', { signal }).catch(() => {
        throw new Error(`the child did not ${what} within ${PATIENCE_MS / 1000} s`)
      })
    }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw new Error(`the child failed: ${this.#failure}`)
  }

  #endedByItself(): Error {
    const { exitCode, signalCode } = this.#child
    return new Error(`the child ended by itself: ${signalCode ?? `exit code ${exitCode}`}`)
  }
}
