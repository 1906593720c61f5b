/**
 * What this peer has promised and logged, on its way to disk. Everything staged while a write is in flight goes into
 * the next one: group commit without a timer, and at most one write in flight.
 */

import { assert } from '../base/assert.ts'
import type { Group, LogPoint } from '../base/group.ts'
import { type Epoch, epochOf, type Zxid } from '../base/zxid.ts'
import type { Epochs, Persist, SnapshotHead } from './types.ts'

export class Writes {
  #epochs: Epochs
  #durableZxid: Zxid
  #nextId = 1
  #doneId = 0
  #inFlight: { readonly persist: Persist; readonly last: Zxid } | undefined
  #inFlightTicks = 0
  #groups: Group[] = []
  #truncateAfter: LogPoint | undefined
  #install: SnapshotHead | undefined
  #dirty = false

  constructor(epochs: Epochs, durableZxid: Zxid) {
    assert(epochs.acceptedEpoch >= epochs.currentEpoch, 'acceptedEpoch >= currentEpoch')
    this.#epochs = epochs
    this.#durableZxid = durableZxid
  }

  get epochs(): Epochs {
    return this.#epochs
  }

  /** Everything up to here survives a crash. */
  get durableZxid(): Zxid {
    return this.#durableZxid
  }

  /** Whether the write with this id is durable. */
  isDone(writeId: number): boolean {
    return writeId <= this.#doneId
  }

  /** Nothing staged, nothing in flight: memory and disk agree. */
  get idle(): boolean {
    return !this.#dirty && this.#inFlight === undefined
  }

  get isInFlight(): boolean {
    return this.#inFlight !== undefined
  }

  /** Something is staged, and nothing in flight. */
  get isWaiting(): boolean {
    return this.#dirty && this.#inFlight === undefined
  }

  /** For how long the disk has been busy with the write in flight; zero when there is none. */
  get inFlightTicks(): number {
    return this.#inFlightTicks
  }

  tick(): void {
    if (this.#inFlight !== undefined) this.#inFlightTicks++
  }

  /** Each staging call returns the id of the write that will hold it. */
  append(group: Group): number {
    this.#groups.push(group)
    return this.#stage()
  }

  accept(epoch: Epoch): number {
    assert(epoch >= this.#epochs.acceptedEpoch, 'a promise is never taken back')
    this.#epochs = { ...this.#epochs, acceptedEpoch: epoch }
    return this.#stage()
  }

  /** The log belongs to this epoch's leader from now on; staged together with the log it vouches for. */
  enter(epoch: Epoch): number {
    assert(epoch === this.#epochs.acceptedEpoch, 'an epoch is accepted before it is entered')
    assert(epoch >= this.#epochs.currentEpoch, 'currentEpoch never moves back')
    this.#epochs = { ...this.#epochs, currentEpoch: epoch }
    return this.#stage()
  }

  truncateAfter(point: LogPoint): number {
    assert(this.idle, 'a log is cut only when the disk is quiet')
    this.#truncateAfter = point
    return this.#stage()
  }

  install(head: SnapshotHead): number {
    assert(this.idle, 'a snapshot is installed only when the disk is quiet')
    this.#install = head
    return this.#stage()
  }

  /** The next batch, unless one is in flight or nothing waits. */
  take(committed: Zxid): Persist | undefined {
    if (!this.isWaiting) return undefined
    const persist: Persist = {
      writeId: this.#nextId++,
      epochs: this.#epochs,
      install: this.#install,
      truncateAfter: this.#truncateAfter,
      groups: this.#groups,
      committed,
    }
    this.#inFlight = { persist, last: this.#lastAfter(persist) }
    this.#inFlightTicks = 0
    this.#groups = []
    this.#truncateAfter = undefined
    this.#install = undefined
    this.#dirty = false
    return persist
  }

  /** The write in flight is durable. Returns it, or undefined for an id that is not in flight. */
  completed(writeId: number): Persist | undefined {
    const inFlight = this.#inFlight
    if (inFlight?.persist.writeId !== writeId) return undefined
    this.#inFlight = undefined
    this.#inFlightTicks = 0
    this.#doneId = writeId
    this.#durableZxid = inFlight.last
    return inFlight.persist
  }

  #lastAfter(persist: Persist): Zxid {
    const last =
      persist.groups.at(-1)?.last ??
      persist.truncateAfter?.zxid ??
      persist.install?.point.zxid ??
      this.#durableZxid
    assert(epochOf(last) <= persist.epochs.currentEpoch, 'currentEpoch >= epoch of the log')
    return last
  }

  #stage(): number {
    this.#dirty = true
    return this.#nextId
  }
}
