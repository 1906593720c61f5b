/**
 * A model disk: calls take virtual time, one at a time, log writes before all else, as `lib/storage/disk` has it. Each
 * call that writes is atomic and safe when it is answered. One that is under way when its peer dies is on disk
 * wholly, or its end is torn and LevelDB drops it. The first call that fails is the last one.
 */

import { isForFeeds } from '../../lib/peer/core-feeds.ts'
import type { StoreTask } from '../../lib/peer/core-tasks.ts'
import type { PeerInput } from '../../lib/peer/core-turn.ts'
import type { ChainSize } from '../../lib/storage/store.ts'
import type { Load, Persist } from '../../lib/zab/types.ts'
import type { Prng } from '../support/prng.ts'
import { DiskImage } from './disk-image.ts'
import { type Batch, DiskStore } from './disk-store.ts'
import { begin, examine, type RecoveredDisk } from './recovery.ts'
import type { World } from './world.ts'

/** One call in the line. */
interface Call {
  readonly what: string
  /** Called when its turn has come, so that it sees all calls before it. */
  readonly build: (() => Batch | undefined) | undefined
  readonly done: (() => void) | undefined
  /** Not before all chunks that came from a leader are written. */
  readonly installs: boolean
}

export interface DiskUser {
  report(input: PeerInput): void
  /** The disk is of no more use to this life of its peer. */
  failed(what: string): void
}

export class SimDisk {
  readonly #world: World
  readonly #prng: Prng
  #image = new DiskImage()
  #store: DiskStore | undefined
  #user: DiskUser | undefined
  readonly #log: Call[] = []
  readonly #background: Call[] = []
  /** Calls in line that stage a chunk. */
  #staging = 0
  #running: { readonly call: Call; readonly batch: Batch | undefined } | undefined
  /** Counts what was planned: of two ends of one call only the later comes. */
  #plans = 0
  #stalledUntil = 0
  #slowUntil = 0
  #slowness = 1
  /** Calls that still succeed before one fails. */
  #goodCalls = Number.POSITIVE_INFINITY
  /** How long calls go on failing after the first that does. */
  #badForUs = 0
  #badUntil = 0
  /** Whether a write that fails reaches the disk all the same. */
  #writesThrough = false

  constructor(world: World, prng: Prng) {
    this.#world = world
    this.#prng = prng
  }

  /** What survives whatever happens. */
  get safe(): DiskImage {
    return this.#image
  }

  get newestChain(): ChainSize | undefined {
    return this.#store?.newestChain
  }

  /** Whether a write is on its way that a crash may tear. */
  get writing(): boolean {
    return this.#running?.batch !== undefined
  }

  /** Whether a log write would never end, and there is none: of other calls nobody minds how long they take. */
  get isStuckIdle(): boolean {
    const isWriting = this.#running?.call.what === 'write' || this.#log.length > 0
    return this.#stalledUntil === Number.POSITIVE_INFINITY && !isWriting
  }

