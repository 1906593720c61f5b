/** The parent's side of one child: starts it, listens to it, kills it. */

import { type ChildProcess, fork } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import type { Acknowledged, Observed, Order, Plan, Report } from './messages.ts'

const PATIENCE_MS = 60_000

export interface VictimOptions {
  /** The compiled child. */
  readonly program: string
  readonly plan: Plan
  readonly environment: NodeJS.ProcessEnv
  readonly onAcknowledged: (write: Acknowledged, session: string) => void
}

/** What failed in the child. */
export class ChildFailure extends Error {
  override readonly name = 'ChildFailure'
  readonly code: string | undefined

  constructor(code: string | undefined, message: string) {
    super(`the child failed: ${message}`)
    this.code = code
  }
}

export class Victim {
  readonly #child: ChildProcess
  readonly #onAcknowledged: VictimOptions['onAcknowledged']
  /** It is armed, so its end by itself is no failure. */
  readonly #mayDie: boolean
  readonly #changes = new EventEmitter()
  readonly #gone: Promise<unknown>
  #observed: Observed | undefined
  #acknowledged = 0
  #failure: ChildFailure | undefined
  #closing = false

  constructor({ program, plan, environment, onAcknowledged }: VictimOptions) {
    this.#onAcknowledged = onAcknowledged
    this.#mayDie = plan.armed !== undefined
    const env = { ...process.env, ...environment }
    this.#child = fork(program, [JSON.stringify(plan)], { execArgv: [], env })
    // What was sent before the end is still delivered, up to the disconnection.
    this.#gone = Promise.all([once(this.#child, 'exit'), once(this.#child, 'disconnect')])
    this.#child.on('message', (report: Report) => this.#take(report))
    this.#child.on('exit', () => this.#changes.emit('change'))
  }

  /** Waits until everything is read back; undefined when it killed itself before. */
  async observed(): Promise<Observed | undefined> {
    await this.#until(() => this.#observed !== undefined, 'tell what it found')
    return this.#observed
  }

  /** Waits until a write is acknowledged; false when it killed itself before. */
  async writing(): Promise<boolean> {
    return await this.#until(() => this.#acknowledged > 0, 'acknowledge a write')
  }

  /** Waits for its end, but not longer than this. */
  async endedWithin(ms: number): Promise<boolean> {
    const signal = AbortSignal.timeout(ms)
    while (!this.#isGone) {
      if (signal.aborted) return false
      this.#throwFailure()
      await once(this.#changes, 'change', { signal }).catch(() => undefined)
    }
    return true
  }

  order(order: Order): void {
    this.#child.send(order, () => undefined)
  }

  /** Lets it close the ensemble and end; true when it killed itself on the way. */
  async close(): Promise<boolean> {
    this.#closing = true
    this.order({ kind: 'close' })
    await this.#gone
    return this.#child.signalCode === 'SIGKILL'
  }

  /**
   * A crash of the whole process, unless it is gone already. All that it acknowledged and that left it is delivered
   * first.
   */
  async end(): Promise<void> {
    if (!this.#isGone && !this.#closing) this.#child.kill('SIGKILL')
    await this.#gone
    this.#throwFailure()
    const { exitCode, signalCode } = this.#child
    if (signalCode === 'SIGKILL' && (this.#mayDie || !this.#closing)) return
    if (exitCode !== 0 || !this.#closing) throw this.#endedByItself()
  }

  get #isGone(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  #take(report: Report): void {
    switch (report.kind) {
      case 'observed':
        this.#observed = report.observed
        break
      case 'acknowledged':
        for (const write of report.writes) this.#onAcknowledged(write, report.session)
        this.#acknowledged += report.writes.length
        break
      case 'failed':
        this.#failure ??= new ChildFailure(report.code, report.message)
    }
    this.#changes.emit('change')
  }

  /** True when it came about, false when the child killed itself before. */
  async #until(condition: () => boolean, what: string): Promise<boolean> {
    const signal = AbortSignal.timeout(PATIENCE_MS)
    while (!condition()) {
      this.#throwFailure()
      if (this.#isGone) {
        if (this.#mayDie && this.#child.signalCode === 'SIGKILL') return false
        throw this.#endedByItself()
      }
      await once(this.#changes, 'change', { signal }).catch(() => {
        throw new Error(`the child did not ${what} within ${PATIENCE_MS / 1000} s`)
      })
    }
    return true
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  #endedByItself(): Error {
    const { exitCode, signalCode } = this.#child
    return new Error(`the child ended by itself: ${signalCode ?? `exit code ${exitCode}`}`)
  }
}
