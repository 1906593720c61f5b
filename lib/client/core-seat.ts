/**
 * A session's seat at the local observer of its thread. The observer says what changed as soon as it has applied it;
 * the answers of the session's home come on another way. Here both become one order again, that of the transactions:
 * an event waits for the answers that show an earlier state, and an answer for the events of what it shows.
 */

import { Fifo } from '../base/fifo.ts'
import type { ZPath } from '../base/path.ts'
import type { WatchEvent } from '../base/reply.ts'
import type { ReadRequest } from '../base/request.ts'
import { copyStat } from '../base/stat.ts'
import type { Zxid } from '../base/zxid.ts'
import type { Observer, Reader } from '../replica/observer.ts'
import type { Held, ReadResult } from '../replica/reads.ts'
import type { Znode } from '../tree/znode.ts'

/** The session as its seat sees it. */
export interface Sitter {
  /** There are events in the seat, or the observer has gone on: take what is due. */
  settle(): void
  /** The seat is gone. Events that were in it are still to be taken. */
  unseated(): void
}

export class Seat implements Reader {
  readonly #observer: Observer
  readonly #sitter: Sitter
  /** Told and not taken yet, by ascending zxid. */
  readonly #events = new Fifo<WatchEvent>()

  /** `held`: the watches left elsewhere, none of which has fired before the observer's state. */
  constructor(observer: Observer, sitter: Sitter, held: Held) {
    this.#observer = observer
    this.#sitter = sitter
    observer.seat(this, held)
  }

  /** Of the last transaction that the observer has applied. */
  get zxid(): Zxid {
    return this.#observer.zxid
  }

  /** The result is a copy: what the observer holds changes with the next transaction. */
  read(request: ReadRequest): ReadResult {
    const { zxid, code, stat, data, names } = this.#observer.read(this, request)
    return {
      zxid,
      code,
      stat: stat && copyStat(stat),
      data: data && new Uint8Array(data),
      names,
    }
  }

  /** A znode that may be read. */
  node(path: ZPath): Znode | undefined {
    return this.#observer.node(path)
  }

  /** The next event, if it is of a transaction up to `zxid`. */
  take(zxid: Zxid): WatchEvent | undefined {
    const first = this.#events.first
    if (first === undefined || first.zxid > zxid) return undefined
    return this.#events.shift()
  }

  leave(): void {
    this.#observer.unseat(this)
  }

  told(event: WatchEvent): void {
    this.#events.push(event)
  }

  advanced(): void {
    this.#sitter.settle()
  }

  unseated(): void {
    this.#sitter.unseated()
  }
}