  /** Opens the disk for a new life of its peer; undefined when it cannot be read. */
  open(user: DiskUser, founding: boolean): RecoveredDisk | undefined {
    if (this.#fails()) return undefined
    const { agenda, knobs, counters } = this.#world
    const found = examine(this.#image, founding)
    if (found.damage !== undefined) counters.add('starts that found damage')
    else if (found.useless.length > 0) counters.add('starts that passed over a snapshot')
    const recovered = begin(this.#image, found, founding)
    this.#user = user
    this.#store = new DiskStore(this.#image, found, founding, knobs, () => agenda.now)
    return recovered
  }

  run(tasks: readonly StoreTask[]): void {
    for (const task of tasks) {
      this.#take(task)
      this.#startNext()
    }
  }

  /** No call that begins now ends before `time`. */
  stall(until: number): void {
    this.#stalledUntil = until
  }

  slow(times: number, until: number): void {
    this.#slowness = times
    this.#slowUntil = until
  }

  /** Everything is as it should be from now on; a call that is held up is held up no longer. */
  mend(): void {
    this.#stalledUntil = 0
    this.#slowUntil = 0
    this.#badUntil = 0
    this.#goodCalls = Number.POSITIVE_INFINITY
    if (this.#running !== undefined) this.#plan()
  }

  /** The call after so many others fails, and then every call for a while. */
  failAfter(goodCalls: number, badForUs: number, writesThrough: boolean): void {
    this.#goodCalls = goodCalls
    this.#badForUs = badForUs
    this.#writesThrough = writesThrough
  }

  /** The peer dies: what stands in line is lost, and a write under way is on disk only if it `survives`. */
  crash(survives: boolean): void {
    const batch = this.#running?.batch
    if (batch !== undefined) {
      this.#world.counters.add(survives ? 'unanswered writes kept' : 'torn writes dropped')
      if (survives) batch(this.#image)
    }
    this.#close()
  }

  /** Another disk in its place; only while the peer is down. */
  replace(image: DiskImage): void {
    this.#image = image
  }

  #take(task: StoreTask): void {
    const store = this.#store!
    switch (task.kind) {
      case 'write':
        return this.#write(store, task.persist)
      case 'load':
        return this.#load(store, task.load)
      case 'stage': {
        // It belongs to the snapshot that comes in now, also when another does by the time it is written.
        const batch = store.stage(task.bytes)
        this.#staging++
        return this.#queue('stage', () => batch, undefined)
      }
      case 'abortStaging':
        return store.abortStaging()
      case 'snapshotBegin':
        store.beginSnapshot(task.head, task.full)
        return this.#report({ kind: 'snapshotStep' })
      case 'snapshotChunk': {
        const batch = store.appendSnapshot(task.bytes)
        const answer = (): void => this.#report({ kind: 'snapshotStep' })
        return this.#queue('snapshot chunk', () => batch, answer)
      }
      case 'snapshotCommit':
        return this.#commit(store)
      case 'snapshotAbort':
        return store.abortSnapshot()
    }
  }

  #write(store: DiskStore, persist: Persist): void {
    const { counters, mutation } = this.#world
    const { install, truncateAfter, writeId } = persist
    if (install !== undefined) counters.add('snaps installed')
    else if (truncateAfter !== undefined) counters.add('truncations')
    const skips = mutation.skipTrunc === true
    const written = skips ? { ...persist, truncateAfter: undefined } : persist
    const answer = (): void => this.#report({ kind: 'persisted', writeId })
    const early = mutation.ackBeforePersisted === true
    this.#log.push({
      what: 'write',
      build: () => {
        if (early) this.#world.agenda.after(0, answer)
        return store.write(written)
      },
      done: early ? undefined : answer,
      installs: install !== undefined,
    })
  }

  #load(store: DiskStore, load: Load): void {
    if (load.kind === 'release') {
      store.load(load)
      return
    }
    const { loadId } = load
    const answer = (): void => {
      const loaded = store.load(load)!
      const whose = isForFeeds(loadId) ? ' of feeds' : ''
      if (loaded.kind === 'missing') this.#world.counters.add(`missing${whose}: ${load.kind}`)
      this.#report({ kind: 'loaded', loadId, loaded })
    }
    // Which snapshot is the newest is in memory.
    if (load.kind === 'snapshot') return answer()
    if (load.kind === 'groups') {
      this.#world.counters.add(isForFeeds(loadId) ? 'log loads of feeds' : 'log loads')
    }
    this.#queue(`load of a ${load.kind}`, undefined, answer)
  }

  /** Only after the new snapshot is safe are others purged. */
  #commit(store: DiskStore): void {
    const finish = (): void => {
      const { logStart, newestChain: chain } = store
      this.#report({ kind: 'snapshotDone', logStart, chain })
    }
    const build = store.commitSnapshot()
    let batch: Batch | undefined
    const commit = (): Batch | undefined => {
      batch = build()
      return batch
    }
    this.#queue('snapshot commit', commit, () => {
      if (batch === undefined) return finish()
      this.#world.counters.add('snapshots')
      this.#queue('purge', () => store.purge(), finish)
    })
  }

  #queue(what: string, build: Call['build'], done: Call['done']): void {
    this.#background.push({ what, build, done, installs: false })
  }

  #report(input: PeerInput): void {
    this.#user?.report(input)
  }

  #next(): Call | undefined {
    const [first] = this.#log
    if (first !== undefined && !(first.installs && this.#staging > 0)) return this.#log.shift()
    return this.#background.shift()
  }

  #startNext(): void {
    if (this.#running !== undefined) return
    const call = this.#next()
    if (call === undefined) return
    if (call.what === 'stage') this.#staging--
    this.#running = { call, batch: call.build?.() }
    this.#plan()
  }

  #plan(): void {
    const { agenda } = this.#world
    const plan = ++this.#plans
    const begins = Math.max(agenda.now, this.#stalledUntil)
    const slowness = this.#slowUntil > agenda.now ? this.#slowness : 1
    agenda.at(begins + this.#world.diskUs(this.#prng) * slowness, () => {
      if (plan === this.#plans) this.#complete()
    })
  }

  #complete(): void {
    const { call, batch } = this.#running!
    if (this.#fails()) {
      if (this.#writesThrough) batch?.(this.#image)
      const user = this.#user
      this.#close()
      user?.failed(call.what)
      return
    }
    this.#running = undefined
    batch?.(this.#image)
    call.done?.()
    this.#startNext()
  }

  /** Whether the call that ends now fails. */
  #fails(): boolean {
    const { now } = this.#world.agenda
    if (this.#badUntil > now) return true
    if (this.#goodCalls-- > 0) return false
    this.#goodCalls = Number.POSITIVE_INFINITY
    this.#badUntil = now + this.#badForUs
    return true
  }

  #close(): void {
    this.#log.length = 0
    this.#background.length = 0
    this.#staging = 0
    this.#running = undefined
    this.#plans++
    this.#store = undefined
    this.#user = undefined
  }
}
