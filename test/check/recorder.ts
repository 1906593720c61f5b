/**
 * Writes down what one session asks and is told, while it is used through either face of the public API. Failures are
 * results here: a workload goes on after them. A session is used through one face only, since the continuations of
 * promises wait while the thread is blocked, and answers would be written down out of their order.
 */

import type { SessionState, Tree, WatchEvent } from '../../lib/index.ts'
import { TreeError } from '../../lib/index.ts'
import type { Call, Event, History, Operation, Read, Result } from './history.ts'

/** Nanoseconds by a clock that all threads and processes of a machine share. */
export function now(): number {
  return Number(process.hrtime.bigint())
}

const NANOSECONDS_PER_MS = 1_000_000

type Heard = (event: WatchEvent) => void

interface MutableCall extends Call {
  end?: number
  answered?: number
  result?: Result
}

export interface RecorderOptions {
  /** Unique in the history. */
  readonly name: string
  /** When the session was asked for. */
  readonly opened: number
  /** As given to `connect`. */
  readonly operationTimeoutMs: number
  /** Nothing will happen to the peers while the session is used. */
  readonly steady?: boolean | undefined
}

export class Recorder {
  readonly name: string
  readonly #tree: Tree
  readonly #opened: number
  readonly #steady: boolean
  readonly #closeSurelyWithin: number
  readonly #calls: MutableCall[] = []
  readonly #events: Event[] = []
  #told = 0
  #expired: number | undefined

  constructor(tree: Tree, options: RecorderOptions) {
    const { name, opened, operationTimeoutMs, steady = false } = options
    this.name = name
    this.#tree = tree
    this.#opened = opened
    this.#steady = steady
    this.#closeSurelyWithin = Math.min(tree.timeoutMs, operationTimeoutMs) * NANOSECONDS_PER_MS
  }

  /** Calls made so far. */
  get calls(): number {
    return this.#calls.length
  }

  get events(): number {
    return this.#events.length
  }

  /** To be told of the session's states: pass it on from the option `onState`. */
  heardOf(state: SessionState): void {
    if (state === 'expired') this.#expired ??= now()
  }

  /** Through the promise face. Never rejects. */
  ask(operation: Operation, heard?: Heard): Promise<Result> {
    const call = this.#begin(operation)
    return this.#started(call, heard).then(
      value => this.#ended(call, resultOf(operation, value)),
      error => this.#ended(call, failureOf(error)),
    )
  }

  /** Through the blocking face. Never throws. */
  block(operation: Operation, heard?: Heard): Result {
    const call = this.#begin(operation)
    try {
      return this.#ended(call, resultOf(operation, this.#blocked(call, heard)))
    } catch (error) {
      return this.#ended(call, failureOf(error))
    }
  }

  history(): History {
    const session = {
      name: this.name,
      id: this.#tree.sessionId,
      opened: this.#opened,
      expired: this.#expired,
      steady: this.#steady,
    }
    return { sessions: [session], calls: this.#calls, events: this.#events }
  }

  #begin(operation: Operation): MutableCall {
    const { length } = this.#calls
    const call = { session: this.name, index: length, start: now(), operation }
    this.#calls.push(call)
    return call
  }

  #ended(call: MutableCall, answer: Result): Result {
    const end = now()
    // A close that nobody answers comes to an end all the same, and the session to its own in its time.
    const unheard = call.operation.kind === 'close' && end - call.start >= this.#closeSurelyWithin
    const result: Result = unheard ? { code: 'CONNECTION_LOSS' } : answer
    call.end = end
    call.answered = this.#told++
    call.result = result
    if (result.code === 'SESSION_EXPIRED') this.#expired ??= call.end
    return result
  }

  #started(call: MutableCall, heard: Heard | undefined): Promise<unknown> {
    const { promises } = this.#tree
    const { operation } = call
    switch (operation.kind) {
      case 'create':
        return promises.create(operation.path, operation.data, optionsOf(operation))
      case 'set':
        return promises.set(operation.path, operation.data!, { version: operation.version })
      case 'delete':
        return promises.delete(operation.path, { version: operation.version })
      case 'sync':
        return promises.sync()
      case 'close':
        return promises.close()
      default:
        return promises[operation.kind](operation.path, this.#watch(call, operation, heard))
    }
  }

  #blocked(call: MutableCall, heard: Heard | undefined): unknown {
    const tree = this.#tree
    const { operation } = call
    switch (operation.kind) {
      case 'create':
        return tree.create(operation.path, operation.data, optionsOf(operation))
      case 'set':
        return tree.set(operation.path, operation.data!, { version: operation.version })
      case 'delete':
        return tree.delete(operation.path, { version: operation.version })
      case 'sync':
        return tree.sync()
      case 'close':
        return tree.close()
      default:
        return tree[operation.kind](operation.path, this.#watch(call, operation, heard))
    }
  }

  #watch({ index }: Call, { watch }: Read, heard: Heard | undefined) {
    if (!watch) return {}
    return {
      watch: (event: WatchEvent): void => {
        const { type, path, zxid } = event
        const told = this.#told++
        this.#events.push({ session: this.name, watch: index, time: now(), told, type, path, zxid })
        heard?.(event)
      },
    }
  }
}

function optionsOf(operation: Extract<Operation, { kind: 'create' }>) {
  const { ephemeral, sequential, parents, permissions } = operation
  const acl =
    permissions === undefined ? undefined : [{ permissions, scheme: 'world', id: 'anyone' }]
  return { ephemeral, sequential, parents, acl }
}

function resultOf({ kind }: Operation, value: unknown): Result {
  switch (kind) {
    case 'create':
      return { path: value as string }
    case 'set':
      return { stat: value as NonNullable<Result['stat']> }
    case 'get': {
      const { data, stat } = value as Awaited<ReturnType<Tree['promises']['get']>>
      return { data: data.toString(), stat }
    }
    case 'exists':
      return value === null ? { code: 'NO_NODE' } : { stat: value as NonNullable<Result['stat']> }
    case 'children':
      return { names: value as string[] }
    default:
      return {}
  }
}

/** Whatever is no failure of the API is a bug of it. */
function failureOf(error: unknown): Result {
  if (error instanceof TreeError) return { code: error.code }
  throw error
}
