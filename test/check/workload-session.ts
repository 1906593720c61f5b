/** One participant of the workload in the promise face: a session, and after its end the next one, until it stops. */

import { setTimeout as pause } from 'node:timers/promises'
import { type ConnectOptions, type Tree, TreeError } from '../../lib/index.ts'
import { Prng } from '../support/prng.ts'
import { type History, mergeHistories, type Operation, type Result } from './history.ts'
import { Operations } from './operations.ts'
import { now, Recorder } from './recorder.ts'

export interface SessionPlan {
  readonly name: string
  readonly base: string
  readonly trees: number
  readonly seed: number
  readonly calls: number
  readonly thinkMs: number
  readonly window: number
  readonly timeoutMs: number
  readonly operationTimeoutMs: number
  readonly peer: number | undefined
  readonly steady: boolean
}

export interface Progress {
  calls: number
  uncertain: number
  events: number
  sessions: number
}

export interface SessionHost {
  connect(options: ConnectOptions): Promise<Tree>
  isStopped(): boolean
  count(what: keyof Progress): void
}

/** The ensemble was to be well when the workload stopped: one that serves nobody for so long is not. */
const AUDIT_PATIENCE_MS = 60_000
const RETRY_MS = 20

/** Tells that a call ended without an answer. */
export function isUncertain({ code }: Result): boolean {
  return code === 'CONNECTION_LOSS' || code === 'OPERATION_TIMEOUT' || isOver({ code })
}

/** Tells that the session is over. */
export function isOver({ code }: Result): boolean {
  return code === 'SESSION_EXPIRED' || code === 'CLOSED'
}

export class Participant {
  readonly prng: Prng
  readonly operations: Operations
  readonly #plan: SessionPlan
  readonly #host: SessionHost
  readonly #recorders: Recorder[] = []
  /** Calls to make yet. */
  left: number
  /** Since when it only wants to look at everything once more. */
  #doneSince: number | undefined

  constructor(plan: SessionPlan, host: SessionHost) {
    this.#plan = plan
    this.#host = host
    this.prng = new Prng(plan.seed)
    this.operations = new Operations(this.prng, plan.base, plan.trees, plan.name)
    this.left = plan.calls
  }

  get isDone(): boolean {
    return this.left <= 0 || this.#host.isStopped()
  }

  /** The next session; asks until it has one. */
  async open(): Promise<Recorder> {
    const { name, timeoutMs, operationTimeoutMs, peer, steady } = this.#plan
    for (;;) {
      const opened = now()
      let recorder: Recorder | undefined
      try {
        const tree = await this.#host.connect({
          timeoutMs,
          operationTimeoutMs,
          peer,
          onState: state => recorder?.heardOf(state),
        })
        const number = this.#recorders.length
        const options = { name: `${name}.${number}`, opened, operationTimeoutMs, steady }
        recorder = new Recorder(tree, options)
        this.#recorders.push(recorder)
        this.#host.count('sessions')
        return recorder
      } catch (error) {
        if (!(error instanceof TreeError) || error.code !== 'CONNECTION_LOSS') throw error
        this.#checkPatience()
        await pause(RETRY_MS)
      }
    }
  }

  draw(): Operation {
    this.left--
    this.#host.count('calls')
    return this.prng.chance(0.003) ? { kind: 'close' } : this.operations.next()
  }

  learn(operation: Operation, result: Result): void {
    if (isUncertain(result)) this.#host.count('uncertain')
    this.operations.learn(operation, result)
  }

  readonly heard = (): void => this.#host.count('events')

  /** Looks at everything with one session and closes it; asks others until one gets through. */
  async audit(
    recorder: Recorder,
    ask: (recorder: Recorder, operation: Operation) => Result | Promise<Result>,
  ): Promise<History> {
    for (let at = recorder; !(await this.#auditWith(at, ask)); at = await this.open()) {
      this.#checkPatience()
      // One that is given up would live on, and its thread with it.
      await ask(at, { kind: 'close' })
    }
    return mergeHistories(this.#recorders.map(each => each.history()))
  }

  #checkPatience(): void {
    if (!this.isDone) return
    this.#doneSince ??= performance.now()
    if (performance.now() - this.#doneSince <= AUDIT_PATIENCE_MS) return
    throw new Error(`nobody has served ${this.#plan.name} for ${AUDIT_PATIENCE_MS} ms`)
  }

  async #auditWith(
    recorder: Recorder,
    ask: (recorder: Recorder, operation: Operation) => Result | Promise<Result>,
  ): Promise<boolean> {
    if ((await ask(recorder, { kind: 'sync' })).code !== undefined) return false
    const children = new Map<string, readonly string[]>()
    for (const operation of this.operations.audit(children)) {
      const result = await ask(recorder, operation)
      if (isUncertain(result)) return false
      if ('path' in operation && result.names !== undefined) {
        children.set(operation.path, result.names)
      }
    }
    await ask(recorder, { kind: 'close' })
    return true
  }
}

export async function runSession(plan: SessionPlan, host: SessionHost): Promise<History> {
  const participant = new Participant(plan, host)
  const { prng } = participant
  let recorder = await participant.open()
  let over = false
  let underWay = new Set<Promise<void>>()
  while (!participant.isDone) {
    if (over) {
      recorder = await participant.open()
      underWay = new Set()
      over = false
    }
    const operation = participant.draw()
    const call: Promise<void> = recorder.ask(operation, participant.heard).then(result => {
      underWay.delete(call)
      participant.learn(operation, result)
      if (isOver(result) || operation.kind === 'close') over = true
    })
    underWay.add(call)
    if (underWay.size >= plan.window) await Promise.race(underWay)
    if (prng.chance(0.5)) await pause(prng.unit() * plan.thinkMs)
  }
  await Promise.all(underWay)
  if (over) recorder = await participant.open()
  return await participant.audit(recorder, (at, operation) => at.ask(operation))
}
