/**
 * A peer's dealings with its store as a script of steps, and what must be in the store after each of them. One of the
 * storage calls behind the steps is going to fail; then the store must hold what it held before the step, or after it.
 */

import assert from 'node:assert/strict'
import { type Group, LOG_START, type LogPoint, pointOf } from '../../lib/base/group.ts'
import type { Recovered, SnapshotKind, Store } from '../../lib/storage/store.ts'
import type { Epochs } from '../../lib/zab/types.ts'
import {
  batch,
  epochs,
  headAt,
  LogMaker,
  readSnapshot,
  takeSnapshot,
  textOf,
} from '../storage/support.ts'

/** What a store holds. */
export interface Held {
  readonly epochs: Epochs
  readonly log: readonly Group[]
  /** The log's beginning is in a snapshot that was installed here, and nowhere else. */
  readonly installed: LogPoint
}

export interface Step {
  readonly name: string
  /** `undefined` stands for closing the store and opening it again. */
  readonly run: ((store: Store) => Promise<unknown>) | undefined
  readonly after: Held
}

const GROUP_BYTES = 700
const LOADED_MAX = 3

/** The text of the only chunk of a snapshot that stands at `point`. */
function imageAt(point: LogPoint): string {
  return `image at ${point.zxid}`.padEnd(900, '.')
}

class Scribe {
  readonly steps: Step[] = []
  #held: Held = { epochs: epochs(0), log: [], installed: LOG_START }
  #maker = new LogMaker()

