/**
 * The leader's session clocks, counted in ticks. A session expires when nobody reported it for its whole time-out,
 * rounded up to a tick and one more. Touching a session only stores a number: it sits in the bucket of an earlier
 * deadline and is moved on when that bucket falls due, so a tick costs what may expire, not what lives.
 */

import { assert } from '../base/assert.ts'
import type { SessionId, Zxid } from '../base/zxid.ts'

interface Clock {
  readonly lifeTicks: number
  /** The tick at which the session expires unless it is touched before. */
  deadline: number
  /** The bucket that holds the session. Invariant: bucket <= deadline. */
  bucket: number
}

export class SessionTracker {
  readonly #tickMs: number
  readonly #clocks = new Map<SessionId, Clock>()
  readonly #buckets = new Map<number, Set<SessionId>>()
  #now = 0

  constructor(tickMs: number) {
    assert(tickMs > 0, 'a tick takes time')
    this.#tickMs = tickMs
  }

  get size(): number {
    return this.#clocks.size
  }

  /** Starts the clock of a session, with its full time-out ahead. */
  add(id: SessionId, timeoutMs: number): void {
    assert(!this.#clocks.has(id), 'a session has one clock')
    const lifeTicks = Math.ceil(timeoutMs / this.#tickMs) + 1
    const clock = { lifeTicks, deadline: this.#now + lifeTicks, bucket: 0 }
    this.#clocks.set(id, clock)
    this.#file(id, clock)
  }

  /** The session was seen alive. One that is unknown (closed meanwhile) is ignored. */
  touch(id: SessionId): void {
    const clock = this.#clocks.get(id)
    if (clock !== undefined) clock.deadline = this.#now + clock.lifeTicks
  }

  remove(id: SessionId): void {
    const clock = this.#clocks.get(id)
    if (clock === undefined) return
    this.#clocks.delete(id)
    const bucket = this.#buckets.get(clock.bucket)
    bucket?.delete(id)
    if (bucket?.size === 0) this.#buckets.delete(clock.bucket)
  }

  /** Stops the clocks of all sessions opened by then; returns whose they were. */
  removeUpTo(zxid: Zxid): SessionId[] {
    // A session has the zxid of its opening as its id.
    const ids = [...this.#clocks.keys()].filter(id => (id as number) <= zxid)
    for (const id of ids) this.remove(id)
    return ids
  }

  /** One tick passed. Returns the sessions that expired with it; their clocks are gone. */
  tick(): SessionId[] {
    this.#now++
    const due = this.#buckets.get(this.#now)
    if (due === undefined) return []
    this.#buckets.delete(this.#now)
    const expired: SessionId[] = []
    for (const id of due) {
      const clock = this.#clocks.get(id)
      assert(clock !== undefined && clock.bucket === this.#now, 'a bucket holds what is due')
      if (clock.deadline > this.#now) {
        this.#file(id, clock)
      } else {
        this.#clocks.delete(id)
        expired.push(id)
      }
    }
    return expired
  }

  #file(id: SessionId, clock: Clock): void {
    clock.bucket = clock.deadline
    const bucket = this.#buckets.get(clock.bucket)
    if (bucket === undefined) this.#buckets.set(clock.bucket, new Set([id]))
    else bucket.add(id)
  }
}
