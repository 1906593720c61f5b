/**
 * A power cut, done to the files of a process that was killed. Three models of what a file system keeps:
 *
 * - `tails`: each file keeps what was synced and any part of what was appended since; a file that never was synced is
 *   gone; other changes of names are kept. So LevelDB's own tests have it.
 * - `journal`: names change in one order for the whole file system, and a sync takes everything before it along. Kept
 *   is any beginning of the changes from there on. So do ext4 and XFS.
 * - `strict`: names change in one order for each directory, and nothing but a sync of the directory takes them along: a
 *   file may be gone although it was synced itself, and a whole directory with all that was synced in it. POSIX allows
 *   it, but no file system in common use does it.
 */

import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { endOfData } from '../support/end-of-data.ts'
import type { Prng } from '../support/prng.ts'
import type { Change, Ledger } from './ledger.ts'

export const MODELS = ['tails', 'journal', 'strict'] as const
export type Model = (typeof MODELS)[number]

export interface LossCounts {
  /** Files with something to lose. */
  atRisk: number
  truncated: number
  /** Bytes cut off. */
  dropped: number
  /** Files that had never been synced, deleted. */
  deleted: number
  /** Files whose kept unsynced part was spoilt. */
  torn: number
  /** Changes of names, and of what was written over, taken back. */
  undone: number
}

export function noLoss(): LossCounts {
  return { atRisk: 0, truncated: 0, dropped: 0, deleted: 0, torn: 0, undone: 0 }
}

export interface CutOptions {
  readonly model: Model
  /** What is kept of an unsynced part may be spoilt. */
  readonly tears: boolean
  /** Nothing is kept that was not promised: the worst that can happen. */
  readonly worst: boolean
  /** But of the newest log of a peer's last segment, all is kept, so that what comes before it is missing. */
  readonly holes: boolean
}

const SECTOR_BYTES = 512
/** Chance that of what was not promised nothing at all is kept; that all of it is. */
const NOTHING_KEPT = 0.4
const ALL_KEPT = 0.2
const TORN = 0.4
const NEVER_SYNCED_KEPT = 0.1

type Overwrite = Extract<Change, { readonly kind: 'write' }>

interface Found {
  readonly path: string
  readonly inode: number
  /** Bytes that were written, of a log without the room behind them. */
  readonly size: number
  readonly length: number
  /** All that was written is kept. */
  readonly isSpared: boolean
}

export class PowerCut {
  readonly #ledger: Ledger
  readonly #prng: Prng
  readonly #options: CutOptions
  readonly #counts: LossCounts
  /** Where all of it lies: that is there for good. */
  readonly #root: string

  constructor(root: string, ledger: Ledger, options: CutOptions, prng: Prng, counts: LossCounts) {
    this.#root = root
    this.#ledger = ledger
    this.#options = options
    this.#prng = prng
    this.#counts = counts
  }

