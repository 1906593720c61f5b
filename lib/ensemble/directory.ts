/**
 * The ensemble's directories on disk: taken, checked against what was there before, and given back. What is in a peer's
 * directory is the peer's own business; here it only matters whether there is anything. Leaves nothing behind of an
 * ensemble that never served.
 */

import { mkdir, readdir, rm, rmdir, stat } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { TreeError } from '../base/errors.ts'
import type { Sid } from '../base/zxid.ts'
import { errnoOf, unless, withFile } from './file-errors.ts'
import {
  MARKER_DRAFT,
  MARKER_FILE,
  type Marker,
  readMarker,
  syncDirectory,
  writeMarker,
} from './marker.ts'
import type { PeerConfig } from './options.ts'
import { isOwnerFile, Ownership } from './ownership.ts'

/** What operating systems leave in directories that are empty to their users, and what a crash left of a marker. */
const IGNORED: ReadonlySet<string> = new Set([
  MARKER_DRAFT,
  'lost+found',
  '.DS_Store',
  'Thumbs.db',
  'desktop.ini',
])

/** What somebody put into the directory; nothing when it is missing. */
async function contentOf(directory: string): Promise<string[]> {
  const names = await withFile(directory, () => unless(['ENOENT'], [], () => readdir(directory)))
  return names.filter(name => !IGNORED.has(name) && !isOwnerFile(name))
}

/**
 * Makes the directory and those that hold it, where missing, and adds each to `made`. Not left to a recursive `mkdir`:
 * where the system lets nothing be made and says that it is missing, Node.js tries without an end.
 */
async function makeDirectory(directory: string, made: string[]): Promise<void> {
  const found = await unless(['ENOENT'], undefined, () => stat(directory))
  if (found?.isDirectory()) return
  const parent = dirname(directory)
  if (parent !== directory) await makeDirectory(parent, made)
  try {
    await mkdir(directory)
    made.push(directory)
  } catch (error) {
    const code = errnoOf(error)
    // Somebody else was faster, if it is not a file, or a link that leads nowhere.
    if (code === 'EEXIST' && (await isDirectory(directory))) return
    if (code !== 'ENOENT') throw error
    const message = `cannot make ${directory}: no directory can be made there: give one elsewhere`
    throw new TreeError('NO_PERMISSION', message, { path: directory, cause: error })
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return await unless(['ENOENT'], false, async () => (await stat(path)).isDirectory())
}

async function removeAll(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true })
}

interface Place {
  readonly sid: Sid
  readonly votes: boolean
  readonly dataDir: string
}

function placesOf(peers: readonly PeerConfig[]): Place[] {
  return peers.flatMap(({ sid, votes, dataDir }) =>
    dataDir === undefined ? [] : [{ sid, votes, dataDir }],
  )
}

function listSids(sids: Iterable<Sid>): string {
  return [...sids].join(', ') || 'none'
}

function sameSids(some: readonly Sid[], others: readonly Sid[]): boolean {
  return some.length === others.length && some.every(sid => others.includes(sid))
}

export class EnsembleDirectory {
  readonly #root: string
  readonly #places: readonly Place[]
  /** As it stands on disk. */
  #marker: Marker | undefined
  readonly #owned: Ownership[] = []
  /** Directories made here, each after the one that holds it. */
  readonly #made: string[] = []
  /** Nothing was there before: should the ensemble never serve, nothing stays. */
  #fresh = false

  private constructor(root: string, places: readonly Place[]) {
    this.#root = root
    this.#places = places
  }

  /**
   * Takes the directory and those of the peers, and makes what is missing. When it fails, all is as it was before.
   * @throws TreeError DIRECTORY_LOCKED, DIRECTORY_NOT_OURS, DIRECTORY_DAMAGED, FORMAT_TOO_NEW, MEMBERSHIP_MISMATCH,
   * NO_PERMISSION, NO_SPACE or STORAGE_FAILED.
   */
  static async open(root: string, peers: readonly PeerConfig[]): Promise<EnsembleDirectory> {
    const directory = new EnsembleDirectory(root, placesOf(peers))
    try {
      await directory.#open()
      return directory
    } catch (error) {
      await directory.abandon()
      throw error
    }
  }

  /** Whether no leader ever served this ensemble. */
  get isFounding(): boolean {
    return this.#marker?.formed !== true
  }

