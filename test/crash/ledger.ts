/**
 * What a power cut would leave of a directory, put together from the accounts of all lives since the last one: of each
 * file how much is known to be on the medium, and which changes of names are.
 */

import { dirname } from 'node:path'
import type { Event } from './account.ts'

export type Change = Exclude<Event, { readonly kind: 'sync' }> & {
  /** Directory where the account's process kept what the change removed. */
  readonly grave: string
}

/** How much of a file is on the medium. */
interface Extent {
  /** Bytes that were written. */
  readonly size: number
  /** Of the file as it was then: only one that is longer has a file system write its journal. */
  readonly length: number
}

/** Never synced since it was created or emptied. */
const NEVER: Extent = { size: -1, length: -1 }

export class Ledger {
  /** What was synced, by inode. What is not here was there at the last power cut, and outlasted it. */
  readonly #synced = new Map<number, Extent>()
  /** Changes done before the last sync of each file: what it was written over with until then is on the medium. */
  readonly #syncedAt = new Map<number, number>()
  readonly #changes: Change[] = []
  /** Changes that every sync so far has made durable on a file system with one journal for all. */
  #settled = 0
  /** The same by directory, for one that promises only what a sync of the directory itself does. */
  readonly #settledIn = new Map<string, number>()

  readonly #createdAt = new Map<number, number>()
  #logSyncs = 0
  #earlyLogSyncs = 0

  /** All changes, in order. */
  get changes(): readonly Change[] {
    return this.#changes
  }

  /** Syncs of LevelDB's logs. */
  get logSyncs(): number {
    return this.#logSyncs
  }

  /** Those of them that went to a new log before a sync of the directory had kept its name. */
  get earlyLogSyncs(): number {
    return this.#earlyLogSyncs
  }

  get settled(): number {
    return this.#settled
  }

  settledIn(directory: string): number {
    return this.#settledIn.get(directory) ?? 0
  }

  /** What was written over something since the file was synced, the latest first. */
  unsyncedWrites(): Extract<Change, { readonly kind: 'write' }>[] {
    const writes = this.#changes.flatMap((change, at) =>
      change.kind === 'write' && at >= (this.#syncedAt.get(change.inode) ?? 0) ? [change] : [],
    )
    return writes.reverse()
  }

  /** Bytes of a file that are on the medium; 0 when not even its existence is promised, undefined for all of it. */
  synced(inode: number): number | undefined {
    const extent = this.#synced.get(inode)
    return extent === undefined ? undefined : Math.max(0, extent.size)
  }

  /** How long a file is on the medium; 0 when not even its existence is promised, undefined for as long as it is. */
  syncedLength(inode: number): number | undefined {
    const extent = this.#synced.get(inode)
    return extent === undefined ? undefined : Math.max(0, extent.length)
  }

  wasSynced(inode: number): boolean {
    return this.#synced.get(inode) !== NEVER
  }

  /** Adds one life's account. */
  read(events: readonly Event[], grave: string): void {
    const before = this.#changes.length
    for (const event of events) {
      if (event.kind === 'sync') this.#sync(event, before)
      else this.#change(event, grave)
    }
  }

  /** After a power cut: what is there now is on the medium. */
  clear(): void {
    this.#synced.clear()
    this.#syncedAt.clear()
    this.#createdAt.clear()
    this.#changes.length = 0
    this.#settled = 0
    this.#settledIn.clear()
  }

  /**
   * A directory was removed, or somebody changed it of whom no account is kept, and how it is now is on the medium. The
   * inodes of the files there now may be those of others that the account told of.
   */
  forget(directory: string, inodes: readonly number[]): void {
    for (const inode of inodes) {
      this.#synced.delete(inode)
      this.#syncedAt.delete(inode)
      this.#createdAt.delete(inode)
    }
    const isOutside = ({ path }: Change): boolean => !`${path}/`.startsWith(`${directory}/`)
    const kept = this.#changes.filter(isOutside)
    if (kept.length === this.#changes.length) return
    this.#changes.splice(0, this.#changes.length, ...kept)
    this.#createdAt.clear()
    for (const change of kept) {
      if (change.kind === 'write') this.#syncedAt.set(change.inode, kept.length)
    }
    // The removal was synced, and the journal has all that was done before.
    this.#settled = this.#changes.length
    this.#settledIn.clear()
    for (const { path } of kept) this.#settledIn.set(dirname(path), this.#changes.length)
  }

  #change(event: Exclude<Event, { readonly kind: 'sync' }>, grave: string): void {
    this.#changes.push({ ...event, grave })
    if (event.kind === 'create' || event.kind === 'empty') this.#synced.set(event.inode, NEVER)
    if (event.kind === 'create') this.#createdAt.set(event.inode, this.#changes.length - 1)
  }

  #sync(event: Extract<Event, { readonly kind: 'sync' }>, before: number): void {
    const { isDirectory, inode, size, length, path } = event
    const changes = before + event.changes
    if (isDirectory) {
      // One that has not changed makes nobody write the journal.
      const changed = this.#changes.slice(this.#settled, changes)
      if (changed.some(change => touches(change, path))) this.#settle(changes)
      this.#settledIn.set(path, Math.max(changes, this.settledIn(path)))
      return
    }
    this.#syncedAt.set(inode, changes)
    if (path.endsWith('.log')) this.#countLogSync(inode, path)
    const known = this.#synced.get(inode)
    if (known === undefined) return
    this.#synced.set(inode, {
      size: Math.max(size, known.size),
      length: Math.max(length, known.length),
    })
    if (length > known.length) this.#settle(changes)
  }

  #countLogSync(inode: number, path: string): void {
    this.#logSyncs++
    const createdAt = this.#createdAt.get(inode)
    if (createdAt === undefined || createdAt < this.settledIn(dirname(path))) return
    this.#earlyLogSyncs++
  }

  #settle(changes: number): void {
    this.#settled = Math.max(this.#settled, changes)
  }
}

function touches(change: Change, directory: string): boolean {
  if (dirname(change.path) === directory) return true
  return change.kind === 'rename' && dirname(change.newPath) === directory
}