  get tail(): LogPoint {
    return tailOf(this.#held)
  }

  reopen(): void {
    this.#add('reopen', undefined, {})
  }

  append(count: number, epoch: number): void {
    const { write, change } = this.#groups(count, epoch)
    this.#add('append', write, change)
  }

  promise(accepted: number): void {
    const promised = { ...this.#held.epochs, acceptedEpoch: epochs(accepted).acceptedEpoch }
    this.#add('promise', store => store.write(batch({ epochs: promised })), { epochs: promised })
  }

  truncate(dropped: number, epoch: number): void {
    const log = this.#held.log.slice(0, -dropped)
    const cut = tailOf({ ...this.#held, log })
    this.#maker = new LogMaker(cut)
    const change = { log, epochs: epochs(epoch) }
    this.#add(
      'truncate',
      store => store.write(batch({ truncateAfter: cut, epochs: epochs(epoch) })),
      change,
    )
  }

  snapshot(kind: SnapshotKind): void {
    const at = this.tail
    this.#add(kind, store => takeSnapshot(store, at, kind, imageAt(at)), {})
  }

  /** Groups come while the snapshot is written: the segment that it begins begins after the snapshot. */
  snapshotDuring(count: number, epoch: number): void {
    const at = this.tail
    const { write, change } = this.#groups(count, epoch)
    const run = async (store: Store): Promise<void> => {
      store.beginSnapshot(headAt(at), 'full')
      await store.appendSnapshot(Buffer.from(imageAt(at)))
      await write(store)
      await store.commitSnapshot()
    }
    this.#add('snapshot during writes', run, change)
  }

  /** What is read may go meanwhile; it must be read as it was, or not at all. */
  snapshotWhileRead(): void {
    const { log } = this.#held
    const at = this.tail
    const run = async (store: Store): Promise<void> => {
      const reader = await store.openSnapshot()
      const loading = load(store, log)
      const taking = takeSnapshot(store, at, 'full', imageAt(at))
      await Promise.all([loading, taking])
      await takeSnapshot(store, at, 'full', imageAt(at))
      const chunk = await reader?.next()
      reader?.close()
      if (reader === undefined || chunk === undefined) return
      assert.equal(textOf(chunk.bytes), imageAt(reader.head.point))
    }
    this.#add('snapshot while another is read', run, {})
  }

  /** A snapshot and a staging that are given up. */
  abandon(): void {
    const at = this.tail
    const run = async (store: Store): Promise<void> => {
      store.beginSnapshot(headAt(at), 'full')
      await store.appendSnapshot(Buffer.from('given up'))
      store.abortSnapshot()
      await store.stage(Buffer.from('given up'))
      await store.stage(Buffer.from('as well'))
      store.abortStaging()
    }
    this.#add('abandon', run, {})
  }

  /** A snapshot that is still being written when the peer ends. */
  leaveUnfinished(): void {
    const at = this.tail
    const run = async (store: Store): Promise<void> => {
      store.beginSnapshot(headAt(at), 'full')
      await store.appendSnapshot(Buffer.from('never finished'))
    }
    this.#add('leave unfinished', run, {})
    this.reopen()
  }

  /** The leader is ahead. */
  install(): void {
    const leaders = new LogMaker(this.tail)
    leaders.many(3, 'leader')
    this.#install(leaders.point)
  }

  /** The leader is where this peer was so many groups ago. */
  installEarlier(dropped: number): void {
    this.#install(tailOf({ ...this.#held, log: this.#held.log.slice(0, -dropped) }))
  }

  read(): void {
    const { log } = this.#held
    const run = async (store: Store): Promise<void> => {
      await load(store, log)
      await readSnapshot(store)
    }
    this.#add('read', run, {})
  }

  #install(point: LogPoint): void {
    this.#maker = new LogMaker(point)
    const { epochs } = this.#held
    const run = async (store: Store): Promise<void> => {
      await store.stage(Buffer.from(imageAt(point)))
      await store.write(batch({ install: headAt(point), epochs }))
    }
    this.#add('install', run, { log: [], installed: point })
  }

  #groups(count: number, epoch: number) {
    const groups = Array.from({ length: count }, (_, at) => {
      const isFirst = Math.floor(this.#maker.point.zxid / 2 ** 32) !== epoch
      return this.#maker.next(`${epoch}-${at}`, { epoch: isFirst ? epoch : 0, bytes: GROUP_BYTES })
    })
    const write = (store: Store) => store.write(batch({ groups, epochs: epochs(epoch) }))
    return { write, change: { epochs: epochs(epoch), log: [...this.#held.log, ...groups] } }
  }

  #add(name: string, run: Step['run'], change: Partial<Held>): void {
    this.#held = { ...this.#held, ...change }
    this.steps.push({ name, run, after: this.#held })
  }
}

function tailOf({ log, installed }: Held): LogPoint {
  const last = log.at(-1)
  return last === undefined ? installed : pointOf(last)
}

/** Groups after each one of the last few: they are those of the log, or none is told. */
async function load(store: Store, log: readonly Group[]): Promise<void> {
  for (let at = Math.max(0, log.length - LOADED_MAX); at < log.length; at++) {
    const loaded = await store.loadGroups(pointOf(log[at]!), 1e6)
    const wanted = log.slice(at + 1).map(textOfGroup)
    if (loaded !== undefined) assert.deepEqual(loaded.map(textOfGroup), wanted)
  }
}

export function makeScript(): readonly Step[] {
  const scribe = new Scribe()
  scribe.append(2, 1)
  scribe.append(1, 1)
  scribe.snapshot('full')
  scribe.append(2, 1)
  scribe.snapshot('delta')
  scribe.read()
  scribe.promise(3)
  scribe.append(3, 3)
  scribe.snapshot('full')
  scribe.reopen()
  scribe.append(2, 3)
  scribe.snapshot('delta')
  scribe.append(4, 3)
  scribe.truncate(2, 4)
  scribe.append(1, 4)
  scribe.reopen()
  scribe.snapshot('full')
  scribe.snapshot('full')
  scribe.install()
  scribe.append(2, 4)
  scribe.read()
  scribe.reopen()
  scribe.append(1, 4)
  scribe.snapshotDuring(3, 4)
  scribe.truncate(2, 5)
  scribe.append(2, 5)
  scribe.read()
  scribe.reopen()
  scribe.snapshotWhileRead()
  scribe.abandon()
  scribe.append(1, 5)
  scribe.leaveUnfinished()
  scribe.snapshotDuring(2, 5)
  scribe.installEarlier(1)
  scribe.append(1, 6)
  scribe.reopen()
  return scribe.steps
}

/** Whether what was recovered is what should be held, as far as a store tells; throws what is wrong in either case. */
export function isHeld(recovered: Recovered & { readonly chunks: string[] }, held: Held): boolean {
  assert.equal(recovered.damage, undefined)
  const { snapshot, groups, chunks } = recovered
  const start = snapshot?.point ?? LOG_START
  const last = groups.at(-1)
  const tail = last === undefined ? start : pointOf(last)
  const wanted = tailOf(held)
  const sameEnd = tail.zxid === wanted.zxid && tail.chain === wanted.chain
  const { acceptedEpoch, currentEpoch } = recovered.epochs
  const sameEpochs =
    acceptedEpoch === held.epochs.acceptedEpoch && currentEpoch === held.epochs.currentEpoch
  if (!sameEnd || !sameEpochs) return false
  assert.ok(start.zxid >= held.installed.zxid, 'the snapshot that was installed is there')
  const texts = held.log.filter(group => group.first > start.zxid).map(textOfGroup)
  assert.deepEqual(groups.map(textOfGroup), texts)
  if (snapshot !== undefined) assert.equal(chunks.at(-1), imageAt(start))
  return true
}

function textOfGroup({ payload }: Group): string {
  return textOf(payload)
}
