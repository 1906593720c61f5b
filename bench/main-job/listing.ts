/**
 * What there is to replicate: the entries of a directory tree, each directory before what is in it. Paths are bytes,
 * since a file's name need not be text.
 */

import { lstatSync, readdirSync, type Stats } from 'node:fs'
import { znodeName } from './names.ts'

export interface Entry {
  readonly kind: 'directory' | 'file' | 'link'
  readonly source: Buffer
  /** Where it goes. */
  readonly path: string
  /** Size when it was listed; of a link, that of its target's name. */
  readonly bytes: number
}

export interface Skipped {
  readonly source: Buffer
  readonly why: string
}

export interface Listing {
  readonly entries: readonly Entry[]
  readonly bytes: number
  readonly skipped: readonly Skipped[]
  /** False when there was more than could be listed. */
  readonly complete: boolean
}

export interface ListingLimits {
  readonly entries: number
  readonly ms: number
  /** A directory that is left out: the one that is written to. */
  readonly exceptFor: string
}

const SLASH = Buffer.from('/')

/** What to say of a failed call of the file system: its code where it has one. */
export function reasonOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error)
}

class Walk {
  readonly #limits: ListingLimits
  readonly #deadline: number
  readonly #root: Stats
  readonly #except: Stats
  readonly #entries: Entry[] = []
  readonly #skipped: Skipped[] = []
  #bytes = 0
  #complete = true

  constructor(root: Buffer, limits: ListingLimits) {
    this.#limits = limits
    this.#deadline = performance.now() + limits.ms
    this.#root = lstatSync(root)
    this.#except = lstatSync(limits.exceptFor)
  }

  listing(): Listing {
    const complete = this.#complete
    return { entries: this.#entries, bytes: this.#bytes, skipped: this.#skipped, complete }
  }

  directory(source: Buffer, path: string): void {
    this.#add({ kind: 'directory', source, path, bytes: 0 })
    const names = this.#try(source, () => readdirSync(source, { encoding: 'buffer' })) ?? []
    for (const name of names.sort(Buffer.compare)) {
      this.#complete &&=
        this.#entries.length < this.#limits.entries && performance.now() < this.#deadline
      if (!this.#complete) return
      this.#visit(Buffer.concat([source, SLASH, name]), `${path}/${znodeName(name)}`)
    }
  }

  #visit(source: Buffer, path: string): void {
    const stats = this.#try(source, () => lstatSync(source))
    if (stats === undefined) return
    if (stats.isDirectory()) {
      if (isSame(stats, this.#except)) this.#skip(source, 'the data directory')
      // Other file systems may be endless, as /proc is.
      else if (stats.dev !== this.#root.dev) this.#skip(source, 'another file system')
      else this.directory(source, path)
    } else if (stats.isFile()) {
      this.#add({ kind: 'file', source, path, bytes: stats.size })
    } else if (stats.isSymbolicLink()) {
      this.#add({ kind: 'link', source, path, bytes: stats.size })
    } else {
      this.#skip(source, 'neither file, directory nor symlink')
    }
  }

  #try<T>(source: Buffer, read: () => T): T | undefined {
    try {
      return read()
    } catch (error) {
      this.#skip(source, reasonOf(error))
      return undefined
    }
  }

  #add(entry: Entry): void {
    this.#entries.push(entry)
    this.#bytes += entry.bytes
  }

  #skip(source: Buffer, why: string): void {
    this.#skipped.push({ source, why })
  }
}

function isSame(one: Stats, other: Stats): boolean {
  return one.ino === other.ino && one.dev === other.dev
}

/** Lists `directory`, to be replicated as `path`. */
export function listDirectory(directory: string, path: string, limits: ListingLimits): Listing {
  const root = Buffer.from(directory)
  const walk = new Walk(root, limits)
  walk.directory(root, path)
  return walk.listing()
}
