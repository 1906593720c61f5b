/**
 * The peer's directory before LevelDB touches it. A small file in it says whose directory it is, so that a foreign one
 * is never opened, and which segment of the log is the last that was in use: a directory of a later one was begun and
 * never promised anything, and where an earlier one is missing, something was lost. LevelDB alone would make a new,
 * empty database where its files are lost.
 */

import { open, readdir, readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Sid } from '../base/zxid.ts'
import { checksum } from './checksum.ts'
import { asStorageFailure, storageFailure } from './failures.ts'
import { makeDirectories } from './make-directory.ts'
import { FORMAT } from './records.ts'
import { syncDirectory } from './sync.ts'

const IDENTITY_FILE = 'quorumtree.json'
const UNFINISHED_FILE = `${IDENTITY_FILE}.new`
/** By such a file the ensemble shows that it has the directory open. */
const OWNER_PREFIX = 'quorumtree.owner-'
/** What operating systems leave in directories that are empty to their users. */
const IGNORED = new Set([UNFINISHED_FILE, '.DS_Store', 'Thumbs.db', 'desktop.ini', 'lost+found'])

export interface Identity {
  readonly format: number
  readonly sid: Sid
  /** The last segment of the log that has its first records. 0: nothing was ever promised, or is of value. */
  readonly segment: number
}

interface Sealed extends Identity {
  /** A wrong number of a segment would make an old state the present one. */
  readonly sum: number
}

function sumOf({ format, sid, segment }: Identity): number {
  return checksum(Buffer.from(`${format} ${sid} ${segment}`))
}

function parseIdentity(text: string, directory: string): Identity {
  const damaged = (cause?: unknown) =>
    storageFailure('DIRECTORY_DAMAGED', directory, `${IDENTITY_FILE} cannot be read`, cause)
  let parsed: Partial<Sealed> | null
  try {
    parsed = JSON.parse(text) as Partial<Sealed> | null
  } catch (cause) {
    throw damaged(cause)
  }
  const { format, sid, segment, sum } = parsed ?? {}
  if (typeof format !== 'number') throw damaged()
  checkFormat(format, directory)
  if (typeof sid !== 'number' || typeof segment !== 'number') throw damaged()
  const identity = { format, sid, segment }
  if (sum !== sumOf(identity)) throw damaged()
  return identity
}

/** What the file that says whose directory it is holds. */
export function formatIdentity(identity: Identity): string {
  return `${JSON.stringify({ ...identity, sum: sumOf(identity) })}\n`
}

async function writeIdentity(directory: string, identity: Identity): Promise<void> {
  const unfinished = join(directory, UNFINISHED_FILE)
  const handle = await open(unfinished, 'w')
  try {
    await handle.writeFile(formatIdentity(identity))
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(unfinished, join(directory, IDENTITY_FILE))
  await syncDirectory(directory)
}

/**
 * What a file of the peer's own holds; nothing when there is none.
 * @throws TreeError when it cannot be read; its `path` is the directory.
 */
export async function readOwnFile(directory: string, name: string): Promise<Buffer> {
  try {
    return await readFile(join(directory, name))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0)
    throw asStorageFailure(error, directory)
  }
}

/** Undefined when there is none. */
export async function readIdentity(directory: string): Promise<Identity | undefined> {
  try {
    return parseIdentity(await readFile(join(directory, IDENTITY_FILE), 'utf8'), directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function claim(directory: string, sid: Sid): Promise<Identity> {
  await makeDirectories(directory)
  const found = await readIdentity(directory)
  if (found !== undefined) {
    checkOwner(found.sid, sid, directory)
    return found
  }
  const names = await readdir(directory)
  const foreign = names.find(name => !IGNORED.has(name) && !name.startsWith(OWNER_PREFIX))
  if (foreign !== undefined) {
    const what = `the directory holds other data ('${foreign}')`
    throw storageFailure('DIRECTORY_NOT_OURS', directory, what)
  }
  const identity = { format: FORMAT, sid, segment: 0 }
  await writeIdentity(directory, identity)
  await syncDirectory(dirname(directory))
  return identity
}

export function checkFormat(format: number, directory: string): void {
  if (format <= FORMAT) return
  const what = `the data have the format ${format}, this version reads up to ${FORMAT}`
  throw storageFailure('FORMAT_TOO_NEW', directory, what)
}

export function checkOwner(owner: Sid, sid: Sid, directory: string): void {
  if (owner === sid) return
  const what = `the data belong to peer ${owner}, not to peer ${sid}`
  throw storageFailure('DIRECTORY_NOT_OURS', directory, what)
}

/**
 * Makes sure that the directory is this peer's, creating it if need be.
 * @throws TreeError DIRECTORY_NOT_OURS, DIRECTORY_DAMAGED, FORMAT_TOO_NEW, NO_PERMISSION, NO_SPACE, STORAGE_FAILED.
 */
export async function claimDirectory(directory: string, sid: Sid): Promise<Identity> {
  try {
    return await claim(directory, sid)
  } catch (error) {
    throw asStorageFailure(error, directory)
  }
}

/** To be called once the first records of a segment are durable: from then on it is in use, and the last one. */
export async function recordSegment(
  directory: string,
  { sid }: Identity,
  segment: number,
): Promise<void> {
  await writeIdentity(directory, { format: FORMAT, sid, segment })
}
