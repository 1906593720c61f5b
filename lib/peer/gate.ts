/**
 * What stands in a link's way while a fault is set: frames towards another peer are held for a while, in order, or
 * lost. A frame that is lost takes all later ones with it, until the link is replaced: a port never loses one from the
 * middle.
 */

import type { MessagePort } from 'node:worker_threads'
import type { LinkFault } from '../base/ports.ts'

interface Held {
  readonly frame: Uint8Array<ArrayBuffer>
  dueAt: number
}

/** Longest a timer of Node can wait; one that is to wait longer rings at once. */
const TIMER_MS_MAX = 2 ** 31 - 1

export class Gate {
  readonly #port: MessagePort
  #delayMs = 0
  #jitterMs = 0
  #lossy = false
  #held: Held[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(port: MessagePort) {
    this.#port = port
  }

  /** Holds nothing back and has lost nothing: of no more use. */
  get idle(): boolean {
    return !this.#lossy && this.#delayMs === 0 && this.#jitterMs === 0 && this.#held.length === 0
  }

  /**
   * Takes up another fault, or none. What is held meanwhile stays in front, and is late by the new delay at most:
   * without one it goes at once.
   */
  set(fault: LinkFault | undefined): void {
    this.#delayMs = fault?.delayMs ?? 0
    this.#jitterMs = fault?.jitterMs ?? 0
    if (fault?.cut === true) this.#lossy = true
    if (this.#lossy) this.close()
    else if (this.#delayMs === 0 && this.#jitterMs === 0) this.#release(Number.POSITIVE_INFINITY)
    else this.#hurry(performance.now() + this.#delayMs + this.#jitterMs)
  }

  /** The frame's bytes may be used again by the caller. */
  post(frame: Uint8Array): void {
    if (this.#lossy) return
    const delayMs = this.#delayMs + Math.random() * this.#jitterMs
    this.#held.push({ frame: new Uint8Array(frame), dueAt: performance.now() + delayMs })
    this.#arm()
  }

  /** Loses what is held. */
  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#held = []
  }

  /** What was to go later than this goes then. */
  #hurry(latest: number): void {
    for (const held of this.#held) held.dueAt = Math.min(held.dueAt, latest)
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#arm()
  }

  #arm(): void {
    const first = this.#held[0]
    if (first === undefined || this.#timer !== undefined) return
    const waitMs = Math.max(0, first.dueAt - performance.now())
    this.#timer = setTimeout(() => this.#release(performance.now()), Math.min(waitMs, TIMER_MS_MAX))
  }

  /** Lets go, in order, what is due by then; what is due later holds up what stands behind it. */
  #release(now: number): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const kept = this.#held.findIndex(({ dueAt }) => dueAt > now)
    for (const { frame } of this.#held.splice(0, kept === -1 ? this.#held.length : kept)) {
      this.#port.postMessage(frame, [frame.buffer])
    }
    this.#arm()
  }
}