  /** Leaves of the directory what the model may leave; all of it is on the medium then, and the ledger done with. */
  apply(): void {
    if (this.#options.model === 'journal') this.#undoFrom(this.#drawKept(this.#ledger.settled))
    if (this.#options.model === 'strict') this.#undoByDirectory()
    for (const write of this.#ledger.unsyncedWrites()) this.#undoWrite(write)
    for (const path of filesIn(this.#root)) this.#cut(path)
  }

  /** How many changes are kept, of which those before `settled` must be. */
  #drawKept(settled: number): number {
    const { changes } = this.#ledger
    if (this.#options.worst || this.#prng.chance(NOTHING_KEPT)) return settled
    return this.#prng.between(settled, changes.length)
  }

  #undoFrom(kept: number): void {
    for (const change of this.#ledger.changes.slice(kept).reverse()) this.#undo(change)
  }

  #undoByDirectory(): void {
    const { changes } = this.#ledger
    const kept = this.#drawKeptIn()
    for (let at = changes.length - 1; at >= 0; at--) {
      const change = changes[at]!
      if (at >= (kept.get(directoryOf(change)) ?? 0)) this.#undo(change)
    }
  }

  /** How many changes are kept in each directory. */
  #drawKeptIn(): ReadonlyMap<string, number> {
    const { changes } = this.#ledger
    const kept = new Map<string, number>()
    for (const directory of new Set(changes.map(directoryOf))) {
      kept.set(directory, this.#drawKept(this.#ledger.settledIn(directory)))
    }
    // With a directory whose end is kept goes all that was in it: none of it comes back in one of the same name.
    for (let at = changes.length - 1; at >= 0; at--) {
      const change = changes[at]!
      const { kind, path } = change
      if (kind !== 'rmdir' || at >= kept.get(directoryOf(change))!) continue
      kept.set(path, Math.max(at + 1, kept.get(path) ?? 0))
    }
    return kept
  }

  /** As far as it was done: the process may have been killed just before. */
  #undo(change: Change): void {
    const { kind, path } = change
    switch (kind) {
      case 'create':
        if (inodeOf(path) !== change.inode) return
        unlinkSync(path)
        break
      case 'rename':
        if (inodeOf(change.newPath) !== change.inode) return
        renameSync(change.newPath, path)
        if (change.kept) linkSync(join(change.grave, String(change.change)), change.newPath)
        break
      case 'unlink':
        if (!change.kept || existsSync(path) || !existsSync(dirname(path))) return
        linkSync(join(change.grave, String(change.change)), path)
        break
      case 'mkdir':
        if (path === this.#root || !existsSync(path)) return
        // With what was made in it, synced or not: there is no way to it any more.
        rmSync(path, { recursive: true })
        break
      case 'rmdir':
        if (existsSync(path) || !existsSync(dirname(path))) return
        mkdirSync(path)
        break
      default:
        return
    }
    this.#counts.undone++
  }

  /** What was there before is back, from a random place on; or all that was written has stayed. */
  #undoWrite({ path, inode, kept, offset, length, grave, change }: Overwrite): void {
    if (!kept || inodeOf(path) !== inode) return
    const before = readFileSync(join(grave, String(change)))
    const from = this.#drawSize(0, length)
    if (from >= before.length) return
    const file = openSync(path, 'r+')
    writeSync(file, before, from, before.length - from, offset + from)
    closeSync(file)
    this.#counts.undone++
  }

  /** What was appended since the last sync goes, or a part of it, or it is spoilt. */
  #cut(path: string): void {
    const { ino: inode, size: length } = lstatSync(path)
    const synced = this.#ledger.synced(inode)
    if (synced === undefined) return
    const size = isLog(path) ? endOfData(readFileSync(path)) : length
    const file = { path, inode, size, length, isSpared: this.#isSpared(path) }
    const isSafe = synced >= size && this.#ledger.wasSynced(inode)
    const kept = isSafe ? size : this.#cutUnsynced(file, synced)
    if (kept !== undefined && length > size && !file.isSpared) this.#shorten(file, kept)
  }

  /** How much is kept of what is in the file; undefined when nothing is left of the file. */
  #cutUnsynced({ path, inode, size, length, isSpared }: Found, synced: number): number | undefined {
    this.#counts.atRisk++
    const mayGo = this.#options.model !== 'journal' && !isSpared
    if (mayGo && !this.#ledger.wasSynced(inode)) {
      if (this.#options.worst || !this.#prng.chance(NEVER_SYNCED_KEPT)) {
        unlinkSync(path)
        this.#counts.deleted++
        this.#counts.dropped += size
        return undefined
      }
    }
    const kept = isSpared ? size : this.#drawSize(synced, size)
    if (kept < size) {
      if (length > size) blank(path, kept, size)
      else truncateSync(path, kept)
      this.#counts.truncated++
      this.#counts.dropped += size - kept
    }
    if (kept > synced && this.#options.tears && this.#prng.chance(TORN))
      this.#tear(path, synced, kept)
    return kept
  }

  /** Room that was made since the last sync may be missing, behind what is kept or all of it. */
  #shorten({ path, inode, length }: Found, kept: number): void {
    const synced = this.#ledger.syncedLength(inode) ?? length
    const left = this.#drawSize(Math.max(kept, Math.min(synced, length)), length)
    if (left < length) truncateSync(path, left)
  }

  #isSpared(path: string): boolean {
    if (!this.#options.holes || !isLog(path)) return false
    const segment = dirname(path)
    if (newestIn(dirname(segment), isSegment) !== basename(segment)) return false
    return newestIn(segment, isLog) === basename(path)
  }

  #drawSize(synced: number, size: number): number {
    if (this.#options.worst || this.#prng.chance(NOTHING_KEPT)) return synced
    if (this.#prng.chance(ALL_KEPT)) return size
    return this.#prng.between(synced, size)
  }

  /** From a random place in the part that nobody was promised on: zeros, garbage, or some sectors of zeros. */
  #tear(path: string, synced: number, size: number): void {
    this.#counts.torn++
    const from = this.#prng.between(synced, size - 1)
    const file = openSync(path, 'r+')
    try {
      switch (this.#prng.between(0, 2)) {
        case 0:
          writeSync(file, Buffer.alloc(size - from), 0, size - from, from)
          return
        case 1:
          writeSync(file, this.#garbage(size - from), 0, size - from, from)
          return
        default:
          this.#dropSectors(file, synced, size)
      }
    } finally {
      closeSync(file)
    }
  }

  #dropSectors(file: number, synced: number, size: number): void {
    for (let at = synced - (synced % SECTOR_BYTES); at < size; at += SECTOR_BYTES) {
      if (this.#prng.chance(0.5)) continue
      const from = Math.max(at, synced)
      const length = Math.min(at + SECTOR_BYTES, size) - from
      writeSync(file, Buffer.alloc(length), 0, length, from)
    }
  }

  #garbage(bytes: number): Buffer {
    const seed = this.#prng.u32()
    const block = createHash('shake256', { outputLength: 4096 }).update(String(seed)).digest()
    return Buffer.alloc(bytes, block)
  }
}

/** What never got to the disk in a file that is longer reads as zeros. */
function blank(path: string, from: number, to: number): void {
  const file = openSync(path, 'r+')
  writeSync(file, Buffer.alloc(to - from), 0, to - from, from)
  closeSync(file)
}

function isLog(path: string): boolean {
  return path.endsWith('.log')
}

function isSegment(name: string): boolean {
  return name.startsWith('log-')
}

/** Names are numbered. */
function newestIn(directory: string, isMeant: (name: string) => boolean): string | undefined {
  return readdirSync(directory).filter(isMeant).sort().at(-1)
}

function directoryOf(change: Change): string {
  return dirname(change.kind === 'rename' ? change.newPath : change.path)
}

function inodeOf(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.ino
}

function filesIn(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap(entry => {
    const path = join(directory, entry.name)
    return entry.isDirectory() ? filesIn(path) : [path]
  })
}
