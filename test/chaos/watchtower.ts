/** What the peers show of themselves in shared memory, for a test that must not wait for a peer that is stuck. */

import { receiveMessageOnPort } from 'node:worker_threads'
import { Board, type ShownRole } from '../../lib/base/board.ts'
import type { HandleMessage } from '../../lib/base/ports.ts'
import type { Sid } from '../../lib/base/zxid.ts'
import type { Ensemble } from '../../lib/index.ts'

export class Watchtower {
  readonly sids: readonly number[]
  readonly #board: Board

  constructor(ensemble: Ensemble) {
    const handle = ensemble.handle()
    const first = receiveMessageOnPort(handle)?.message as HandleMessage
    if (first.kind !== 'opened') throw new Error('a handle begins with what it opens')
    this.sids = first.peers
    this.#board = new Board(first.board)
    for (const { door } of first.doors) door.close()
    handle.close()
  }

  role(sid: number): ShownRole {
    return this.#board.role(sid as Sid)
  }

  isUp(sid: number): boolean {
    return this.role(sid) !== 'down'
  }

  /** Ticks that the peer has lived through. */
  ticks(sid: number): number {
    return this.#board.beats(sid as Sid)
  }

  get leader(): number | undefined {
    return this.sids.find(sid => this.role(sid) === 'leading')
  }
}
