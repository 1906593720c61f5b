/**
 * One call on its way: what was asked, who waits, and in the end the answer. Both faces use it: the blocking one waits
 * until `ended` and takes `result()`, the other hands out `promise()`.
 */

import { assert } from '../base/assert.ts'
import type { ErrorCode } from '../base/errors.ts'
import type { Reply } from '../base/reply.ts'
import type { ReadRequest, WriteRequest } from '../base/request.ts'
import { failureOf } from './core-failures.ts'
import type { Watcher } from './core-watches.ts'

export class Call<T> {
  readonly kind = 'call'
  readonly request: ReadRequest | WriteRequest
  readonly watcher: Watcher | undefined
  /** By the driver's clock, in milliseconds; calls enter the line in the order of this. */
  startedAt = 0
  /** Bytes it holds on the wire, as far as the window counts them. */
  readonly weight: number
  /** Given when it is first sent, and kept when it is sent again: the reply, and the deduplication, go by them. */
  xid = 0
  /** The place among the session's writes; 0 for a read, and until the first send. */
  cxid = 0
  readonly #answer: (reply: Reply) => T
  #reply: Reply | undefined
  #failure: ErrorCode | undefined
  /** Why it could not be sent. */
  #error: unknown
  #refused = false
  #delivered = false
  #promise: Promise<T> | undefined
  #resolve: ((value: unknown) => void) | undefined
  #reject: ((reason: unknown) => void) | undefined

  /** `answer` reads the result out of a reply that is no failure; it runs once, before the reply's frame is let go. */
  constructor(
    request: ReadRequest | WriteRequest,
    answer: (reply: Reply) => T,
    watcher?: Watcher | undefined,
  ) {
    this.request = request
    this.watcher = watcher
    this.weight = 'data' in request ? request.data.length : 0
    this.#answer = answer
  }

  /** An ended call keeps its place in the line until its reply comes, which then concerns nobody. */
  get ended(): boolean {
    return this.#reply !== undefined || this.#failure !== undefined || this.#refused
  }

  /** Whether its end was handed on. */
  get delivered(): boolean {
    return this.#delivered
  }

  end(reply: Reply): void {
    assert(!this.ended, 'a call ends once')
    this.#reply = reply
    this.#failure = this.#failureIn(reply)
  }

  /** Ends it without an answer: what it asked for may or may not happen. */
  fail(code: ErrorCode): void {
    assert(!this.ended, 'a call ends once')
    this.#failure = code
  }

  /** Ends it with an error of its own: it was never sent, nor will it be. */
  refuse(error: unknown): void {
    assert(!this.ended, 'a call ends once')
    this.#refused = true
    this.#error = error
  }

  /**
   * The answer of an ended call.
   * @throws TreeError when it failed, and what `refuse` was given.
   */
  result(): T {
    if (this.#refused) throw this.#error
    if (this.#failure !== undefined) throw failureOf(this.#failure, this.request)
    assert(this.#reply !== undefined, 'only an ended call has a result')
    return this.#answer(this.#reply)
  }

  /** Settled by `deliver`, so never before the watch events that precede the answer have been told. */
  promise(): Promise<T> {
    this.#promise ??= new Promise<T>((resolve, reject) => {
      this.#resolve = resolve as (value: unknown) => void
      this.#reject = reject
    })
    return this.#promise
  }

  /** Hands on its end. Returns whether a promise was settled by it: who awaits that runs later. */
  deliver(): boolean {
    this.#delivered = true
    if (this.#resolve === undefined) return false
    try {
      this.#resolve(this.result())
    } catch (error) {
      this.#reject?.(error)
    }
    return true
  }

  /** A missing node is an answer to exists, not a failure. */
  #failureIn(reply: Reply): ErrorCode | undefined {
    return this.request.kind === 'exists' && reply.code === 'NO_NODE' ? undefined : reply.code
  }
}

/** A call, whatever its answer: all that the line needs to know. */
export type AnyCall = Call<unknown>
