/** The public face of fault injection: checks, and delegates to supervision. */

import type { Sid } from '../base/zxid.ts'
import {
  checkDelay,
  checkPartition,
  checkPause,
  type DelayOptions,
  type Direction,
  type PauseOptions,
  waysOf,
} from './fault-arguments.ts'
import type { Supervisor } from './supervisor.ts'

/**
 * Faults on demand, at `ensemble.faults`: to see how an application, or a recipe of its own, takes them. What the
 * ensemble guarantees holds under all of them.
 *
 * Faults add up until `heal`. Those of links stay with a peer that dies: it comes back as cut off, or as slow, as it
 * was. They are at work in the peers' threads, so they go on while this thread is blocked; observers have them like any
 * peer. Clients are not cut off: one whose peer has lost its leader is sent to another. Without a fault nothing is
 * slower.
 *
 * Every failure is a `TreeError` (as a rejection): `BAD_ARGUMENTS`, `NO_SUCH_PEER`, or `CLOSED` after the ensemble's
 * `close`.
 */
export class Faults {
  readonly #supervisor: Supervisor
  readonly #during: (work: () => Promise<void>) => Promise<void>

  /** @internal `during` refuses the work of a closed ensemble, and keeps the process alive meanwhile. */
  constructor(supervisor: Supervisor, during: (work: () => Promise<void>) => Promise<void>) {
    this.#supervisor = supervisor
    this.#during = during
  }

  /**
   * Kills a peer's thread between two of its turns. Unlike after `ensemble.kill`, everything is as after a crash:
   * `onPeerFailure` is told (`PEER_FAILED`), and the peer is started again as the option `restart` says. No effect on a
   * peer that is down.
   *
   * @param sid The peer's server id.
   * @returns When the thread is gone.
   * @throws TreeError (as a rejection) `NO_SUCH_PEER`, `BAD_ARGUMENTS`, `CLOSED`.
   * @example
   * await ensemble.faults.kill((await ensemble.status()).leader!)
   */
  kill(sid: number): Promise<void> {
    return this.#during(() => this.#supervisor.peer(sid).crash('killed by ensemble.faults'))
  }

  /**
   * Makes a peer's thread stand still, as a long garbage collection or a busy host would: it neither hears nor says
   * anything, its clock does not tick, and afterwards it goes on as if nothing had been. A leader that is paused beyond
   * the time-outs is deposed, and does not know it when it wakes. Pauses of one peer follow each other, and `heal` ends
   * all of them. No effect on a peer that is not up, as one that recovers: `ensemble.start` waits for it.
   *
   * @param sid The peer's server id.
   * @param options `ms`: how long, in milliseconds; by default until `heal`. `busy`: it computes instead of sleeping.
   * @returns When the thread stands still. `heal` tells when it goes on.
   * @throws TreeError (as a rejection) `NO_SUCH_PEER`, `BAD_ARGUMENTS`, `CLOSED`.
   * @example
   * await ensemble.faults.pause(leader, { ms: 5_000 })
   */
  pause(sid: number, options?: PauseOptions): Promise<void> {
    return this.#during(() => {
      const peer = this.#supervisor.peer(sid)
      return peer.pause(checkPause(options))
    })
  }

  /**
   * Cuts a peer off from all others: nothing goes either way. What is on its way still arrives, but for what a delay
   * holds. Clients stay connected.
   *
   * @param sid The peer's server id.
   * @returns When it is cut off.
   * @throws TreeError (as a rejection) `NO_SUCH_PEER`, `BAD_ARGUMENTS`, `CLOSED`.
   * @example
   * await ensemble.faults.isolate(2)
   */
  isolate(sid: number): Promise<void> {
    return this.#cut(() => waysOf(this.#supervisor, sid))
  }

  /**
   * Cuts the links between groups of peers, or in one direction only. What is on its way still arrives, but for what a
   * delay holds.
   *
   * @param where Groups of server ids, with every peer in at least one: nothing goes either way between two peers that
   * have no group in common (one that is in two groups is a bridge). Or `{ from, to }`: nothing goes that way any more,
   * while the way back stays open.
   * @returns When the links are cut.
   * @throws TreeError (as a rejection) `NO_SUCH_PEER`, `BAD_ARGUMENTS`, `CLOSED`.
   * @example
   * await ensemble.faults.partition([[1, 2], [3, 4, 5]])
   * await ensemble.faults.partition({ from: 1, to: [2, 3] })
   */
  partition(where: readonly (readonly number[])[] | Direction): Promise<void> {
    return this.#cut(() => checkPartition(this.#supervisor, where))
  }

  /**
   * Makes frames between peers late. They stay in order. A new delay replaces an earlier one on the same way: what is
   * held already is late by the new one at most.
   *
   * @param options `ms` and `jitterMs`: how late, in milliseconds. `from`, `to`: between whom, by default everybody;
   * the way back is a delay of its own.
   * @returns When frames that are sent from now on are late by so much.
   * @throws TreeError (as a rejection) `NO_SUCH_PEER`, `BAD_ARGUMENTS`, `CLOSED`.
   * @example
   * await ensemble.faults.delay({ ms: 20, jitterMs: 30 })
   * await ensemble.faults.delay({ from: 3, to: [1, 2], ms: 500 })
   */
  delay(options: DelayOptions): Promise<void> {
    return this.#during(() => {
      const { ways, ...delay } = checkDelay(this.#supervisor, options)
      return this.#supervisor.disturb(disturbance => {
        for (const way of ways) disturbance.delay(way, delay)
      })
    })
  }

  /**
   * Undoes every fault that can be undone: pauses end, what was delayed goes on its way in order, and each link that
   * lost anything is replaced by a new one, which both ends see as down and then up. It starts no peer: one that was
   * killed comes back by itself, or with `ensemble.start`.
   *
   * @param sid Heals this peer only: its pauses, and the links between it and the others. By default everything.
   * @returns When all links carry again and the threads go on; the ensemble needs a moment more to become one.
   * @throws TreeError (as a rejection) `NO_SUCH_PEER`, `BAD_ARGUMENTS`, `CLOSED`.
   * @example
   * await ensemble.faults.heal()
   */
  heal(sid?: number): Promise<void> {
    return this.#during(async () => {
      const { peers } = this.#supervisor
      const paused = sid === undefined ? peers : [this.#supervisor.peer(sid)]
      const resumed = paused.map(peer => peer.resume())
      await Promise.all([...resumed, this.#supervisor.healLinks(sid as Sid | undefined)])
    })
  }

  #cut(choose: () => ReturnType<typeof waysOf>): Promise<void> {
    return this.#during(() => {
      const ways = choose()
      return this.#supervisor.disturb(disturbance => {
        for (const way of ways) disturbance.cut(way)
      })
    })
  }
}