  /** The first leader serves: from now on the members are fixed, and what the peers hold is precious. */
  async formed(): Promise<void> {
    const formed: Marker = { formed: true, ...this.#members() }
    await writeMarker(this.#root, formed)
    this.#marker = formed
    await Promise.all(this.#owned.map(ownership => ownership.settle()))
  }

  /**
   * Gives the directories back. What could not be given back is tried again by the next call.
   * @throws TreeError of the first that could not.
   */
  async release(): Promise<void> {
    const outcomes = await Promise.allSettled(this.#owned.map(ownership => ownership.release()))
    const kept = this.#owned.filter((_, at) => outcomes[at]!.status === 'rejected')
    this.#owned.splice(0, this.#owned.length, ...kept)
    const failed = outcomes.find(outcome => outcome.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  /**
   * Gives the directories back after a failure to open; of an ensemble that never served nothing stays. Does what it
   * can and never fails: what made it necessary is the error to tell.
   */
  async abandon(): Promise<void> {
    // One that cannot be emptied is given back all the same.
    if (this.#fresh && this.isFounding) await this.#empty().catch(() => undefined)
    try {
      await this.release()
      for (const made of this.#made.reverse()) await rmdir(made)
    } catch {
      // A directory that somebody else has put something into stays, for one.
    }
  }

  async #open(): Promise<void> {
    await this.#take(this.#root)
    const marker = await readMarker(this.#root)
    if (marker === undefined) await this.#checkUnused()
    for (const { dataDir } of this.#places) await this.#take(dataDir)
    if (marker?.formed === true) await this.#reopen(marker)
    else await this.#found(marker !== undefined)
  }

  /** An ensemble that has served before: the same voters, and each peer's directory as it was left. */
  async #reopen(marker: Marker): Promise<void> {
    this.#checkVoters(marker)
    const empty: Sid[] = []
    for (const { sid, votes, dataDir } of this.#places) {
      if (votes && (await contentOf(dataDir)).length === 0) empty.push(sid)
    }
    this.#checkQuorum(empty)
    this.#marker = marker
  }

  /** A first start, or another attempt at it. */
  async #found(attempted: boolean): Promise<void> {
    if (!attempted) {
      for (const place of this.#places) await this.#checkEmpty(place)
      this.#fresh = true
    }
    this.#marker = { formed: false, ...this.#members() }
    await writeMarker(this.#root, this.#marker)
    for (const made of this.#made) await withFile(made, () => syncDirectory(dirname(made)))
  }

  #members(): Pick<Marker, 'voters' | 'observers'> {
    return {
      voters: this.#places.filter(({ votes }) => votes).map(({ sid }) => sid),
      observers: this.#places.filter(({ votes }) => !votes).map(({ sid }) => sid),
    }
  }

  #checkVoters(marker: Marker): void {
    const { voters } = this.#members()
    if (sameSids(voters, marker.voters)) return
    const was = `was made with the participants ${listSids(marker.voters)}`
    const now = `not ${listSids(voters)}`
    const advice = 'give the same ones (observers may change), or another dataDir'
    throw new TreeError('MEMBERSHIP_MISMATCH', `${this.#root} ${was}, ${now}: ${advice}`, {
      path: this.#root,
    })
  }

  /**
   * A peer that lost its data has no vote until a leader has filled it again; without a majority of the others none
   * would ever be elected.
   */
  #checkQuorum(lost: readonly Sid[]): void {
    if (lost.length * 2 < this.#members().voters.length) return
    const what = `the directories of peers ${listSids(lost)} are missing or empty, a majority is needed`
    const advice = 'restore them from a backup, or give another dataDir'
    throw new TreeError('DIRECTORY_DAMAGED', `${this.#root}: ${what}: ${advice}`, {
      path: this.#root,
    })
  }

  /** Without a marker there may be nothing else either. */
  async #checkUnused(): Promise<void> {
    const root = this.#root
    const own = new Set(this.#places.map(({ dataDir }) => relative(root, dataDir).split(sep)[0]))
    const foreign = (await contentOf(root)).filter(name => !own.has(name))
    if (foreign.length === 0) return
    const what = `${root} holds other things (${foreign.slice(0, 3).join(', ')})`
    throw new TreeError('DIRECTORY_NOT_OURS', `${what}: give an empty directory`, { path: root })
  }

  async #checkEmpty({ sid, dataDir }: Place): Promise<void> {
    if ((await contentOf(dataDir)).length === 0) return
    const what = `${dataDir} of peer ${sid} is not empty, yet ${this.#root} has no ${MARKER_FILE}`
    const advice = 'restore that file from a backup, or give empty directories'
    throw new TreeError('DIRECTORY_DAMAGED', `${what}: ${advice}`, { path: dataDir })
  }

  /** Makes the directory if it is missing, and becomes its owner. */
  async #take(directory: string): Promise<void> {
    await withFile(directory, () => makeDirectory(directory, this.#made))
    this.#owned.push(await Ownership.take(directory))
  }

  /**
   * Removes what this attempt has written. Only what is owned: the rest may be somebody else's by now. As long as
   * something is left, so is the marker: it says that all that lies there is of no value, and may be begun again.
   */
  async #empty(): Promise<void> {
    // The root is taken first.
    const [root, ...peers] = this.#owned
    if (root === undefined) return
    for (const { directory } of peers) {
      for (const name of await contentOf(directory)) await removeAll(join(directory, name))
      await syncDirectory(directory)
    }
    for (const name of [MARKER_DRAFT, MARKER_FILE]) await removeAll(join(root.directory, name))
  }
}
