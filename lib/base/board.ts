/**
 * The board: a few words of shared memory in which every peer shows whether it lives and what its role is, so that a
 * client that is blocked (and sees no events) can still choose its peer and notice that one died. Hints only: nothing
 * of the protocol depends on it.
 */

import type { Sid } from './zxid.ts'

const ROLES = ['down', 'looking', 'following', 'observing', 'leading'] as const
/** What a peer shows: `leading` only once it serves. */
export type ShownRole = (typeof ROLES)[number]

const SLOT_WORDS = 3
const ROLE_WORD = 0
const INCARNATION_WORD = 1
const BEAT_WORD = 2
const BOARD_WORDS = 256 * SLOT_WORDS
/** In the slot of no peer. */
const PULSE_WORD = BEAT_WORD

export class Board {
  readonly memory: SharedArrayBuffer
  readonly #words: Int32Array

  constructor(memory = new SharedArrayBuffer(BOARD_WORDS * 4)) {
    this.memory = memory
    this.#words = new Int32Array(memory)
  }

  role(sid: Sid): ShownRole {
    return ROLES[Atomics.load(this.#words, sid * SLOT_WORDS + ROLE_WORD)] ?? 'down'
  }

  /** Number of times the peer was started; tells a restarted peer from the one that died. */
  incarnation(sid: Sid): number {
    return Atomics.load(this.#words, sid * SLOT_WORDS + INCARNATION_WORD)
  }

  started(sid: Sid): number {
    return Atomics.add(this.#words, sid * SLOT_WORDS + INCARNATION_WORD, 1) + 1
  }

  show(sid: Sid, role: ShownRole): void {
    Atomics.store(this.#words, sid * SLOT_WORDS + ROLE_WORD, ROLES.indexOf(role))
  }

  /** Changes with every tick of the peer while its thread turns; 0 before the first. */
  beats(sid: Sid): number {
    return Atomics.load(this.#words, sid * SLOT_WORDS + BEAT_WORD)
  }

  beat(sid: Sid): void {
    Atomics.add(this.#words, sid * SLOT_WORDS + BEAT_WORD, 1)
    Atomics.add(this.#words, PULSE_WORD, 1)
  }

  /** Changes with every tick of any peer: a clock that costs less to look at than a clock does. */
  get pulse(): number {
    return Atomics.load(this.#words, PULSE_WORD)
  }

  /** Said by whoever sees a peer's port close; ignored when the peer was started again meanwhile. */
  showDown(sid: Sid, incarnation: number): void {
    if (this.incarnation(sid) === incarnation) this.show(sid, 'down')
  }
}
