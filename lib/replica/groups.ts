/** Collects prepared transactions into the payloads of groups: one per turn, or more when they grow large. */

import { GROUP_BYTES_MAX } from '../base/limits.ts'
import { PayloadWriter, type Txn } from '../base/txn.ts'

/** Transactions to propose together, under consecutive zxids. */
export interface PreparedGroup {
  readonly payload: Uint8Array
  /** Number of transactions in it. */
  readonly count: number
}

export class GroupCollector {
  readonly #open = new PayloadWriter()
  #timeMs = 0
  #closed: PreparedGroup[] = []
  #closedBytes = 0

  /** The clock of the group that the next transaction joins: `nowMs`, unless it was opened before. */
  clock(nowMs: number): number {
    if (this.#open.count === 0) {
      this.#open.begin(nowMs)
      this.#timeMs = nowMs
    }
    return this.#timeMs
  }

  /** Payload bytes of all groups. */
  get bytes(): number {
    return this.#closedBytes + this.#open.length
  }

  /** Adds a transaction to the group whose `clock` it was made with. */
  add(txn: Txn): void {
    this.#open.add(txn)
    if (this.#open.length >= GROUP_BYTES_MAX) this.#close()
  }

  /** All groups, the open one included. */
  take(): PreparedGroup[] {
    if (this.#open.count > 0) this.#close()
    const groups = this.#closed
    if (groups.length > 0) this.#closed = []
    this.#closedBytes = 0
    return groups
  }

  #close(): void {
    const count = this.#open.count
    const payload = this.#open.take()
    this.#closed.push({ payload, count })
    this.#closedBytes += payload.length
  }
}
