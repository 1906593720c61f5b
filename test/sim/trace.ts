/**
 * What happened in a run: always as a hash, which tells whether two runs were the same, and on demand as events, of
 * which the last are kept as lines to read. Runs are repeated exactly from their seed, so events are only made in the
 * second run, of a seed that failed.
 */

import type { PeerInput, TurnOutput } from '../../lib/peer/core-turn.ts'
import { describeEvent } from './describe.ts'
import type { Knobs } from './knobs.ts'
import type { SimPeer } from './peer.ts'
import type { TraceBody, TraceEvent } from './trace-event.ts'
import { inputBody, type StoodBefore, stand, startBody, turnBody } from './trace-peer.ts'
import type { Violation } from './violation.ts'

export type OnEvent = (event: TraceEvent) => void

export class Trace {
  readonly #keep: number
  readonly #onEvent: OnEvent | undefined
  readonly #now: () => number
  readonly #stood = new Map<SimPeer, StoodBefore>()
  #lines: string[] = []
  #hash = 0

  /** `keep`: how many of the last lines to keep. */
  constructor(keep: number, now: () => number, onEvent?: OnEvent) {
    this.#keep = keep
    this.#onEvent = onEvent
    this.#now = now
  }

  /** Whether events are wanted: ask before building one. */
  get on(): boolean {
    return this.#keep > 0 || this.#onEvent !== undefined
  }

  get hash(): number {
    return this.#hash >>> 0
  }

  get lines(): readonly string[] {
    return this.#lines.slice(-this.#keep)
  }

  mix(word: number): void {
    let hash = Math.imul(this.#hash ^ (word | 0), 0x9e3779b1)
    hash ^= hash >>> 15
    this.#hash = Math.imul(hash, 0x85ebca77)
  }

  begins(seed: number, knobs: Knobs): void {
    if (this.on) this.#add('--', { kind: 'run', seed, knobs })
  }

  fails({ check, message }: Violation): void {
    if (this.on) this.#add('!!', { kind: 'violation', check, text: message })
  }

  line(who: string, text: string): void {
    if (this.on) this.#add(who, { kind: 'note', text })
  }

  /** A life of a peer begins. */
  started(peer: SimPeer): void {
    if (!this.on) return
    // What was known to be committed is delivered with the first turn.
    this.#stood.set(peer, { ...stand(peer), committed: peer.zab!.history.base.zxid })
    this.#add(`P${peer.sid}`, startBody(peer))
  }

  /** A peer is about to take these in. */
  takes(peer: SimPeer, inputs: readonly PeerInput[]): void {
    if (!this.on) return
    for (const input of inputs) this.#add(`P${peer.sid}`, inputBody(input))
  }

  /** A peer has taken a turn. */
  turned(peer: SimPeer, output: TurnOutput): void {
    if (!this.on) return
    const before = this.#stood.get(peer) ?? stand(peer)
    this.#add(`P${peer.sid}`, turnBody(peer, before, output))
    this.#stood.set(peer, stand(peer))
  }

  #add(actor: string, body: TraceBody): void {
    const event = { at: this.#now(), actor, ...body }
    this.#onEvent?.(event)
    if (this.#keep === 0) return
    this.#lines.push(describeEvent(event))
    if (this.#lines.length > 2 * this.#keep) this.#lines = this.#lines.slice(-this.#keep)
  }
}
